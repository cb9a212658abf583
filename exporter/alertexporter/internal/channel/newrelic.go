package channel

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	am "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
	commoncfg "github.com/prometheus/common/config"

	"github.com/driftmeter/driftmeter/internal/alert"
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
	p, err := newPost(c.HTTPConfig, "New Relic", "license_key and region", c.Timeout)
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
	d := due(ctx, &g)
	for batch := range slices.Chunk(d.due, newRelicBatch) {
		var events []map[string]any
		for i := range batch {
			events = append(events, incident(&batch[i]))
		}
		body, err := zipped(events)
		if err != nil {
			return false, err
		}
		h := http.Header{"Api-Key": {key}, "Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}
		if _, retry, err := n.p.send(ctx, request{url: n.c.url(key), body: body, header: h}); err != nil {
			return retry, err
		}
		d.taken(batch...)
	}
	d.done(&g)
	return false, nil
}

// newRelicText is the most characters that an attribute of an event has.
const newRelicText = 4000

var newRelicPriority = map[string]string{alert.Low: "low", alert.Medium: "medium", alert.High: "critical"}

// incident is the event of an alert. The aggregation tags are what New Relic
// recognises the incident by: the same ones open and close it.
func incident(a *alert.Alert) map[string]any {
	e := map[string]any{
		"eventType": "NrAiIncidentExternal",
		"version":   1,
		"state":     "trigger",
		"title":     cut(cmp.Or(join(subject(a), a.Reason), "alert"), 255),
		"source":    "driftmeter",
		"priority":  newRelicPriority[a.Severity],
	}
	if !a.Firing() {
		e["state"] = "resolve"
	}
	put := func(key, value string) {
		if value != "" {
			e[key] = cut(value, newRelicText)
		}
	}
	put("aggregationTag.alertId", a.ID)
	put("aggregationTag.model", a.Model)
	put("description", sentence(a))
	put("externalId", a.ID)
	put("deepLinkUrl", a.DashboardURL)
	put("runbookUrl", a.Monitor.RunbookURL)
	put("entityName", a.Model)
	put("tag.modelName", a.Model)
	put("tag.modelVersion", a.Version)
	put("tag.environment", a.Environment)
	put("tag.monitor", name(a))
	put("tag.monitorType", a.Monitor.Type)
	put("tag.owner", a.Monitor.Owner)
	put("tag.segment", a.Segment)
	put("tag.segmentValue", a.SegmentValue)
	put("tag.field", a.Field)
	put("tag.output", a.Output)
	put("tag.metric", a.Metric)
	put("tag.reason", a.Reason)
	put("tag.recommendation", a.Recommendation)
	put("tag.startedAt", stamp(a.Started))
	put("tag.endedAt", stamp(a.Ended))
	for key, x := range map[string]*float64{"tag.value": a.Value, "tag.threshold": a.Threshold, "tag.baselineValue": a.Baseline} {
		if x != nil {
			e[key] = *x
		}
	}
	return e
}

// join puts a colon between two texts.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ": " + b
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
