// Package sqlpage writes the SQL that reads a table or a query page by page: in
// the order of key columns, each page after the last row of the one before.
//
// What a user names goes into SQL quoted or not at all. It is pure: no database.
package sqlpage

import (
	"fmt"
	"strings"
)

// Dialect is how a database writes SQL.
type Dialect struct {
	Name string // of the database, in messages
	// Open and Close enclose a name; Close is doubled inside it.
	Open, Close string
	// Upper says that names which the user did not quote are upper-case in the database.
	Upper bool
	// Backslash says that \ escapes in text, Dollar that $tag$ encloses it, and
	// Hash that # begins a comment.
	Backslash, Dollar, Hash bool
	// Nested says that comments nest.
	Nested bool
	// Plain says that names cannot have quotes or backslashes in them, which would escape.
	Plain bool
	// Top says that the number of rows stands behind SELECT, as SQL Server has it.
	Top bool
	// Bare says that a subquery may not begin with WITH.
	Bare bool
	// Parameter writes the i-th parameter, from 1.
	Parameter func(i int) string
}

// Question writes parameters as most databases have them.
func Question(int) string { return "?" }

// Dollar writes parameters as PostgreSQL has them.
func Dollar(i int) string { return fmt.Sprintf("$%d", i) }

// At writes parameters as SQL Server and BigQuery have them.
func At(i int) string { return fmt.Sprintf("@p%d", i) }

// The dialects.
var (
	Postgres   = Dialect{Name: "PostgreSQL", Open: `"`, Close: `"`, Dollar: true, Nested: true, Parameter: Dollar}
	Redshift   = Dialect{Name: "Amazon Redshift", Open: `"`, Close: `"`, Dollar: true, Nested: true, Parameter: Dollar}
	MySQL      = Dialect{Name: "MySQL", Open: "`", Close: "`", Backslash: true, Hash: true, Parameter: Question}
	SQLServer  = Dialect{Name: "SQL Server", Open: "[", Close: "]", Nested: true, Top: true, Bare: true, Parameter: At}
	Snowflake  = Dialect{Name: "Snowflake", Open: `"`, Close: `"`, Upper: true, Backslash: true, Dollar: true, Parameter: Question}
	Athena     = Dialect{Name: "Amazon Athena", Open: `"`, Close: `"`, Parameter: Question}
	BigQuery   = Dialect{Name: "BigQuery", Open: "`", Close: "`", Backslash: true, Hash: true, Plain: true, Parameter: At}
	Databricks = Dialect{Name: "Databricks SQL", Open: "`", Close: "`", Backslash: true, Nested: true, Parameter: func(i int) string { return fmt.Sprintf(":p%d", i) }}
)

// maxName is longer than the names of any of the databases.
const maxName = 300

// Quote returns a name of one part, quoted. A part that the user has quoted is
// taken as it stands between the quotes.
func (d *Dialect) Quote(name string) (string, error) {
	parts, err := d.split(name)
	if err != nil {
		return "", err
	}
	if len(parts) != 1 {
		return d.enclose(name), nil // a column may have a dot in its name
	}
	return d.enclose(parts[0]), nil
}

// QuoteTable returns the name of a table, quoted part by part: catalog.schema.table.
func (d *Dialect) QuoteTable(name string) (string, error) {
	parts, err := d.split(name)
	if err != nil {
		return "", err
	}
	if len(parts) > 3 {
		return "", fmt.Errorf("has %d parts; write table, schema.table or catalog.schema.table, and a part with a dot in it as %sa.b%s", len(parts), d.Open, d.Close)
	}
	for i := range parts {
		parts[i] = d.enclose(parts[i])
	}
	return strings.Join(parts, "."), nil
}

func (d *Dialect) enclose(name string) string {
	return d.Open + strings.ReplaceAll(name, d.Close, d.Close+d.Close) + d.Close
}

// split takes a name apart, at the dots outside of quotes.
func (d *Dialect) split(name string) (parts []string, err error) {
	if name == "" || len(name) > maxName {
		return nil, fmt.Errorf("must have from 1 to %d bytes", maxName)
	}
	for _, r := range name {
		if r < ' ' || r == 0x7f || r == '�' {
			return nil, fmt.Errorf("has a control character in it")
		}
	}
	rest := name
	if d.Plain && (strings.Contains(name, `\`) || strings.Contains(name, d.Close+d.Close)) {
		return nil, fmt.Errorf("has a quote or a backslash in it, which no name of %s has", d.Name)
	}
	for {
		part, after, err := d.part(rest)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		if after == "" {
			return parts, nil
		}
		if rest = after[1:]; rest == "" {
			return nil, fmt.Errorf("ends with a dot")
		}
	}
}

// part reads the first part of a name; after begins with a dot or is empty.
func (d *Dialect) part(s string) (part, after string, err error) {
	if rest, quoted := strings.CutPrefix(s, d.Open); quoted {
		var b strings.Builder
		for {
			before, behind, closed := strings.Cut(rest, d.Close)
			if !closed {
				return "", "", fmt.Errorf("has a %s that is not closed", d.Open)
			}
			b.WriteString(before)
			if more, doubled := strings.CutPrefix(behind, d.Close); doubled {
				b.WriteString(d.Close)
				rest = more
				continue
			}
			if b.Len() == 0 || behind != "" && behind[0] != '.' {
				return "", "", fmt.Errorf("is not quoted as %sname%s", d.Open, d.Close)
			}
			return b.String(), behind, nil
		}
	}
	at := strings.IndexByte(s, '.')
	if at < 0 {
		at = len(s)
	}
	part, after = s[:at], s[at:]
	switch {
	case part == "":
		return "", "", fmt.Errorf("has an empty part")
	case strings.ContainsAny(part, "\"`[]';()") || strings.Contains(part, "--") || strings.Contains(part, "/*"):
		return "", "", fmt.Errorf("is no name; write one such as %sodd name%s in quotes if it is", d.Open, d.Close)
	}
	if d.Upper && plain(part) {
		part = strings.ToUpper(part)
	}
	return part, after, nil
}

func plain(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && c != '$' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}
