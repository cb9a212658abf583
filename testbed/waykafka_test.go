package testbed

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/pdata/plog"
)

// A topic has the rows of a table as messages.
type topic struct {
	name, encoding string
	messages       [][]byte   // written as they are, or
	avro           *avroTopic // by Confluent's client
}

func (s *topic) len() int {
	if s.avro != nil {
		return len(s.avro.messages)
	}
	return len(s.messages)
}

// streaming starts a Collector that reads topics from a broker, has them written, and
// says that the references are complete when they have been read: nothing in a topic
// says so. Their last rows come by OTLP for that.
func streaming(t *testing.T, w *world, encodings []part, references, others []topic) *rig {
	t.Helper()
	broker, err := kafka.get(filepath.Join(scratch, "kafka"))
	if err != nil {
		t.Fatal(err)
	}
	var receivers []part
	for _, s := range slices.Concat(references, others) {
		receivers = append(receivers, part{"kafka/" + s.name, fmt.Sprintf(`{brokers: [%q], group_id: %[2]s, initial_offset: earliest, logs: {topics: [%[2]s], encoding: %s},
			message_marking: {after: true, on_error: false}, error_backoff: {enabled: true, initial_interval: 50ms, max_interval: 1s, multiplier: 2}}`, broker.Address, s.name, s.encoding)})
	}
	r := newWayRig(t, w, receivers, encodings)
	var records []*kgo.Record // at once: a client asks for new topics every few seconds only
	var inRegistry []avroTopic
	for _, s := range slices.Concat(references, others) {
		r.check(broker.Topic(r.context(), s.name, perTopic))
		for i, m := range s.messages {
			records = append(records, &kgo.Record{Topic: s.name, Partition: int32(i % perTopic), Value: m})
		}
		if s.avro != nil {
			inRegistry = append(inRegistry, *s.avro)
		}
	}
	r.check(broker.Client.ProduceSync(r.context(), records...).FirstErr())
	if len(inRegistry) > 0 {
		inAvro(t, broker, theRegistry(t), perTopic, inRegistry...)
	}
	r.start()
	for _, s := range references {
		var n int64
		r.eventually(func() string { return fmt.Sprintf("%d of %d messages of %s are committed", n, s.len(), s.name) }, func() bool {
			n, err = broker.Committed(r.context(), s.name, s.name)
			return err == nil && n >= int64(s.len())
		})
	}
	for _, s := range w.sets {
		r.check(r.send(func(lrs plog.LogRecordSlice) {
			last := s.training[len(s.training)-1]
			e, lr := s.entry(last, len(last.rows)-1), lrs.AppendEmpty()
			e.log(lr, "ml.reference", s.name)
			lr.Attributes().PutBool("ml.reference.complete", true)
		}))
	}
	return r
}

// byJSON writes messages that need no mapping: all models in the same topics.
func byJSON(t *testing.T, w *world) *rig {
	begin := fmt.Sprintf("topic-%d", time.Now().UnixNano())
	reference := topic{name: begin + "-reference", encoding: "prediction_encoding/reference"}
	served, labels := topic{name: begin, encoding: "prediction_encoding"}, topic{name: begin + "-labels", encoding: "prediction_encoding/labels"}
	for _, s := range w.sets {
		reference.messages = append(reference.messages, s.inJSON(t, s.training, 1)...)
		served.messages = append(served.messages, s.inJSON(t, s.predicted, 0)...)
		labels.messages = append(labels.messages, s.inJSON(t, s.labelled, 0)...)
	}
	encodings := []part{{"prediction_encoding", "{}"}, {"prediction_encoding/reference", "{event: reference}"}, {"prediction_encoding/labels", "{event: actual}"}}
	return streaming(t, w, encodings, []topic{reference}, []topic{served, labels})
}

// inJSON writes rows as messages, but for the last ones: some of one row, some of several.
func (s *loadedSet) inJSON(t *testing.T, parts []*frame, but int) (messages [][]byte) {
	t.Helper()
	var rows []any
	for _, f := range parts {
		for i := range f.rows {
			rows = append(rows, s.message(f, i))
		}
	}
	inBunches(rows[:max(len(rows)-but, 0)], func(rows []any) {
		var m any = rows
		if len(rows) == 1 {
			m = rows[0]
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, b)
	})
	return messages
}

// inBunches calls do with one row, then with several, and so on.
func inBunches(rows []any, do func([]any)) {
	for k := 0; len(rows) > 0; k++ {
		n := min(1+k%9*4, len(rows))
		do(rows[:n])
		rows = rows[n:]
	}
}

// message is a row as services write it. Where there is no text, it is empty.
func (s *loadedSet) message(f *frame, row int) any {
	e := s.entry(f, row)
	for c, cell := range f.rows[row] {
		switch name := f.columns[c].name; {
		case cell != nil || s.isLabel(name):
		case f.columns[c].kind == text:
			e.features[name] = ""
		default:
			e.features[name] = nil
		}
	}
	m := map[string]any{"id": e.id, "model_name": s.name, "occurred_at": e.at.Format(time.RFC3339Nano)}
	for key, group := range map[string]map[string]any{"inputs": e.features, "outputs": e.predictions, "actuals": e.actuals} {
		if len(group) > 0 {
			m[key] = group
		}
	}
	return m
}

// byAvro writes each table into a topic of its own, by a schema registry, with a mapping
// for each data set.
func byAvro(t *testing.T, w *world) *rig {
	registry := guarded(t, theRegistry(t))
	begin := fmt.Sprintf("topic-%d", time.Now().UnixNano())
	var encodings []part
	var references, others []topic
	for _, s := range w.sets {
		for _, table := range []struct {
			name, event string
			parts       []*frame
			but         int
		}{{"reference", "reference", s.training, 1}, {"served", "prediction", s.predicted, 0}, {"labels", "actual", s.labelled, 0}} {
			if table.parts == nil {
				continue
			}
			name := s.name + "-" + table.name
			encodings = append(encodings, part{"prediction_encoding/" + name, fmt.Sprintf(
				`{event: %s, format: avro, avro: {registry: {endpoint: %q, headers: {Authorization: "Basic ZHJpZnRtZXRlcjpzZWNyZXQ="}}}, mapping: %s}`, table.event, registry, s.mapping())})
			of := topic{name: begin + "-" + name, encoding: "prediction_encoding/" + name}
			rows := avroRows(table.parts)
			rows = rows[:len(rows)-table.but]
			of.avro = &avroTopic{Topic: of.name, avroSchema: avroSchema{Schema: schemaOf(table.parts)}, messages: rows}
			if table.event != "prediction" { // messages of several rows, by a schema that refers to that of one
				of.avro.avroSchema = avroSchema{Schema: `{"type":"array","items":"Row"}`, References: map[string]string{of.name + "-row": schemaOf(table.parts)}}
				of.avro.messages = nil
				inBunches(rows, func(rows []any) { of.avro.messages = append(of.avro.messages, rows) })
			}
			if table.event == "reference" {
				references = append(references, of)
			} else {
				others = append(others, of)
			}
		}
	}
	return streaming(t, w, encodings, references, others)
}

// avroName is a name as Avro allows it.
func avroName(name string) string { return strings.ReplaceAll(name, ".", "_") }

// schemaOf describes the rows of a table in Avro.
func schemaOf(parts []*frame) string {
	var fields []string
	for c, of := range parts[0].columns {
		kind := types[of.kind].avro
		lacks := func(f *frame) bool { return slices.ContainsFunc(f.rows, func(row []any) bool { return row[c] == nil }) }
		if slices.ContainsFunc(parts, lacks) {
			kind = `["null",` + kind + "]"
		}
		fields = append(fields, fmt.Sprintf(`{"name":%q,"type":%s}`, avroName(of.name), kind))
	}
	return `{"type":"record","name":"Row","fields":[` + strings.Join(fields, ",") + "]}"
}

// avroRows are those of a table as Confluent's client takes them.
func avroRows(parts []*frame) (rows []any) {
	for _, f := range parts {
		for _, row := range f.rows {
			datum := map[string]any{}
			for c, cell := range row {
				if at, ok := cell.(time.Time); ok {
					cell = at.UnixMicro()
					if f.columns[c].kind == date {
						cell = at.Unix() / 86400
					}
				}
				datum[avroName(f.columns[c].name)] = cell
			}
			rows = append(rows, datum)
		}
	}
	return rows
}
