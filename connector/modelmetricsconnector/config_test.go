package modelmetricsconnector

import (
	"strings"
	"testing"

	"go.opentelemetry.io/collector/confmap"
)

// decoded reads a configuration as the service does.
func decoded(t *testing.T, values map[string]any) error {
	t.Helper()
	c := defaultConfig()
	if err := confmap.NewFromStringMap(values).Unmarshal(c); err != nil {
		t.Fatal(err)
	}
	return confmap.Validate(c)
}

// Every mistake is told at once, with its key, its value and what would be right.
func TestConfig(t *testing.T) {
	if err := decoded(t, map[string]any{"alerts_within": "336h", "limits": map[string]any{"catch_up": 1, "watches": 1}}); err != nil {
		t.Error(err)
	}
	err := decoded(t, map[string]any{
		"interval": "0s", "settle": "-1s", "max_delay": "-2s", "empty_after": "2h", "alerts_within": "1h", "labels_within": "-1h", "setle": "1s",
		"limits": map[string]any{"watches": 0, "catch_up": 9001},
	})
	if err == nil {
		t.Fatal("all of that is taken")
	}
	for _, want := range []string{
		"interval=0s must be positive", "settle=-1s cannot be negative", "max_delay=-2s cannot be shorter than settle=-1s",
		"alerts_within=1h0m0s must be longer than empty_after=2h0m0s", "labels_within=-1h0m0s must be positive",
		"limits.watches=0 must be positive", "limits.catch_up=9001 must be from 1 to 9000", "setle",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not told:\n%v", want, err)
		}
	}
	if err := decoded(t, map[string]any{"limits": map[string]any{"catch_up": 0}, "alerts_within": "0s"}); err == nil ||
		!strings.Contains(err.Error(), "catch_up=0") || !strings.Contains(err.Error(), "alerts_within=0s must be positive") {
		t.Errorf("none: %v", err)
	}
}
