package alertexporter

import (
	"regexp"

	"go.opentelemetry.io/collector/confmap"
)

// secretKey is a key of a receiver whose value is a secret, or all values below
// it. Addresses are, since those of webhooks are keys.
var secretKey = regexp.MustCompile(`(?i)(token|secrets?|password|key|credentials|url|headers)$`)

// redacted is what configopaque shows.
const redacted = "[REDACTED]"

// Marshal implements confmap.Marshaler. Receivers are kept as they are written,
// since what they hold is Alertmanager's business; printed, they show no secret.
func (c Config) Marshal(conf *confmap.Conf) error {
	type plain Config
	shown := plain(c)
	shown.Global, _ = redact(c.Global, false).(map[string]any)
	shown.Receivers = nil
	for _, r := range c.Receivers {
		shown.Receivers = append(shown.Receivers, redact(r, false).(map[string]any))
	}
	return conf.Marshal(shown)
}

func redact(v any, secret bool) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, x := range v {
			m[k] = redact(x, secret || secretKey.MatchString(k))
		}
		return m
	case []any:
		s := make([]any, len(v))
		for i, x := range v {
			s[i] = redact(x, secret)
		}
		return s
	case nil:
		return v
	default:
		if secret {
			return redacted
		}
		return v
	}
}
