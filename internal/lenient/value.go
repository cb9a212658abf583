package lenient

import (
	"fmt"
	"slices"
	"strings"
)

// What is wrong is written to logs and shown to people, and a key that nobody knows
// may be a misspelt api_key. So its value is shown only where it can be no secret and
// helps to find the place: true, false or a short number.

// hidden stands for a value that is not shown.
type hidden struct{}

// shortNumber is how many characters a number may have that is no secret.
const shortNumber = 6

// shown returns the value of a key that is not known, or what stands for it. best is
// the known key that was probably meant, if there is one.
func shown(key, best string, v any) any {
	switch v.(type) {
	case map[string]any, []any, nil:
		return v // only its kind is shown
	case string:
		return hidden{}
	}
	if secret(key) || secret(best) || len(fmt.Sprint(v)) > shortNumber {
		return hidden{}
	}
	return v
}

// secrets are what the names of keys have in them whose values nobody should read.
var secrets = []string{"key", "token", "secret", "passw", "passphrase", "pwd", "licence", "license", "credential", "auth", "bearer", "webhook", "dsn"}

// secret reports whether a key sounds like one whose value is a secret.
func secret(key string) bool {
	key = strings.ToLower(key)
	return slices.ContainsFunc(secrets, func(word string) bool { return strings.Contains(key, word) })
}

// lastOf returns the last key of a path such as http.headers[X-Api-Key] or keys[2].
func lastOf(path string) string {
	if open := strings.LastIndexByte(path, '['); open >= 0 && strings.HasSuffix(path, "]") {
		if in := path[open+1 : len(path)-1]; strings.Trim(in, "0123456789") != "" {
			return in
		}
		return lastOf(path[:open])
	}
	return path[strings.LastIndexByte(path, '.')+1:]
}

// valueText writes a value as in a configuration, shortly.
func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return fmt.Sprintf("%q", v)
	case map[string]any:
		return "{…}"
	case []any:
		return "[…]"
	}
	return fmt.Sprint(v)
}
