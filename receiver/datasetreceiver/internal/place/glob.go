package place

import (
	"errors"
	"path"
	"slices"
	"strings"
)

// Glob says which files of a place are meant: as path.Match has it, part by part
// between slashes, and ** for any number of parts.
type Glob []string

// ParseGlob reads a pattern.
func ParseGlob(s string) (Glob, error) {
	switch {
	case s == "":
		return Glob{"**"}, nil
	case strings.HasPrefix(s, "/"):
		return nil, errors.New("begins with a slash; it is below the url")
	case strings.Contains(s, `\`):
		return nil, errors.New(`has a \; parts of a path are divided by /`)
	case len(s) > 1000:
		return nil, errors.New("is longer than 1000 bytes")
	}
	parts := strings.Split(s, "/")
	for _, p := range parts {
		switch {
		case p == "..", p == ".":
			return nil, errors.New("leads out of the url; name files below it")
		case p == "":
			return nil, errors.New("has an empty part")
		case strings.Contains(p, "**") && p != "**":
			return nil, errors.New("has ** beside other characters; write it as a part of its own, as in **/*.parquet")
		}
		if _, err := path.Match(p, "x"); err != nil {
			return nil, errors.New("is no pattern; write for example dt=*/*.parquet or **/*.csv.gz")
		}
	}
	// Of ** beside ** one is enough.
	return slices.CompactFunc(parts, func(a, b string) bool { return a == "**" && b == "**" }), nil
}

// Prefix is how every path begins that the pattern can match.
func (g Glob) Prefix() string {
	var b strings.Builder
	for i, p := range g {
		if n := strings.IndexAny(p, "*?["); n >= 0 {
			b.WriteString(p[:n])
			break
		}
		b.WriteString(p)
		if i < len(g)-1 {
			b.WriteByte('/')
		}
	}
	return b.String()
}

// Match reports whether a path is meant. Names that begin with a dot or an
// underscore are not, as everywhere around Spark and Hive: _SUCCESS, _delta_log,
// .part-0.crc. A partition may begin so, as in _hour=5.
func (g Glob) Match(name string) bool {
	parts := strings.Split(name, "/")
	for _, p := range parts {
		if p == "" || p[0] == '.' || p[0] == '_' && !strings.Contains(p, "=") {
			return false
		}
	}
	return match(g, parts)
}

// match compares part by part. After the last ** that was tried, nothing before it
// needs to be tried again, so that it takes no more than the product of the lengths.
func match(g Glob, parts []string) bool {
	i, k, star, from := 0, 0, -1, 0
	for k < len(parts) {
		if i < len(g) && g[i] == "**" {
			star, from = i, k
			i++
			continue
		}
		if i < len(g) {
			if ok, _ := path.Match(g[i], parts[k]); ok {
				i, k = i+1, k+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		from++
		i, k = star+1, from
	}
	for i < len(g) && g[i] == "**" {
		i++
	}
	return i == len(g)
}
