package otelml_test

import (
	"fmt"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/otelml"
)

func TestPack(t *testing.T) {
	var records [][2]string
	for i := range 100 {
		records = append(records, [2]string{"service", fmt.Sprint(i)})
	}
	ld := logs(records)
	b, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
	if err != nil {
		t.Fatal(err)
	}
	packed := otelml.Pack(b)
	if len(packed) > len(b)/2 {
		t.Errorf("%d bytes, packed %d", len(b), len(packed))
	}
	got, err := otelml.Unpack(packed)
	if err != nil || identity(t, got) != identity(t, ld) {
		t.Errorf("unpacked %v %v", got, err)
	}
	if got, err := otelml.Unpack(nil); err != nil || got.LogRecordCount() != 0 {
		t.Errorf("nothing: %v", err)
	}
	for cut := 1; cut < len(packed); cut += 7 {
		if _, err := otelml.Unpack(packed[:cut]); err == nil {
			t.Errorf("%d of %d bytes are accepted", cut, len(packed))
		}
	}
	if _, err := otelml.Unpack([]byte("\xff\xff\xff\xff\x0f rest")); err == nil {
		t.Error("4 GiB are accepted")
	}
}
