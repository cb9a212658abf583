package newrelic

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

var alphabet = regexp.MustCompile(`^[A-Za-z0-9:._]{1,255}$`)

// Whatever comes, what goes out is within the documented limits.
func TestAttributesKeepTheLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		api := API(rapid.IntRange(0, int(NumAPIs)-1).Draw(t, "api"))
		lost := 0
		a := Attributes{Rules: RulesOf(api), Name: "metric.name", Room: rapid.IntRange(0, 60).Draw(t, "room"), Altered: func(Alteration) { lost++ }}
		n := rapid.IntRange(0, 400).Draw(t, "n")
		put := 0
		for i := range n {
			key := rapid.OneOf(rapid.SampledFrom([]string{"", "value", "timestamp", "eventType", "metric.name", "k8s.pod-name", "ключ", "\xff"}),
				rapid.String(), rapid.Just(strings.Repeat("x", 300+i)), rapid.Just(fmt.Sprint("key", i))).Draw(t, "key")
			value := rapid.OneOf(rapid.Just[any](math.NaN()), rapid.Just[any](math.Inf(-1)), rapid.Just[any](true), rapid.Just[any](nil), rapid.Just[any](int64(7)),
				rapid.Map(rapid.String(), func(s string) any { return s }), rapid.Just[any](strings.Repeat("ä", 3000)), rapid.Just[any]("\xff\xfe")).Draw(t, "value")
			if key != "" && value != nil {
				put++
			}
			a.Put(key, value)
		}
		if len(a.Values) > a.Rules.Attributes-a.Room {
			t.Fatalf("%d attributes", len(a.Values))
		}
		if len(a.Values)+lost < put {
			t.Fatalf("%d of %d attributes kept, %d counted as altered", len(a.Values), put, lost)
		}
		for k, v := range a.Values {
			if !alphabet.MatchString(k) || a.Rules.Reserved[k] || k == a.Name {
				t.Fatalf("key %q", k)
			}
			switch v := v.(type) {
			case string:
				if len(v) > 4096 || !utf8.ValidString(v) {
					t.Fatalf("value of %d bytes: %q", len(v), v)
				}
			case float64:
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatal("not finite")
				}
			case bool:
				if api == Events {
					t.Fatal("a boolean in an event")
				}
			}
		}
	})
}

func TestKeysAndEndpoints(t *testing.T) {
	for key, want := range map[string]string{
		"":                                 "is missing: set it to the licence key (kind INGEST - LICENSE) of the account, for example api_key: ${env:NEW_RELIC_LICENSE_KEY}",
		"NRAK-ABCDEFGHIJKLMNOPQRSTUVWXYZ1": "begins with NRAK- and so is a user key, for NerdGraph; data needs a licence key (kind INGEST - LICENSE)",
		"NRIQ-ABC":                         "begins with NRIQ- and so is a query key; data needs a licence key (kind INGEST - LICENSE)",
		"abc\n":                            "has white space in it",
		"0123456789012345678901234567890123456789": "",
		"eu01xx0123456789012345678901234567890123": "",
		"NRII-ABCDEFGHIJKLMNOPQRSTUVWXYZ":          "",
	} {
		got := ""
		if err := CheckKey(key); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
	for region, want := range map[Region]string{
		US:      "https://metric-api.newrelic.com/metric/v1 https://insights-collector.newrelic.com/v1/accounts/42/events https://log-api.newrelic.com/log/v1 https://api.newrelic.com/graphql",
		EU:      "https://metric-api.eu.newrelic.com/metric/v1 https://insights-collector.eu01.nr-data.net/v1/accounts/42/events https://log-api.eu.newrelic.com/log/v1 https://api.eu.newrelic.com/graphql",
		FedRAMP: "https://gov-metric-api.newrelic.com/metric/v1 https://gov-insights-collector.newrelic.com/v1/accounts/42/events https://gov-log-api.newrelic.com/log/v1 <nil>",
	} {
		e, err := EndpointsOf(region, 42)
		if got := fmt.Sprint(e.Data[Metrics], e.Data[Events], e.Data[Logs], e.GraphQL); err != nil || strings.Join(strings.Fields(got), " ") != want {
			t.Errorf("%s: %v %s, want %s", region, err, got, want)
		}
		for _, u := range e.Data {
			if r, ok := RegionOf(u.Host); !ok || r != region {
				t.Errorf("%s is of %s", u.Host, r)
			}
		}
	}
}
