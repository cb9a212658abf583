package channel

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/notify"
	commoncfg "github.com/prometheus/common/config"
)

// common are the keys that every channel has.
type common struct {
	// SendResolved tells the destination when an alert is over, too.
	SendResolvedToo bool `yaml:"send_resolved"`
	// Timeout is how long one attempt may take.
	Timeout time.Duration `yaml:"timeout"`
	// HTTPConfig is as in Alertmanager: basic_auth, authorization, oauth2, tls_config, proxy_url, http_headers.
	HTTPConfig commoncfg.HTTPClientConfig `yaml:"http_config"`
}

func defaultCommon() common {
	return common{SendResolvedToo: true, Timeout: DefaultTimeout, HTTPConfig: commoncfg.DefaultHTTPClientConfig}
}

// SendResolved implements notify.ResolvedSender.
func (c *common) SendResolved() bool { return c.SendResolvedToo }

// Config is the configuration of a channel.
type Config interface {
	notify.ResolvedSender
	// check returns what is wrong, all of it, in the user's spelling.
	check() error
	build() (notify.Notifier, error)
}

// Kinds are our channels, by their key in a receiver.
var Kinds = map[string]func() Config{
	"slack": func() Config { return &Slack{common: defaultCommon(), APIURL: slackAPI, Thread: true} },
	"jira": func() Config {
		return &Jira{common: defaultCommon(), APIType: "auto", IssueType: "Task", SearchLag: 30 * time.Second}
	},
	"webhook":  func() Config { return &Webhook{common: defaultCommon()} },
	"newrelic": func() Config { return &NewRelic{common: defaultCommon()} },
}

// New checks a configuration and returns its notifier.
func New(c Config) (notify.Notifier, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	return c.build()
}

// secret is a value that stands in the configuration or in a file.
func secret(value commoncfg.Secret, file string) (string, error) {
	if file == "" {
		return string(value), nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(b)), nil
}

// oneOf wants exactly one of a value and a file.
func oneOf(key string, value commoncfg.Secret, file string) error {
	switch {
	case value == "" && file == "":
		return fmt.Errorf("%s is missing; it or %s_file is required", key, key)
	case value != "" && file != "":
		return fmt.Errorf("%s and %s_file are both set; leave one out", key, key)
	}
	return nil
}

// address wants a URL of HTTP. The value is a secret: it is not repeated.
func address(key, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%s is no address that begins with http:// or https://", key)
	}
	return nil
}

// joined is errors.Join of what the checks found.
func joined(errs ...error) error { return errors.Join(errs...) }
