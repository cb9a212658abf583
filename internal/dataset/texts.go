package dataset

import (
	"strings"

	"github.com/driftmeter/driftmeter/internal/table"
)

// Limits of a value, those of prediction logs: what is longer cannot be used
// there either.
const (
	maxText    = 64 << 10 // bytes
	maxMembers = 16384    // of a list or dict
)

// texts gives cells texts of their own. Those of a reader share the memory of
// their whole row, so that one category which is remembered would keep a row of
// megabytes alive.
type texts struct{ kept map[string]string }

// Short texts are given out again and again, as those of categories come, as
// long as there are not too many.
const (
	shortText = 64 // bytes
	keptTexts = 4096
)

// clean makes the cells of a row safe to be kept, but for their lists.
func (t *texts) clean(row []table.Cell) {
	for i := range row {
		c := &row[i]
		t.own(c)
		if len(c.List) > maxMembers && (c.Kind == table.List || c.Kind == table.Dict) {
			*c = table.Cell{Kind: table.Unsupported, List: c.List}
		}
		if c.Kind != table.List && c.Kind != table.Dict {
			continue
		}
		for j := range c.List {
			e := &c.List[j]
			e.Name = t.of(e.Name)
			t.own(&e.Cell)
		}
	}
}

// own replaces the text of a cell.
func (t *texts) own(c *table.Cell) {
	switch {
	case c.Kind != table.Text:
	case len(c.Text) > maxText:
		c.Kind, c.Text = table.Unsupported, ""
	default:
		c.Text = t.of(c.Text)
	}
}

func (t *texts) of(s string) string {
	if kept, ok := t.kept[s]; ok {
		return kept
	}
	s = strings.Clone(s)
	if len(s) <= shortText && len(t.kept) < keptTexts {
		if t.kept == nil {
			t.kept = make(map[string]string)
		}
		t.kept[s] = s
	}
	return s
}
