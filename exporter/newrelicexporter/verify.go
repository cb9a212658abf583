package newrelicexporter

import (
	"context"
	"net/url"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/driftmeter/driftmeter/internal/newrelic"
)

// Verified is what one interface of New Relic says of the key that it would be
// sent.
type Verified struct {
	Interface string // metrics, events, logs, change tracking
	URL       *url.URL
	Note      string // what else is known
	Err       error  // nil: it accepts the key
}

// Verify asks each interface that a configuration sends to whether it accepts
// the key. Nothing is stored by it. It goes through the configuration's own HTTP
// client, so that a proxy and certificates are verified too; set is of whoever
// asks.
func Verify(ctx context.Context, cfg *Config, set component.TelemetrySettings, build component.BuildInfo) ([]Verified, error) {
	s := &sender{cfg: cfg, set: set, build: build, now: time.Now}
	if err := s.start(ctx, nil); err != nil {
		return nil, err
	}
	var all []Verified
	e := s.client.Endpoints()
	for api := range newrelic.NumAPIs {
		all = append(all, Verified{Interface: api.String(), URL: e.Data[api], Err: s.client.Probe(ctx, api)})
	}
	if cfg.ChangeTracking.UserKey == "" {
		return all, nil
	}
	v := Verified{Interface: "change tracking", URL: e.GraphQL}
	v.Note, v.Err = newrelic.NewNerdGraph(s.http, e.GraphQL, string(cfg.ChangeTracking.UserKey)).WhoAmI(ctx, cfg.AccountID)
	return append(all, v), nil
}
