package value

import (
	"strings"

	"github.com/driftmeter/driftmeter/internal/tree"
)

// array reads an array as PostgreSQL writes it: {1,2,NULL,"a \"b\""}, with its
// bounds in front if they are unusual, [0:1]={1,2}. Arrays of arrays are Unusable,
// as in files.
func (r *Reader) array(element, s string) tree.Node {
	bad := tree.Node{Kind: tree.Unusable}
	if strings.HasPrefix(s, "[") {
		_, rest, ok := strings.Cut(s, "=")
		if !ok {
			return bad
		}
		s = rest
	}
	if len(s) < 2 || s[0] != '{' || s[len(s)-1] != '}' {
		return bad
	}
	n := tree.Node{Kind: tree.Array}
	s = s[1 : len(s)-1]
	for len(s) > 0 {
		text, quoted, rest, ok := arrayElement(s)
		if !ok || len(n.Sub) == maxElements {
			return bad
		}
		switch {
		case !quoted && strings.EqualFold(text, "NULL"):
			n.Sub = append(n.Sub, tree.Node{})
		default:
			n.Sub = append(n.Sub, r.text(element, text))
		}
		if rest == "," {
			return bad
		}
		s = strings.TrimPrefix(rest, ",")
	}
	return n
}

// arrayElement reads the first element; rest is empty or begins with a comma.
func arrayElement(s string) (text string, quoted bool, rest string, ok bool) {
	if s[0] == '{' {
		return "", false, "", false
	}
	if s[0] != '"' {
		at := strings.IndexAny(s, ",{}\"")
		if at < 0 {
			return s, false, "", true
		}
		return s[:at], false, s[at:], at > 0 && s[at] == ','
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; c {
		case '\\':
			if i++; i == len(s) {
				return "", false, "", false
			}
			b.WriteByte(s[i])
		case '"':
			rest = s[i+1:]
			return b.String(), true, rest, rest == "" || rest[0] == ','
		default:
			b.WriteByte(c)
		}
	}
	return "", false, "", false
}
