package testbed

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

// Features is the number of numeric features of a generated prediction.
const Features = 20

// A Template is a batch of records, marshalled once. Its copies differ in their
// timestamps and prediction ids only, which are patched into the bytes: so each
// is a batch of its own, and to make one costs next to nothing.
type Template struct {
	Records   int
	Confusion Confusion
	bytes     []byte
	stamps    []int // where the timestamp of each record stands
	ids       []int // where the prediction id of each stands; none: they have no ids
}

// Confusion is how scores of at least 0.5 and actuals meet.
type Confusion struct{ TP, FP, FN, TN int }

// Add returns the sum of both.
func (c Confusion) Add(d Confusion) Confusion {
	return Confusion{c.TP + d.TP, c.FP + d.FP, c.FN + d.FN, c.TN + d.TN}
}

// marker stands for a timestamp until it is patched; its low bytes count the
// records.
const marker = 0x5AFE_C0DE_0000_0000

// idOf is the prediction id of record i until one is patched in, as long as
// every id.
func idOf(i int) string { return fmt.Sprintf("patched: %07x", i) }

// Identify gives record i of a template an id, which Number changes. It is meant
// for the function that NewTemplate takes; all records have to get one, or none.
func Identify(i int, lr plog.LogRecord) {
	lr.Attributes().PutStr("ml.prediction.id", idOf(i))
}

// Label makes of a prediction the label of one, which comes by itself: the event
// of an actual with the two actuals, and nothing else.
func Label(lr plog.LogRecord) {
	lr.SetEventName("ml.actual")
	lr.Attributes().RemoveIf(func(k string, _ pcommon.Value) bool {
		return strings.HasPrefix(k, "ml.features.") || strings.HasPrefix(k, "ml.predictions.")
	})
}

// Unlabel takes the actuals out of a prediction.
func Unlabel(lr plog.LogRecord) {
	lr.Attributes().RemoveIf(func(k string, _ pcommon.Value) bool { return strings.HasPrefix(k, "ml.actuals.") })
}

// NewTemplate returns a batch of records of a model: 20 numeric features, a
// score with a boolean actual, and a number with its actual. change may do
// something more to each.
func NewTemplate(model string, records int, rng *rand.Rand, change func(i int, lr plog.LogRecord)) (*Template, error) {
	t := &Template{Records: records}
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "testbed")
	lrs := rl.ScopeLogs().AppendEmpty().LogRecords()
	lrs.EnsureCapacity(records)
	for i := range records {
		lr := lrs.AppendEmpty()
		t.Confusion = t.Confusion.Add(prediction(lr, model, rng))
		lr.SetTimestamp(pcommon.Timestamp(marker + uint64(i)))
		if change != nil {
			change(i, lr)
		}
	}
	var err error
	if t.bytes, err = plogotlp.NewExportRequestFromLogs(ld).MarshalProto(); err != nil {
		return nil, err
	}
	// Field 1 of a log record is its time, eight bytes. Records stand in the
	// bytes in their order.
	at, id := 0, 0
	for i := range records {
		m := binary.LittleEndian.AppendUint64([]byte{0x09}, marker+uint64(i))
		next := bytes.Index(t.bytes[at:], m)
		if next < 0 {
			return nil, fmt.Errorf("the timestamp of record %d is not in the batch", i)
		}
		at += next + 1
		t.stamps = append(t.stamps, at)
		if len(t.ids) < i {
			continue // the first record has no id
		}
		if next := bytes.Index(t.bytes[id:], []byte(idOf(i))); next >= 0 {
			id += next
			t.ids = append(t.ids, id)
		}
	}
	if len(t.ids) != 0 && len(t.ids) != records {
		return nil, fmt.Errorf("%d of %d records have an id to be patched", len(t.ids), records)
	}
	return t, nil
}

var featureNames = func() (names [Features]string) {
	for i := range names {
		names[i] = fmt.Sprintf("ml.features.f%02d", i)
	}
	return names
}()

// prediction fills one record.
func prediction(lr plog.LogRecord, model string, rng *rand.Rand) Confusion {
	lr.SetEventName("ml.prediction")
	a := lr.Attributes()
	a.EnsureCapacity(Features + 5)
	a.PutStr("ml.model.name", model)
	for i, name := range featureNames {
		a.PutDouble(name, rng.NormFloat64()*float64(i+1)+float64(i))
	}
	score, amount := rng.Float64(), 100*rng.ExpFloat64()
	actual := rng.Float64() < score
	a.PutDouble("ml.predictions.score", score)
	a.PutDouble("ml.predictions.amount", amount)
	a.PutBool("ml.actuals.label", actual)
	a.PutDouble("ml.actuals.amount", amount+rng.NormFloat64())
	switch positive := score >= 0.5; {
	case positive && actual:
		return Confusion{TP: 1}
	case positive:
		return Confusion{FP: 1}
	case actual:
		return Confusion{FN: 1}
	}
	return Confusion{TN: 1}
}

// Batch returns a copy of the template whose records are step apart from first
// on, written into buf if that is large enough.
func (t *Template) Batch(buf []byte, first time.Time, step time.Duration) []byte {
	b := append(buf[:0], t.bytes...)
	at := uint64(first.UnixNano())
	for _, i := range t.stamps {
		binary.LittleEndian.PutUint64(b[i:], at)
		at += uint64(step)
	}
	return b
}

// Number gives the records of a batch of the template ids: 16 hexadecimal digits
// of what of says for each.
func (t *Template) Number(batch []byte, of func(i int) uint64) {
	for i, at := range t.ids {
		putHex(batch[at:], of(i))
	}
}

// putHex writes n as 16 hexadecimal digits.
func putHex(to []byte, n uint64) {
	const digits = "0123456789abcdef"
	for d := range 16 {
		to[15-d] = digits[n&15]
		n >>= 4
	}
}
