// Package backends turns what Driftmeter knows (its metrics, the models that a user
// defined and their monitors) into what other systems show and watch: dashboards
// and rules, as files.
//
// It says what there is to show, in words of our own: dashboards of rows of panels
// of queries about metrics of measure.Catalogue. How a backend writes that down is
// the business of a package below this one: promql has the names and the language
// of Prometheus, grafana its dashboards, promrules its rules, nrql New Relic.
//
// The same input gives the same bytes: nothing here depends on the time, on the
// machine, or on the order of a map.
package backends

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
)

// Model is a model that files are made for.
type Model struct {
	Definition *model.Definition
	Window     time.Duration // of the store that keeps it
}

// File is a file that was generated.
type File struct {
	Name    string // relative, with slashes
	Content []byte
}

// longestID is what Grafana's limit of 40 characters for an identity leaves for the
// name of a model.
const longestID = 23

// ID makes an identifier of a name: lower case, digits and hyphens. It is what
// stands in file names and in the identities of dashboards, which have to stay the
// same when the file is generated again. Of a name that cannot be read from it any
// more it has a hash, too, so that two of them stay apart.
func ID(name string) string {
	var id strings.Builder
	lost := false
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			id.WriteRune(r)
		case r >= 'A' && r <= 'Z':
			lost = true
			id.WriteRune(r + 'a' - 'A')
		default:
			lost = lost || !strings.ContainsRune("-_ .", r)
			id.WriteByte('-')
		}
	}
	if !lost && id.Len() > 0 && id.Len() <= longestID {
		return id.String()
	}
	sum := sha256.Sum256([]byte(name))
	short := fmt.Sprintf("%x", sum[:3])
	readable := strings.Trim(id.String(), "-")
	return strings.TrimLeft(readable[:min(len(readable), longestID-1-len(short))]+"-"+short, "-")
}

// Duration writes a duration in days and below, as Prometheus reads it too: 7d,
// 1h30m.
func Duration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var s strings.Builder
	for _, u := range []struct {
		name   string
		length time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if n := d / u.length; n > 0 {
			fmt.Fprintf(&s, "%d%s", n, u.name)
			d -= n * u.length
		}
	}
	return s.String()
}
