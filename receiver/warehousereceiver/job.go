package warehousereceiver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// job is one row on its way.
type job struct {
	*batch
	keys    []value.Key
	label   bool // only labels, or raw inputs, are told of it
	index   int
	labels  []byte // what they say
	reasons []byte // why records of it are refused
	taken   int    // records
	size    int    // of those that are sent
	errs    []*mapping.RowError
}

// record takes one record of the row.
func (j *job) record(refused error) error {
	r := &j.rows.record
	if refused == nil {
		j.complete(r)
		refused = mapping.Check(r)
	}
	j.index++
	if e, ok := errors.AsType[*mapping.RowError](refused); ok {
		if e.Reason == mapping.NoFields && j.defaults.Event == record.Actual {
			return nil // not known yet
		}
		j.errs = append(j.errs, e)
		j.reasons = append(j.reasons, e.Error()...)
		return nil
	}
	if refused != nil {
		return refused
	}
	j.taken++
	j.said(r)
	if j.label {
		r.Event = record.Actual
		kept := r.Fields[:0]
		for _, f := range r.Fields {
			if j.tells(&f) {
				kept = append(kept, f)
			}
		}
		if r.Fields = kept; len(kept) == 0 {
			return nil
		}
	}
	j.encoder.Append(j.scratch, r)
	if j.kept != nil {
		j.kept(r)
	}
	j.scattered = append(j.scattered, r.Environment)
	if j.size += (&plog.ProtoMarshaler{}).LogRecordSize(j.scratch.At(j.scratch.Len() - 1)); j.size > maxRow {
		return &mapping.RowError{Reason: mapping.TooLong, Problem: fmt.Sprintf("becomes more than %d MiB", maxRow>>20),
			Hint: "each element of mapping.explode has the rest of the row with it; select fewer columns by a query, or ignore them"}
	}
	if j.kind == kindReference {
		j.subjects = mergeSubjects(j.subjects, []subject{{r.Model, r.Version, r.Environment}})
	}
	return nil
}

// complete gives a record what the row does not say: the id is that of its keys,
// the time that of the incremental column, else that at which it was read, if that
// is known.
func (j *job) complete(r *record.Record) {
	if r.Version == "" {
		r.Version = otelml.DefaultVersion
	}
	if r.ID == "" && r.Event != record.Reference {
		var parts []string
		for _, k := range j.keys[j.from:] {
			parts = append(parts, k.String())
		}
		if r.ID = strings.Join(parts, "/"); j.exploded {
			r.ID += "_" + strconv.Itoa(j.index)
		}
	}
	if r.Stamped {
		return
	}
	if !j.now.IsZero() {
		r.Time, r.Stamped = j.now.UnixNano(), true
	}
	if t, ok := j.keys[0].Time(); ok && math.Abs(float64(t.Unix())) < 9e9 {
		r.Time, r.Stamped = t.UnixNano(), true
	}
}

// tells reports whether a field is what rows tell when they are read again: ground
// truth or inputs that come late, which are not known while they are null.
func (j *job) tells(f *record.Field) bool {
	return f.Value.Kind() != record.Missing &&
		(f.Group == record.Actuals && j.kind != kindRawInputs || f.Group == record.RawInputs && j.kind != kindPredictions)
}

// said adds what the labels of a record say to what is compared.
func (j *job) said(r *record.Record) {
	for i := range r.Fields {
		if f := &r.Fields[i]; j.tells(f) {
			j.labels = binary.AppendVarint(append(j.labels, byte(f.Group)), int64(j.index))
			j.labels = append(append(j.labels, f.Name...), 0)
			j.labels = appendValue(j.labels, f.Value)
		}
	}
}

func appendValue(b []byte, v record.Value) []byte {
	b = append(b, byte(v.Kind()))
	if x, ok := v.Float(); ok {
		return binary.BigEndian.AppendUint64(b, math.Float64bits(x))
	}
	if t, ok := v.Bool(); ok {
		return strconv.AppendBool(b, t)
	}
	if s, ok := v.Text(); ok {
		return append(append(b, s...), 0)
	}
	for _, e := range v.Elements() {
		b = append(append(b, e.Name...), 0)
		b = appendValue(b, e.Value)
	}
	return append(b, 0)
}
