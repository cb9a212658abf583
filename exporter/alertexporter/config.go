package alertexporter

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"

	"github.com/driftmeter/driftmeter/exporter/alertexporter/internal/am"
	"github.com/driftmeter/driftmeter/internal/lenient"
)

// Config of the exporter: the sections of Alertmanager's own file, and where
// state is kept.
type Config struct {
	// Route says which alerts go to which receiver, and how they are grouped, as Alertmanager's route; may be left out while there is one receiver.
	Route map[string]any `mapstructure:"route"`
	// Receivers are who is told: a name, our channels (slack, jira, webhook, newrelic), and Alertmanager's (email_configs, pagerduty_configs, …).
	Receivers []map[string]any `mapstructure:"receivers"`
	// InhibitRules are which alerts keep which others quiet, as Alertmanager's inhibit_rules.
	InhibitRules []map[string]any `mapstructure:"inhibit_rules"`
	// TimeIntervals are times of the week with a name, as Alertmanager's time_intervals.
	TimeIntervals []map[string]any `mapstructure:"time_intervals"`
	// Templates are globs of files with templates of your own.
	Templates []string `mapstructure:"templates"`
	// Global is what receivers have in common, as Alertmanager's global.
	Global map[string]any `mapstructure:"global"`
	// ExternalURL is where links in messages lead when the alert has no dashboard of its own.
	ExternalURL string `mapstructure:"external_url"`

	// Storage is a storage extension that keeps alerts, notifications and silences; without one they are kept in the directory.
	Storage *component.ID `mapstructure:"storage"`
	// Directory is where state is kept, unless there is a storage.
	Directory string `mapstructure:"directory"`

	// API serves Alertmanager's /api/v2 (for amtool and Grafana: silences) and /metrics, as confighttp has it; off unless it is there.
	API configoptional.Optional[confighttp.ServerConfig] `mapstructure:"api"`
	// Remote passes alerts to Alertmanagers elsewhere instead, and then has none of the keys above but storage and directory.
	Remote configoptional.Optional[RemoteConfig] `mapstructure:"remote"`
	_      struct{}
}

// RemoteConfig is how to reach Alertmanagers elsewhere.
type RemoteConfig struct {
	// HTTP has the keys of confighttp: tls, auth, headers, timeout, ….
	HTTP confighttp.ClientConfig `mapstructure:",squash"`
	// Endpoints are the base addresses of all Alertmanagers of a cluster, not that of a balancer before them.
	Endpoints []string `mapstructure:"endpoints"`
	// Interval is how often an alert that fires is repeated to them.
	Interval time.Duration `mapstructure:"interval"`
}

// Unmarshal implements confmap.Unmarshaler: misspelt keys are told.
func (r *RemoteConfig) Unmarshal(conf *confmap.Conf) error {
	if err := conf.Unmarshal(r); err != nil {
		return err
	}
	return lenient.Unknown("", conf.ToStringMap(), reflect.TypeFor[RemoteConfig]())
}

// defaultDirectory is beside that of the modelstore.
const defaultDirectory = "./driftmeter-alerts"

// apiEndpoint is Alertmanager's usual port, for this machine only.
const apiEndpoint = "localhost:9093"

func defaultConfig() *Config {
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = apiEndpoint
	client := confighttp.NewDefaultClientConfig()
	client.Timeout = 10 * time.Second
	return &Config{
		Directory: defaultDirectory,
		API:       configoptional.Default(server),
		Remote:    configoptional.Default(RemoteConfig{HTTP: client, Interval: time.Minute}),
	}
}

// Validate reports everything that is wrong, in the user's spelling.
func (c *Config) Validate() error {
	var errs []error
	if c.Storage == nil && c.Directory == "" {
		errs = append(errs, errors.New("directory and storage are both empty: where should the state of alerts be kept?"))
	}
	if _, err := c.external(); err != nil {
		errs = append(errs, err)
	}
	if r := c.Remote.Get(); r != nil {
		return errors.Join(append(errs, c.validateRemote(r))...)
	}
	_, err := c.load()
	return errors.Join(append(errs, err)...)
}

func (c *Config) load() (*am.Config, error) {
	return am.Load(am.Source{
		Global: c.Global, Route: c.Route, Receivers: c.Receivers,
		InhibitRules: c.InhibitRules, TimeIntervals: c.TimeIntervals, Templates: c.Templates,
	})
}

func (c *Config) external() (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(c.ExternalURL, "/"))
	if err != nil || c.ExternalURL != "" && (u.Host == "" || u.Scheme == "") {
		return nil, fmt.Errorf("external_url=%q is no address that begins with http:// or https://", c.ExternalURL)
	}
	return u, nil
}

func (c *Config) validateRemote(r *RemoteConfig) error {
	var errs []error
	for key, there := range map[string]bool{
		"route": c.Route != nil, "receivers": c.Receivers != nil, "inhibit_rules": c.InhibitRules != nil,
		"time_intervals": c.TimeIntervals != nil, "templates": c.Templates != nil, "global": c.Global != nil, "api": c.API.HasValue(),
	} {
		if there {
			errs = append(errs, fmt.Errorf("%s and remote are both set; with remote, the Alertmanagers elsewhere have it", key))
		}
	}
	if len(r.all()) == 0 {
		errs = append(errs, errors.New("remote.endpoints is empty: the addresses of the Alertmanagers"))
	}
	for i, e := range r.all() {
		if u, err := url.Parse(e); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			errs = append(errs, fmt.Errorf("remote.endpoints[%d]=%q is no address that begins with http:// or https://", i, e))
		}
	}
	if r.Interval <= 0 {
		errs = append(errs, fmt.Errorf("remote.interval=%s must be positive", r.Interval))
	}
	return errors.Join(errs...)
}

// all are the endpoints, that of confighttp too.
func (r *RemoteConfig) all() []string {
	if r.HTTP.Endpoint != "" {
		return append([]string{r.HTTP.Endpoint}, r.Endpoints...)
	}
	return r.Endpoints
}
