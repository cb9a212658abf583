package predictionencodingextension

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/avrorows"
	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/rowlog"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// message is one that is being read.
type message struct {
	e     *encoding
	batch *rowlog.Batch
	used  map[string]*rowlog.Worker // by model
	first error                     // why a row of it was refused
	size  int64                     // of its rows in memory, about

	told func(*mapping.RowError) // if there is one, of each row that is refused
}

func (e *encoding) message() *message {
	m := &message{e: e, used: map[string]*rowlog.Worker{}}
	m.batch = rowlog.NewBatch(nil, &e.defaults, e.cfg.MaxRows, m.refuse)
	m.batch.Worker = m.worker("")
	return m
}

// worker returns the one for rows of a model.
func (m *message) worker(model string) *rowlog.Worker {
	if _, own := m.e.cfg.Mappings[model]; !own {
		model = ""
	}
	w, ok := m.used[model]
	if !ok {
		w = m.e.workers.Get(model)
		m.used[model] = w
	}
	return w
}

func (m *message) release() {
	for model, w := range m.used {
		m.e.workers.Put(model, w)
	}
	clear(m.used)
}

// refuse notes a row that cannot be used.
func (m *message) refuse(row int64, e *mapping.RowError) {
	at := *e
	at.Row = row
	if m.first == nil {
		m.first = &at
	}
	m.e.tel.PredictionEncodingRowsRefused.Add(context.Background(), 1, metric.WithAttributes(attribute.String("reason", e.Reason)))
	if m.told != nil {
		m.told(e)
	}
	m.e.notices.say("row "+e.Reason, time.Now(), "A row cannot be used and is left out", zap.String("reason", e.Reason), zap.Error(&at))
}

// read reads all rows of a message.
func (m *message) read(b []byte) error {
	if err := m.e.bounded(len(b)); err != nil {
		return err
	}
	if len(b) == 0 {
		return nil // a tombstone says nothing
	}
	in, err := m.open(b)
	if err != nil {
		return err
	}
	defer in.Close()
	return m.fill(in)
}

// bounded tells whether a message may have so many bytes.
func (e *encoding) bounded(bytes int) error {
	if limit := e.cfg.MaxMessageMiB << 20; bytes > limit {
		return &tree.Error{Reason: tree.TooLarge, Problem: fmt.Sprintf("the message has %d bytes", bytes), Hint: fmt.Sprintf("the limit is %d (max_message_mib)", limit)}
	}
	return nil
}

// fill takes all rows of a source.
func (m *message) fill(in rowlog.Source) error {
	for row := int64(1); ; row++ {
		if more, err := m.row(in, row); err != nil || !more {
			return err
		}
	}
}

// row takes the next row of a source.
func (m *message) row(in rowlog.Source, row int64) (more bool, err error) {
	var n tree.Node
	err = in.Next(&n)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if refused, ok := errors.AsType[*mapping.RowError](err); ok {
		m.refuse(row, refused)
		return true, nil
	}
	if err != nil {
		return false, err
	}
	m.size += int64(n.Size())
	if m.e.cfg.Format == formatEvents {
		return true, m.event(row, &n)
	}
	return true, m.add(row, &n)
}

// pass goes over a row that was read before. Its half of an inference is needed.
func (m *message) pass(in rowlog.Source) (more bool, err error) {
	var n tree.Node
	err = in.Next(&n)
	switch {
	case errors.Is(err, io.EOF):
		return false, nil
	case err == nil && m.e.cfg.Format == formatEvents:
		if event, err := inference.Structured(&n); err == nil {
			if half, refused := inference.NewHalf(&event, time.Now()); refused == nil {
				m.e.pairs.Remember(half)
			}
		}
	}
	if _, ok := errors.AsType[*mapping.RowError](err); ok {
		return true, nil
	}
	return err == nil, err
}

// add takes a row, by the mapping of its model.
func (m *message) add(row int64, n *tree.Node) error {
	if len(m.e.cfg.Mappings) > 0 {
		m.batch.Worker = m.worker(m.e.model(n))
	}
	return m.batch.Add(row, n)
}

// model returns the name of the model that a row says by itself.
func (e *encoding) model(n *tree.Node) string {
	columns := []string{"model", "model_name"}
	if c := e.cfg.Mapping.ModelColumn; c != "" {
		columns = []string{c}
	}
	for _, c := range columns {
		if v := n.Get(c); v != nil && v.Kind == tree.Text && v.Text != "" {
			return v.Text
		}
	}
	return ""
}

// open reads the beginning of a message, with what the worker of most rows knows of
// those before.
func (m *message) open(b []byte) (rowlog.Source, error) {
	if f := m.e.cfg.Format; f == formatAvro || f == formatAuto && avrorows.IsContainer(b) {
		return m.e.openAvro(b)
	}
	return m.e.open(bytes.NewReader(b), m.worker("").Open)
}

// open reads the beginning of a stream.
func (e *encoding) open(r io.Reader, rows func(format string, r io.Reader) (rowlog.Source, error)) (rowlog.Source, error) {
	switch e.cfg.Format {
	case formatEvents:
		return rowlog.Rows(tree.NewRows(r, inference.EventLimits)), nil
	case formatAvro:
		b, err := io.ReadAll(r)
		if err != nil {
			return rowlog.Source{}, err
		}
		return e.openAvro(b)
	case formatAuto:
		buffered := bufio.NewReader(r)
		if begin, _ := buffered.Peek(4); avrorows.IsContainer(begin) { // fewer bytes are none
			b, err := io.ReadAll(buffered)
			if err != nil {
				return rowlog.Source{}, err
			}
			return e.openAvro(b)
		}
		return rows("", buffered)
	}
	return rows(e.cfg.Format, r)
}

// Beginning of a message in the registry's wire format: a zero and the schema's id.
const (
	wireMagic  = 0
	wireHeader = 5
)

// openAvro finds the schema of a message.
func (e *encoding) openAvro(b []byte) (rowlog.Source, error) {
	switch {
	case avrorows.IsContainer(b):
		return avroSource(avrorows.Container(b, rowlog.RowLimits, e.cfg.Avro.MaxUnpackedMiB<<20)), nil
	case e.registry != nil:
		if len(b) < wireHeader || b[0] != wireMagic {
			return rowlog.Source{}, &tree.Error{Reason: avrorows.NotAvro, Problem: "the message does not begin with a zero byte and the id of a schema",
				Hint: "the producer must write by a registry; else give avro.schema instead of avro.registry"}
		}
		s, err := e.registry.schema(int(binary.BigEndian.Uint32(b[1:wireHeader])))
		if err != nil {
			return rowlog.Source{}, err
		}
		return avroSource(avrorows.One(s, b[wireHeader:], rowlog.RowLimits)), nil
	case e.schema != nil:
		return avroSource(avrorows.One(e.schema, b, rowlog.RowLimits)), nil
	}
	return rowlog.Source{}, fmt.Errorf("the message %w", errNoSchema)
}

func avroSource(rows *avrorows.Rows) rowlog.Source {
	return rowlog.Source{
		Next: func(n *tree.Node) (err error) {
			*n, err = rows.Next()
			return err
		},
		Close: func() {},
	}
}

// refuseMessage counts a message that could not be read to its end, and says it.
func (e *encoding) refuseMessage(err error) {
	reason := reasonOf(err)
	e.tel.PredictionEncodingMessagesRefused.Add(context.Background(), 1, metric.WithAttributes(attribute.String("reason", reason)))
	e.notices.say("message "+reason, time.Now(), "A message cannot be read to its end", zap.String("reason", reason), zap.String("format", e.cfg.Format), zap.Error(err))
}

// reasonOf returns the word by which a message is counted.
func reasonOf(err error) string {
	if t, ok := errors.AsType[*tree.Error](err); ok {
		return t.Reason
	}
	if _, ok := errors.AsType[rowlog.ErrTooMany](err); ok {
		return mapping.TooManyIn
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "cut_short"
	}
	return "unreadable"
}
