package newrelic

import (
	"errors"
	"fmt"
	"strings"
)

// KeyKind says what a key is for, as far as its form tells.
type KeyKind uint8

// The kinds of keys.
const (
	LicenceKey KeyKind = iota // takes data; also every key whose form says nothing
	InsertKey                 // the Event API's old key, which takes data too
	UserKey                   // NerdGraph: questions and settings
	OtherKey                  // neither takes data nor asks: browser, query
)

// prefixes of keys. Licence keys have none, but for those of regions.
var keyPrefixes = []struct {
	prefix string
	kind   KeyKind
	name   string
}{
	{"NRAK-", UserKey, "a user key, for NerdGraph"},
	{"NRII-", InsertKey, "an insert key"},
	{"NRIQ-", OtherKey, "a query key"},
	{"NRJS-", OtherKey, "a browser key"},
	{"NRAA-", OtherKey, "an admin key"},
	{"NRRA-", OtherKey, "a REST API key"},
}

// KindOf returns the kind of a key and its name for people.
func KindOf(key string) (KeyKind, string) {
	for _, p := range keyPrefixes {
		if strings.HasPrefix(key, p.prefix) {
			return p.kind, p.name
		}
	}
	return LicenceKey, "a licence key"
}

// regionPrefix begins the keys of accounts in the EU.
const regionPrefix = "eu01xx"

// RegionOfKey returns the region that a key names. Keys of the US and of FedRAMP
// name none.
func RegionOfKey(key string) (Region, bool) {
	if strings.HasPrefix(key, regionPrefix) {
		return EU, true
	}
	return "", false
}

// CheckKey says why a key cannot take data, without asking anybody.
func CheckKey(key string) error {
	kind, name := KindOf(key)
	switch {
	case key == "":
		return errors.New("is missing: set it to the licence key (kind INGEST - LICENSE) of the account, for example api_key: ${env:NEW_RELIC_LICENSE_KEY}")
	case strings.TrimSpace(key) != key || strings.ContainsAny(key, " \t\r\n"):
		return errors.New("has white space in it")
	case kind == UserKey || kind == OtherKey:
		return fmt.Errorf("begins with %s and so is %s; data needs a licence key (kind INGEST - LICENSE)", key[:5], name)
	}
	return nil
}

// CheckUserKey says why a key cannot be used for NerdGraph.
func CheckUserKey(key string) error {
	switch kind, _ := KindOf(key); {
	case strings.ContainsAny(key, " \t\r\n"):
		return errors.New("has white space in it")
	case kind != UserKey:
		return errors.New("does not begin with NRAK-; change tracking needs a user key")
	}
	return nil
}

// Redact returns what of a key may be shown: enough to tell two apart.
func Redact(key string) string {
	if len(key) < 20 {
		return "…"
	}
	return "…" + key[len(key)-4:]
}
