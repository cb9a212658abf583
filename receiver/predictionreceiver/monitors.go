package predictionreceiver

import (
	"io"
	"mime"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/bentoml"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/rowlog"
)

// monitors handles what BentoML's monitors send: requests of OTLP, as those who
// send them are told with no more than an endpoint.
func (s *server) monitors(w http.ResponseWriter, req *http.Request) {
	ctx := s.obs.StartLogsOp(req.Context())
	body := s.budget.reader(req.Body)
	defer body.release()
	logs, inJSON, err := readLogs(req.Header, body)
	if err != nil {
		s.refuse(ctx, w, &answer{}, err)
		return
	}
	var a answer
	all := rowlog.NewBatch(nil, &record.Record{}, s.cfg.MaxRows, a.refuse)
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

// readLogs reads the body of a request of OTLP.
func readLogs(header http.Header, body io.Reader) (ld plog.Logs, inJSON bool, err error) {
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type")) // an unreadable one is none of ours
	if media != "application/json" && media != "application/x-protobuf" {
		return ld, false, errMedia{header.Get("Content-Type"), "application/x-protobuf or application/json, an ExportLogsServiceRequest of OTLP"}
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return ld, false, err
	}
	req := plogotlp.NewExportRequest()
	if media == "application/json" {
		err = req.UnmarshalJSON(b)
	} else {
		err = req.UnmarshalProto(b)
	}
	return req.Logs(), media == "application/json", err
}

// readMonitors makes predictions of the records, numbered as they come.
func (s *server) readMonitors(ld plog.Logs, all *rowlog.Batch, a *answer) error {
	number := int64(0)
	for _, rl := range ld.ResourceLogs().All() {
		about := bentoml.ReadResource(rl.Resource().Attributes())
		of := map[string]*rowlog.Batch{} // by model: a resource has one, as a rule
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				if number++; number > int64(s.cfg.MaxRows) {
					return rowlog.ErrTooMany(s.cfg.MaxRows)
				}
				row, refused := s.bento.Read(&about, lr)
				if refused == nil {
					refused = s.missing(&row)
				}
				if refused != nil {
					a.refuse(number, refused)
					continue
				}
				b := of[row.Model]
				if b == nil {
					b = s.monitorsBatch(&row, about.Environment, a)
					of[row.Model] = b
				}
				if err := b.Add(number, &row.Node); err != nil {
					return err
				}
			}
		}
		for model, b := range of {
			s.rowsOfMonitors.Put(model, b.Worker)
			all.Accepted += b.Accepted
			b.Logs.ResourceLogs().MoveAndAppendTo(all.Logs.ResourceLogs())
		}
	}
	return nil
}

// missing refuses a row whose columns nobody says anything about.
func (s *server) missing(row *bentoml.Row) *mapping.RowError {
	if c := s.mappingOf(row.Model); row.Known || len(c.Columns) > 0 || c.Rest != "" && c.Rest != "refuse" {
		return nil
	}
	return &mapping.RowError{Reason: bentoml.NoSchema, Problem: "has columns of which nothing is known: the schema of the monitor came before this collector started, or not at all",
		Hint: "leave meta_sample_rate of the monitor at 1, or say in mapping.columns or mapping.rest what the columns are"}
}

// monitorsBatch makes a batch for the rows that are like one.
func (s *server) monitorsBatch(row *bentoml.Row, environment string, a *answer) *rowlog.Batch {
	c := s.mappingOf(row.Model)
	defaults := record.Record{Event: record.Prediction, Environment: environment, Model: c.Model, Version: c.Version}
	if defaults.Model == "" { // else the configuration has the last word
		defaults.Model = row.Model
	}
	if defaults.Version == "" {
		defaults.Version = row.Version
	}
	return rowlog.NewBatch(s.rowsOfMonitors.Get(row.Model), &defaults, s.cfg.MaxRows, a.refuse)
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
