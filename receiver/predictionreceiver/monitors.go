package predictionreceiver

import (
	"cmp"
	"fmt"
	"mime"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/bentoml"
	"github.com/driftmeter/driftmeter/internal/contract"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/rowlog"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// monitors handles what BentoML's monitors send: requests of OTLP, as those who
// send them are told with no more than an endpoint.
func (s *server) monitors(w http.ResponseWriter, req *http.Request) {
	ctx := s.obs.StartLogsOp(req.Context())
	body := s.budget.reader(req.Body)
	defer body.release()
	logs, inJSON, err := s.readLogs(req.Header, body)
	if err != nil {
		s.refuse(ctx, w, &answer{}, err)
		return
	}
	var a answer
	all := rowlog.NewBatch(nil, &record.Record{}, s.cfg.MaxRows, a.refuse)
	all.Makes = body.makes
	if err := s.readMonitors(logs, all, &a); err != nil {
		s.refuse(ctx, w, &answer{}, err)
		return
	}
	s.sayRefused(&a)
	if status := s.deliver(ctx, all, &a); status != http.StatusOK {
		a.write(w, status)
		return
	}
	a.writeOTLP(w, inJSON)
}

// perValue is what a value of JSON takes while a document is read.
const perValue = 160

// readLogs reads the body of a request of OTLP. What it takes is known before it is
// decoded: a byte or two may stand for a record.
func (s *server) readLogs(header http.Header, body *reader) (logs bentoml.Request, inJSON bool, err error) {
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type")) // an unreadable one is none of ours
	if media != "application/json" && media != "application/x-protobuf" {
		return logs, false, errMedia{header.Get("Content-Type"), "application/x-protobuf or application/json, an ExportLogsServiceRequest of OTLP"}
	}
	b, err := rowlog.ReadAll(body)
	if err != nil {
		return logs, false, err
	}
	if media == "application/json" {
		if err := body.makes(perValue * int64(tree.Values(b))); err != nil {
			return logs, true, err
		}
		logs, err = bentoml.ReadJSON(b)
		return logs, true, err
	}
	weight, err := otelml.Weigh(b)
	if err != nil {
		return logs, false, fmt.Errorf("the body %w", err)
	}
	if weight.Records > s.cfg.MaxRows {
		return logs, false, rowlog.ErrTooMany(s.cfg.MaxRows)
	}
	if err := body.makes(weight.Memory); err != nil {
		return logs, false, err
	}
	logs, err = bentoml.ReadProto(b)
	return logs, false, err
}

// readMonitors makes predictions of the records, numbered as they come.
func (s *server) readMonitors(logs bentoml.Request, b *rowlog.Batch, a *answer) error {
	number := int64(0)
	of := "" // whose mapping the worker has: records of one monitor stand together
	wk := s.rowsOfMonitors.Get(of)
	defer func() { s.rowsOfMonitors.Put(of, wk) }()
	return s.bento.Rows(logs, func(about *bentoml.Resource, row bentoml.Row, refused *mapping.RowError) error {
		if number++; number > int64(s.cfg.MaxRows) {
			return rowlog.ErrTooMany(s.cfg.MaxRows)
		}
		var defaults record.Record
		if refused == nil {
			defaults, refused = s.defaultsOf(&row, about.Environment)
		}
		if refused != nil {
			a.refuse(number, refused)
			return nil
		}
		if row.Model != of {
			s.rowsOfMonitors.Put(of, wk)
			of = row.Model
			wk = s.rowsOfMonitors.Get(of)
		}
		b.As(wk, &defaults)
		return b.Add(number, &row.Node)
	})
}

// defaultsOf is what a row says beside its columns, where the configuration does
// not. A row of whose columns nobody says anything is refused, and so is one whose
// names no record may have.
func (s *server) defaultsOf(row *bentoml.Row, environment string) (record.Record, *mapping.RowError) {
	c := s.mappingOf(row.Model)
	r := record.Record{Event: record.Prediction, Environment: environment, Model: cmp.Or(c.Model, row.Model), Version: cmp.Or(c.Version, row.Version)}
	if row.Unknown != nil && len(c.Columns) == 0 && (c.Rest == "" || c.Rest == "refuse") {
		return r, row.Unknown
	}
	for _, name := range []struct{ column, said string }{{"monitor_name", r.Model}, {"bento_version", r.Version}} {
		if n := len(name.said); n > contract.MaxID {
			return r, &mapping.RowError{Column: name.column, Reason: mapping.TooLong, Problem: fmt.Sprintf("has %d bytes", n), Hint: fmt.Sprintf("the limit is %d", contract.MaxID)}
		}
	}
	return r, nil
}

func (s *server) mappingOf(model string) *mapping.Config {
	if c, ok := s.cfg.Mappings[model]; ok {
		return &c
	}
	return &s.cfg.Mapping
}

// sayRefused logs once a minute what was refused, since an exporter shows nobody
// what it is answered.
func (s *server) sayRefused(a *answer) {
	if a.Refused == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.saidRefused) >= time.Minute {
		s.saidRefused = now
		s.set.Logger.Warn("Refused records of a BentoML monitor", zap.Int("records", a.Refused), zap.String("first", a.Rows[0].Message), zap.String("reason", a.Rows[0].Reason))
	}
}

// writeOTLP answers that records were kept, as OTLP has it.
func (a *answer) writeOTLP(w http.ResponseWriter, inJSON bool) {
	resp := plogotlp.NewExportResponse()
	if a.Refused > 0 {
		resp.PartialSuccess().SetRejectedLogRecords(int64(a.Refused))
		resp.PartialSuccess().SetErrorMessage(a.Rows[0].Message)
	}
	media, marshal := "application/x-protobuf", resp.MarshalProto
	if inJSON {
		media, marshal = "application/json", resp.MarshalJSON
	}
	w.Header().Set("Content-Type", media)
	if b, err := marshal(); err == nil { // what we have just made
		_, _ = w.Write(b) // nobody is left to tell
	}
}
