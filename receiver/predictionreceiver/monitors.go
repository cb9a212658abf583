package predictionreceiver

import (
	"cmp"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/bentoml"
	"github.com/driftmeter/driftmeter/internal/contract"
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
func (s *server) readMonitors(ld plog.Logs, b *rowlog.Batch, a *answer) error {
	number := int64(0)
	of := "" // whose mapping the worker has: records of one monitor stand together
	wk := s.rowsOfMonitors.Get(of)
	defer func() { s.rowsOfMonitors.Put(of, wk) }()
	for _, rl := range ld.ResourceLogs().All() {
		about := bentoml.ReadResource(rl.Resource().Attributes())
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				if number++; number > int64(s.cfg.MaxRows) {
					return rowlog.ErrTooMany(s.cfg.MaxRows)
				}
				row, refused := s.bento.Read(&about, lr)
				var defaults record.Record
				if refused == nil {
					defaults, refused = s.defaultsOf(&row, about.Environment)
				}
				if refused != nil {
					a.refuse(number, refused)
					continue
				}
				if row.Model != of {
					s.rowsOfMonitors.Put(of, wk)
					of = row.Model
					wk = s.rowsOfMonitors.Get(of)
				}
				b.As(wk, &defaults)
				if err := b.Add(number, &row.Node); err != nil {
					return err
				}
			}
		}
	}
	return nil
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
