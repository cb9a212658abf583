package pull

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Maker makes the records of the rows of a unit.
type Maker struct {
	mapper *inference.Mapper
	unit   Unit
	seed   uint64
	record record.Record
}

// NewMaker returns one of a unit.
func NewMaker(m *inference.Mapper, unit Unit) *Maker {
	return &Maker{mapper: m, unit: unit, seed: xxh3.HashString(unit.Name)}
}

// Row calls fn for each record of the row with a number, which is reused for the
// next, or with why there is none. The error is that of fn, which ends the row.
func (m *Maker) Row(row int64, n *tree.Node, fn func(r *record.Record, refused *mapping.RowError) error) error {
	i := uint64(0)
	r := &m.record
	return m.mapper.Row(n, &m.unit.Defaults, r, func(err error) error {
		i++
		if err == nil {
			err = mapping.Check(r)
		}
		if refused, ok := errors.AsType[*mapping.RowError](err); ok {
			return fn(nil, refused)
		}
		if err != nil {
			return err
		}
		if r.Version == "" {
			r.Version = otelml.DefaultVersion
		}
		m.stamp(row, i)
		return fn(r, nil)
	})
}

// stamp gives a record the time of its unit if it has none. One without an id gets
// a fraction below the precision of its time, so that two batches of equal rows
// are not taken for one: it stays in its second, and so in its window.
func (m *Maker) stamp(row int64, i uint64) {
	r := &m.record
	if !r.Stamped {
		r.Time, r.Stamped = m.unit.Time, true
		if r.ID == "" {
			r.Time -= mod(r.Time, int64(time.Second))
		}
	}
	if r.ID != "" {
		return
	}
	for _, precision := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if r.Time%int64(precision) == 0 {
			var b [16]byte
			binary.LittleEndian.PutUint64(b[:], uint64(row))
			binary.LittleEndian.PutUint64(b[8:], i)
			r.Time += int64(xxh3.HashSeed(b[:], m.seed) % uint64(precision))
			return
		}
	}
}

// mod is the remainder that is never negative.
func mod(a, b int64) int64 { return (a%b + b) % b }
