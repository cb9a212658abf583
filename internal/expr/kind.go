package expr

import "time"

// Kind says what a field holds, as far as conditions care.
type Kind uint8

// The kinds of fields. Literals have the first three.
const (
	Number   Kind = iota // Row.Number; compares with numbers
	Text                 // Row.Text; compares with strings, < and > by bytes
	Boolean              // Row.Bool; compares with true, false, 1 and 0
	Category             // Row.Text, else Row.Number, else Row.Bool; equal to any value that has its name
	Time                 // Row.Number in Unix seconds; compares with strings such as "2024-01-31"
	Opaque               // an embedding, array or dict; only is null and is not null
)

var kindNames = [...]string{"numeric", "text", "boolean", "categorical", "datetime", "an embedding, array or dict"}

// String returns the word that messages use for k; it is that of model definitions.
func (k Kind) String() string { return kindNames[k] }

// remedy says what a field of kind k can be compared with.
func (k Kind) remedy() string {
	return [...]string{
		"compare it with a number",
		`compare it with a "string"`,
		"compare it with true or false, by == or !=",
		"use ==, !=, in or is null",
		`compare it with a "string" such as "2024-01-31" or "2024-01-31T12:00:00Z"`,
		"only is null and is not null can ask for it",
	}[k]
}

// instant reads a time as it is written in conditions, without zone in UTC,
// and returns Unix seconds.
func instant(s string) (float64, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return float64(t.Unix()) + float64(t.Nanosecond())/1e9, true
		}
	}
	return 0, false
}
