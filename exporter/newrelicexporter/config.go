package newrelicexporter

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/driftmeter/driftmeter/internal/newrelic"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Config of the exporter.
type Config struct {
	// ClientConfig is the Collector's usual HTTP client. Its endpoint is that of a
	// relay in front of all interfaces of New Relic.
	ClientConfig confighttp.ClientConfig `mapstructure:",squash"`
	// APIKey is the licence key (kind INGEST - LICENSE) of the account; required.
	APIKey configopaque.String `mapstructure:"api_key"`
	// Region is us, eu or fedramp. When empty it is the one that the key names, else us.
	Region newrelic.Region `mapstructure:"region"`
	// AccountID is put into the path of the Event API; it may be left out.
	AccountID int64 `mapstructure:"account_id"`
	// MetricsEndpoint is the whole URL of the Metric API, instead of the region's.
	MetricsEndpoint string `mapstructure:"metrics_endpoint"`
	// EventsEndpoint is the whole URL of the Event API, likewise.
	EventsEndpoint string `mapstructure:"events_endpoint"`
	// LogsEndpoint is the whole URL of the Log API, likewise.
	LogsEndpoint string `mapstructure:"logs_endpoint"`
	// GraphQLEndpoint is the whole URL of NerdGraph, likewise.
	GraphQLEndpoint string `mapstructure:"graphql_endpoint"`
	// EventModes are the events to make: evaluation (from model metrics, one for
	// each set of values of a window), inference_data and aporia (from predictions,
	// which then leave your systems). [] makes none.
	EventModes []EventMode `mapstructure:"event_modes"`
	// Fields are the only fields that events of predictions carry, such as
	// features.age; all when empty.
	Fields []string `mapstructure:"fields"`
	// Incidents says that alerts open and close incidents.
	Incidents bool `mapstructure:"incidents"`
	// Percentiles of histograms that are sent as gauges named name.p50 and so on.
	Percentiles []float64 `mapstructure:"percentiles"`
	// BYODMetrics also sends the statistics of fields under the names of New Relic's
	// bring-your-own-data library: mean, std, min, max, 50%, uniques, missing_perc.
	BYODMetrics bool `mapstructure:"byod_metrics"`
	// RememberPoints is how many points are remembered, so that the repetition of a
	// window's metrics, which other backends need, is not sent and paid for again.
	// 0 sends every repetition.
	RememberPoints int `mapstructure:"remember_points"`
	// AttributePrefix begins the attributes of predictions.
	AttributePrefix string `mapstructure:"attribute_prefix"`
	// EventNames gives other names to events of predictions, as in profile.
	EventNames map[string]string `mapstructure:"event_names"`
	// ChangeTracking marks new versions of models on their entities.
	ChangeTracking ChangeTracking `mapstructure:"change_tracking"`
	// QueueConfig is the Collector's usual sending queue.
	QueueConfig configoptional.Optional[exporterhelper.QueueBatchConfig] `mapstructure:"sending_queue"`
	// RetryConfig is the Collector's usual back-off; here it never gives up unless
	// max_elapsed_time says so.
	RetryConfig configretry.BackOffConfig `mapstructure:"retry_on_failure"`
	_           struct{}
}

// ChangeTracking is how new versions of models are marked.
type ChangeTracking struct {
	// UserKey is a user key (NRAK-…); markers are made when it is set.
	UserKey configopaque.String `mapstructure:"user_key"`
	// Storage names a storage extension that remembers which versions are known.
	Storage *component.ID `mapstructure:"storage"`
	// LearnFor is the time after the first start (without storage: after each) in
	// which versions that appear are taken for known ones.
	LearnFor time.Duration `mapstructure:"learn_for"`
	_        struct{}
}

// EventMode is a kind of events that the exporter makes.
type EventMode string

// The event modes.
const (
	Evaluation    EventMode = "evaluation"
	InferenceData EventMode = "inference_data"
	Aporia        EventMode = "aporia"
)

func defaultConfig() *Config {
	client := confighttp.NewDefaultClientConfig()
	client.Timeout = 30 * time.Second
	retry := configretry.NewDefaultBackOffConfig()
	retry.MaxElapsedTime = 0 // what is below the queue's limit is never given up
	return &Config{
		ClientConfig: client, EventModes: []EventMode{Evaluation}, Incidents: true, RememberPoints: 500_000,
		AttributePrefix: otelml.DefaultPrefix, ChangeTracking: ChangeTracking{LearnFor: 10 * time.Minute},
		QueueConfig: configoptional.Some(exporterhelper.NewDefaultQueueConfig()), RetryConfig: retry,
	}
}

// Validate reports everything that is wrong, in the user's spelling.
func (c *Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := newrelic.CheckKey(string(c.APIKey)); err != nil {
		add("api_key %w", err)
	}
	if _, err := newrelic.EndpointsOf(c.region(), 0); err != nil {
		errs = append(errs, err)
	} else if r, ok := newrelic.RegionOfKey(string(c.APIKey)); ok && r != c.region() && !c.elsewhere() {
		add("region=%q contradicts api_key, which is of region %s", c.region(), r)
	}
	if c.AccountID < 0 {
		add("account_id=%d cannot be negative", c.AccountID)
	}
	for _, e := range c.overrides() {
		if err := checkURL(e.value); e.value != "" && err != nil {
			add("%s=%q %w", e.key, e.value, err)
		}
	}
	if c.ClientConfig.Compression.IsCompressed() {
		add("compression=%q cannot be set: bodies are compressed with gzip already", c.ClientConfig.Compression)
	}
	for i, m := range c.EventModes {
		if m != Evaluation && m != InferenceData && m != Aporia {
			add("event_modes[%d]=%q is unknown; known: evaluation, inference_data, aporia", i, m)
		}
	}
	for i, f := range c.Fields {
		group, name, ok := strings.Cut(f, ".")
		if _, known := record.ParseGroup(group); !ok || !known || name == "" {
			add("fields[%d]=%q is no field; write its group and name, such as features.age", i, f)
		}
	}
	for i, p := range c.Percentiles {
		if !(p > 0 && p < 100) {
			add("percentiles[%d]=%v must be above 0 and below 100", i, p)
		}
	}
	if c.RememberPoints < 0 {
		add("remember_points=%d cannot be negative; 0 remembers none", c.RememberPoints)
	}
	errs = append(errs, otelml.ValidateNames(c.AttributePrefix, c.EventNames))
	errs = append(errs, c.ChangeTracking.check(c))
	return errors.Join(errs...)
}

func (t ChangeTracking) check(c *Config) error {
	switch {
	case t.UserKey == "" && t.Storage != nil:
		return errors.New("change_tracking.storage needs change_tracking.user_key")
	case t.UserKey == "":
		return nil
	}
	var errs []error
	if err := newrelic.CheckUserKey(string(t.UserKey)); err != nil {
		errs = append(errs, fmt.Errorf("change_tracking.user_key %w", err))
	}
	if t.LearnFor < 0 {
		errs = append(errs, fmt.Errorf("change_tracking.learn_for=%s cannot be negative", t.LearnFor))
	}
	if e, err := c.endpoints(); err == nil && e.GraphQL == nil {
		errs = append(errs, fmt.Errorf("change_tracking: region=%q has no NerdGraph; set graphql_endpoint, or take user_key away", c.region()))
	}
	return errors.Join(errs...)
}

// region returns the region in use.
func (c *Config) region() newrelic.Region {
	if c.Region != "" {
		return c.Region
	}
	if r, ok := newrelic.RegionOfKey(string(c.APIKey)); ok {
		return r
	}
	return newrelic.US
}

// override is an endpoint of the configuration.
type override struct{ key, value string }

func (c *Config) overrides() []override {
	return []override{
		{"endpoint", c.ClientConfig.Endpoint}, {"metrics_endpoint", c.MetricsEndpoint}, {"events_endpoint", c.EventsEndpoint},
		{"logs_endpoint", c.LogsEndpoint}, {"graphql_endpoint", c.GraphQLEndpoint},
	}
}

// elsewhere says that data goes to hosts of the user's choice.
func (c *Config) elsewhere() bool {
	return slices.ContainsFunc(c.overrides(), func(o override) bool { return o.value != "" })
}

// endpoints returns where everything goes: to the endpoint named for it, else
// below the one for all, else to the region.
func (c *Config) endpoints() (newrelic.Endpoints, error) {
	e, err := newrelic.EndpointsOf(c.region(), c.AccountID)
	if err != nil {
		return e, err
	}
	if s := c.ClientConfig.Endpoint; s != "" {
		base, err := url.Parse(s)
		if err != nil {
			return e, err
		}
		e = newrelic.EndpointsBelow(base, c.AccountID)
	}
	for api, s := range [newrelic.NumAPIs]string{c.MetricsEndpoint, c.EventsEndpoint, c.LogsEndpoint} {
		if s == "" {
			continue
		}
		if e.Data[api], err = url.Parse(s); err != nil {
			return e, err
		}
	}
	if c.GraphQLEndpoint != "" {
		e.GraphQL, err = url.Parse(c.GraphQLEndpoint)
	}
	return e, err
}

func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return errors.New("is no URL; write it with https:// and a host")
	}
	return nil
}

func (c *Config) makes(m EventMode) bool { return slices.Contains(c.EventModes, m) }
