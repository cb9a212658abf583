package groundtruthprocessor

import (
	"context"
	"fmt"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/driftmeter/driftmeter/extension/modelstore"
)

type extensions map[component.ID]component.Component

func (e extensions) GetExtensions() map[component.ID]component.Component { return e }

// BenchmarkConsumeLogs passes batches of a thousand predictions with twenty
// features, each with an id of its own; copying them is what the test costs.
func BenchmarkConsumeLogs(b *testing.B) {
	const n = 1000
	ctx := context.Background()
	sf := modelstore.NewFactory()
	sc := sf.CreateDefaultConfig().(*modelstore.Config)
	sc.Directory = b.TempDir()
	ms, err := sf.Create(ctx, extensiontest.NewNopSettings(sf.Type()), sc)
	if err != nil {
		b.Fatal(err)
	}
	host := extensions{component.MustNewID("modelstore"): ms}
	if err := ms.Start(ctx, host); err != nil {
		b.Fatal(err)
	}
	f := NewFactory()
	j, err := f.CreateLogs(ctx, processortest.NewNopSettings(f.Type()), f.CreateDefaultConfig(), consumertest.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	if err := j.Start(ctx, host); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = j.Shutdown(ctx); _ = ms.Shutdown(ctx) }()
	template := plog.NewLogs()
	dst := template.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for i := range n {
		lr := dst.AppendEmpty()
		lr.SetEventName("ml.prediction")
		lr.SetTimestamp(pcommon.Timestamp(1_700_000_000_000_000_000 + i))
		a := lr.Attributes()
		a.PutStr("ml.model.name", "fraud")
		a.PutStr("ml.model.version", "1")
		a.PutStr("ml.prediction.id", "")
		for f := range 20 {
			a.PutDouble(fmt.Sprintf("ml.features.feature_%02d", f), float64(i*f)/7)
		}
		a.PutDouble("ml.predictions.score", float64(i)/n)
	}
	id := 0
	fresh := func() plog.Logs {
		ld := plog.NewLogs()
		template.CopyTo(ld)
		for _, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
			v, _ := lr.Attributes().Get("ml.prediction.id")
			v.SetStr(fmt.Sprintf("%016d", id))
			id++
		}
		return ld
	}
	per := func(b *testing.B) { b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record") }
	b.Run("copying", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			fresh()
		}
		per(b)
	})
	b.Run("groundtruth", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := j.ConsumeLogs(ctx, fresh()); err != nil {
				b.Fatal(err)
			}
		}
		per(b)
	})
}
