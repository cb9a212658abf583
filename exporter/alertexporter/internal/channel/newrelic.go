package channel

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	am "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
	commoncfg "github.com/prometheus/common/config"

	"github.com/driftmeter/driftmeter/internal/alert"
	"github.com/driftmeter/driftmeter/internal/newrelic"
)

// NewRelic opens incidents in New Relic and closes them, by events of the type
// NrAiIncidentExternal. It needs a licence key and nothing else.
type NewRelic struct {
	common         `yaml:",inline"`
	LicenseKey     commoncfg.Secret `yaml:"license_key"`
	LicenseKeyFile string           `yaml:"license_key_file"`
	AccountID      string           `yaml:"account_id"`
	Region         string           `yaml:"region"` // us, eu, fedramp; by default that of the key
	Endpoint       string           `yaml:"endpoint"`
}

var newRelicHosts = map[string]string{
	"us":      "https://insights-collector.newrelic.com",
	"eu":      "https://insights-collector.eu01.nr-data.net",
	"fedramp": "https://gov-insights-collector.newrelic.com",
}

func (c *NewRelic) check() error {
	errs := []error{oneOf("license_key", c.LicenseKey, c.LicenseKeyFile)}
	if _, ok := newRelicHosts[c.Region]; !ok && c.Region != "" {
		errs = append(errs, fmt.Errorf("region=%q is unknown; known regions: us, eu, fedramp (others: endpoint)", c.Region))
	}
	if c.Endpoint != "" {
		errs = append(errs, address("endpoint", c.Endpoint))
		if c.Region != "" {
			errs = append(errs, errors.New("region and endpoint are both set; leave one out"))
		}
	}
	if strings.Trim(c.AccountID, "0123456789") != "" {
		errs = append(errs, fmt.Errorf("account_id=%q is no number", c.AccountID))
	}
	return joined(errs...)
}

func (c *NewRelic) build() (notify.Notifier, error) {
	p, err := newPost(c.HTTPConfig, "New Relic", "license_key and region", "region or endpoint", c.Timeout)
	return &newRelic{c: c, p: p}, err
}

// url is where events go. Keys of Europe begin with the name of their region.
func (c *NewRelic) url(key string) string {
	if c.Endpoint != "" {
		return c.Endpoint
	}
	region := c.Region
	if region == "" {
		region = "us"
		if strings.HasPrefix(key, "eu") {
			region = "eu"
		}
	}
	path := "/v1/accounts/events"
	if c.AccountID != "" {
		path = "/v1/accounts/" + c.AccountID + "/events"
	}
	return newRelicHosts[region] + path
}

type newRelic struct {
	c *NewRelic
	p *post
}

// newRelicBatch keeps a request well below New Relic's megabyte.
const newRelicBatch = 200

// Notify implements notify.Notifier: an event for each alert that is due.
func (n *newRelic) Notify(ctx context.Context, alerts ...*am.Alert) (bool, error) {
	g, err := newGroup(ctx, alerts)
	if err != nil {
		return false, err
	}
	key, err := secret(n.c.LicenseKey, n.c.LicenseKeyFile)
	if err != nil {
		return false, fmt.Errorf("license_key_file: %w", err)
	}
	now := time.Now()
	d := due(ctx, &g)
	for batch := range slices.Chunk(d.due, newRelicBatch) {
		var events []map[string]any
		for i := range batch {
			events = append(events, incident(&batch[i], now))
		}
		body, err := zipped(events)
		if err != nil {
			return false, err
		}
		h := http.Header{"Api-Key": {key}, "Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}
		if got, retry, err := n.p.send(ctx, request{url: n.c.url(key), body: body, header: h}); err != nil {
			d.failed(got, batch...)
			return retry, err
		}
		d.taken(batch...)
	}
	d.done(&g)
	return false, nil
}

// incident is the event of an alert: that of the newrelic exporter, so that an
// alert which goes both ways is one incident.
func incident(a *alert.Alert, now time.Time) map[string]any {
	e := newrelic.Incident(a, now)
	m := maps.Clone(e.Attributes)
	m["eventType"], m["timestamp"] = e.EventType, e.Timestamp.UnixMilli()
	return m
}

func zipped(v any) ([]byte, error) {
	b, err := encode(v)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, err = w.Write(b)
	err = errors.Join(err, w.Close())
	return buf.Bytes(), err
}
