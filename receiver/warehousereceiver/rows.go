package warehousereceiver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/tree"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/seen"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/value"
)

// maxRow bounds what is sent of one row, so that a page of page_kib and one row more
// fits into what the storage keeps of it.
const maxRow = 16 << 20

// rows makes records of rows.
type rows struct {
	kind     string
	keys     []string
	from     int // the keys from here on tell rows apart
	mapper   *inference.Mapper
	encoder  *otelml.Encoder
	values   *value.Reader
	exploded bool
	defaults record.Record
	record   record.Record
	hashed   []byte
}

func newRows(cfg *Config, keys []string, from int) (*rows, error) {
	m, err := inference.NewMapper(&cfg.Mapping)
	if err != nil {
		return nil, err
	}
	r := &rows{kind: cfg.Kind, keys: keys, from: from, mapper: m, encoder: otelml.NewEncoder(cfg.Pull.AttributePrefix), values: value.NewReader(),
		exploded: len(cfg.Mapping.Explode) > 0}
	switch cfg.Kind {
	case kindActuals, kindRawInputs:
		r.defaults.Event = record.Actual
	case kindReference:
		r.defaults.Event, r.defaults.Test = record.Reference, cfg.Dataset == "test"
	}
	return r, nil
}

// batch is what one page becomes.
type batch struct {
	*rows
	memory *seen.Memory
	now    time.Time
	at     []int       // of the key columns
	first  []value.Key // of the first row
	last   []value.Key // of the last row
	read   int         // rows
	bytes  int         // that they take
	size   int         // of the page: of each row, the larger of what it takes and what is sent of it
	told   int         // rows of which something is sent

	unchanged int
	refused   []refusal
	news      seen.News
	subjects  []subject
	logs      otelml.Batch
	scratch   plog.LogRecordSlice  // of the row at hand
	scattered []string             // its environments
	kept      func(*record.Record) // if there is one, it is told of each record
}

// refusal is why a row, or a record of it, is refused.
type refusal struct {
	row int64
	err *mapping.RowError
}

func (r *rows) begin(memory *seen.Memory, now time.Time) *batch {
	return &batch{rows: r, memory: memory, now: now, news: seen.News{}, logs: otelml.NewBatch(), scratch: plog.NewLogRecordSlice()}
}

// add takes a row. An error says that reading cannot go on behind it.
func (b *batch) add(columns []value.Column, row []any) error {
	if b.at == nil {
		if err := b.find(columns); err != nil {
			return err
		}
	}
	keys := make([]value.Key, len(b.at))
	for i, at := range b.at {
		k, err := value.NewKey(columns[at].Type, row[at])
		if err != nil {
			return fmt.Errorf("column %q %w", b.keys[i], err)
		}
		keys[i] = k
	}
	n := b.values.Row(columns, row)
	return b.take(keys, &n)
}

// take takes a row whose keys are known.
func (b *batch) take(keys []value.Key, n *tree.Node) error {
	if b.last = keys; b.read == 0 {
		b.first = keys
	}
	b.read++
	b.bytes += n.Size()
	hash := b.hash(keys[b.from:])
	before, known := b.memory.Of(hash)
	if fresh, again := b.news[hash]; again { // twice in a page
		before, known = fresh, true
	}
	j := job{batch: b, keys: keys, label: known && !before.IsRefused() || b.defaults.Event == record.Actual}
	err := b.mapper.Row(n, &b.defaults, &b.record, j.record)
	if e, ok := errors.AsType[*mapping.RowError](err); ok { // none of it is sent
		b.drop()
		j.taken, j.size, j.errs, j.reasons = 0, 0, []*mapping.RowError{e}, []byte(e.Error())
	} else if err != nil {
		return err
	}
	b.size += max(n.Size(), j.size)
	b.decide(&j, hash, before, known)
	return nil
}

// find finds the key columns among those of the result.
func (b *batch) find(columns []value.Column) error {
	for _, key := range b.keys {
		at := slices.IndexFunc(columns, func(c value.Column) bool { return c.Name == bare(key) })
		if at < 0 {
			var names []string
			for _, c := range columns {
				names = append(names, c.Name)
			}
			return noKey(key, names)
		}
		b.at = append(b.at, at)
	}
	return nil
}

// bare is a column without the quotes that databases write around its name.
func bare(column string) string { return strings.Trim(column, "\"`[]") }

func noKey(key string, among []string) error {
	return fmt.Errorf("column %q is not there; incremental.column and incremental.keys are among %s", key, strings.Join(among, ", "))
}

// hash names a row by its keys.
func (b *batch) hash(keys []value.Key) seen.Hash {
	b.hashed = appendKeys(b.hashed[:0], keys)
	return seen.Hash(xxh3.Hash128(b.hashed).Bytes())
}

// decide says what becomes of a row, by what is known of it.
func (b *batch) decide(j *job, hash seen.Hash, before seen.Print, known bool) {
	print := seen.Nothing
	switch {
	case j.taken == 0 && len(j.errs) > 0:
		print = seen.Refused(xxh3.Hash(j.reasons))
	case len(j.labels) > 0:
		print = seen.Labels(xxh3.Hash(j.labels))
	}
	told := b.defaults.Event == record.Reference || !known && (print != seen.Nothing || !j.label) ||
		known && print != before && (print != seen.Nothing || before.IsRefused())
	if print.IsRefused() && known && !before.IsRefused() {
		told = false // it was sent, and what it has become since cannot be read
	}
	if !told {
		b.unchanged++
		b.drop()
		return
	}
	for _, err := range j.errs {
		b.refused = append(b.refused, refusal{int64(b.read), err})
	}
	b.news[hash] = print
	if b.scratch.Len() > 0 {
		b.told++
	}
	for i, environment := range b.scattered {
		b.scratch.At(i).MoveTo(b.logs.Of(environment).AppendEmpty())
	}
	b.drop()
}

func (b *batch) drop() {
	b.scratch, b.scattered = plog.NewLogRecordSlice(), b.scattered[:0]
}

// end says that a reference is complete.
func (b *batch) end(of subject) {
	b.encoder.Append(b.logs.Of(of.environment), &record.Record{Event: record.Reference, Test: b.defaults.Test, Last: true, Model: of.model, Version: of.version,
		Time: b.now.UnixNano(), Stamped: true, Environment: of.environment})
}
