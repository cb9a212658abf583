package newrelic

import (
	"math"
	"strings"
	"unicode/utf8"
)

// Rules are what an interface accepts of attributes.
type Rules struct {
	Attributes int  // of one thing
	Booleans   bool // taken as they are; otherwise as the strings true and false
	Reserved   map[string]bool
}

// Limits of New Relic, and ours below them.
const (
	MaxBody   = 950_000 // compressed bytes of a request; New Relic refuses above 1 000 000
	MaxName   = 254     // bytes of a metric's name
	maxKey    = 255     // bytes of an attribute's key
	maxValue  = 4096    // bytes of an attribute's value; New Relic counts characters
	maxEvents = 2_000   // of a request: the Event API is slow with large bodies, and gives up after 10 s
	maxPoints = 10_000  // metrics of a request
	maxLogs   = 5_000   // log records of a request
)

// MaxItems returns how many things go into one request.
func MaxItems(api API) int { return [NumAPIs]int{maxPoints, maxEvents, maxLogs}[api] }

// RulesOf returns the rules of an interface.
func RulesOf(api API) Rules { return rules[api] }

var rules = [NumAPIs]Rules{
	Metrics: {Attributes: 150, Booleans: true, Reserved: set("newrelic.source", "metricName", "endTimestamp", "entity.guid",
		"entity.name", "entity.type", "interval.ms", "timestamp", "value", "common", "min", "max", "count", "sum", "metrics",
		"accountId", "appId", "eventType")},
	Events: {Attributes: 250, Reserved: set("eventType", "timestamp", "accountId", "appId", "newrelic.source", "entity.guid",
		"entity.name", "entity.type")},
	Logs: {Attributes: 250, Booleans: true, Reserved: set("message", "timestamp", "accountId", "appId", "eventType",
		"newrelic.source", "entity.guid", "entity.name", "entity.type", "log", "logs", "common")},
}

func set(keys ...string) map[string]bool {
	m := map[string]bool{}
	for _, k := range keys {
		m[k] = true
	}
	return m
}

// aside is put before keys that New Relic keeps for itself.
const aside = "attr."

// Alteration is a stable word for what became of an attribute that could not be
// sent as it was and lost something.
type Alteration string

// The alterations.
const (
	Cut       Alteration = "cut"       // the value was too long
	Collision Alteration = "collision" // two keys became the same; the first is kept
	Overflow  Alteration = "overflow"  // there were too many attributes
)

// Attributes collects the attributes of one thing under the rules of an
// interface. Keys are put into the allowed alphabet and out of the way of
// reserved ones; values become what the interface takes.
type Attributes struct {
	Rules   Rules
	Name    string // of the metric: no attribute may be called the same
	Room    int    // attributes that are promised to others, such as a common block
	Altered func(Alteration)
	Values  map[string]any
}

// Put adds an attribute. A nil value and an empty key are left out.
func (a *Attributes) Put(key string, value any) {
	if key == "" || value == nil {
		return
	}
	if a.Values == nil {
		a.Values = map[string]any{}
	}
	key = Key(key)
	if a.Rules.Reserved[key] || key == a.Name {
		key = aside + key
	}
	if _, taken := a.Values[key]; taken {
		a.altered(Collision)
		return
	}
	if len(a.Values) >= a.Rules.Attributes-a.Room {
		a.altered(Overflow)
		return
	}
	a.Values[key] = a.value(value)
}

func (a *Attributes) value(v any) any {
	switch v := v.(type) {
	case string:
		s, cut := text(v, maxValue)
		if cut {
			a.altered(Cut)
		}
		return s
	case bool:
		if !a.Rules.Booleans {
			if v {
				return "true"
			}
			return "false"
		}
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 1):
			return "Infinity"
		case math.IsInf(v, -1):
			return "-Infinity"
		}
	}
	return v
}

func (a *Attributes) altered(what Alteration) {
	if a.Altered != nil {
		a.Altered(what)
	}
}

// Key returns a key in the alphabet [A-Za-z0-9:._], with others as _, and of at
// most 255 bytes.
func Key(key string) string {
	ok := len(key) <= maxKey-len(aside)
	for i := 0; ok && i < len(key); i++ {
		ok = inAlphabet(key[i])
	}
	if ok {
		return key
	}
	var b strings.Builder
	for _, r := range key {
		if b.Len() == maxKey-len(aside) {
			break
		}
		if r < utf8.RuneSelf && inAlphabet(byte(r)) {
			b.WriteByte(byte(r))
		} else {
			b.WriteByte('_')
		}
	}
	return b.String()
}

func inAlphabet(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == ':' || c == '_'
}

// text returns s as valid UTF-8 of at most limit bytes, cut between characters.
func text(s string, limit int) (_ string, cut bool) {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s, false
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit], true
}
