package mapping

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/contract"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Names of the configuration that no record may have are told at the start, with
// their key; and a mapper that was made of them all the same refuses the row.
func TestNamesThatAreTooLong(t *testing.T) {
	long := strings.Repeat("é", contract.MaxName/2) + "x" // 257 bytes
	fits := strings.Repeat("x", contract.MaxName)
	for key, c := range map[string]Config{
		"columns.a=":         {Columns: map[string]string{"a": "features." + long}},
		"labels.ééé":         {Labels: map[string]string{long: "a"}},
		"positions.features": {Positions: map[string][]string{"features": {long}}},
		"types.features.ééé": {Types: map[string]string{"features." + long: "numeric"}},
		"dicts.features.ééé": {Dicts: map[string]map[string]string{"features." + long: {"a": "b"}}},
		"model=":             {Model: long},
		"version=":           {Version: long},
	} {
		err := c.Verify()
		if err == nil || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "257 bytes") || !strings.Contains(err.Error(), "the limit is 256") || len(err.Error()) > 600 {
			t.Errorf("%s: %v", key, err)
		}
	}
	well := Config{Model: fits, Columns: map[string]string{"a": "features." + fits}, Labels: map[string]string{fits: "a"}, Types: map[string]string{"features." + fits: "numeric"},
		Positions: map[string][]string{"features": {fits}}}
	if err := well.Verify(); err != nil {
		t.Error(err)
	}
	for _, c := range []Config{{Rest: "ignore", Columns: map[string]string{"a": "features." + long}}, {Rest: "ignore", Labels: map[string]string{long: "a"}},
		{Rest: "ignore", Positions: map[string][]string{"features": {long}}}} {
		m, err := NewMapper(&c)
		if err != nil {
			t.Fatal(err)
		}
		err = firstRefused(t, m, `{"a":1,"features":[1]}`)
		if row, ok := errors.AsType[*RowError](err); !ok || row.Reason != TooLong || len(row.Column) > 80 {
			t.Errorf("%v", err)
		}
	}
}

// firstRefused maps a row of JSON and returns why it is refused.
func firstRefused(t *testing.T, m *Mapper, row string) error {
	t.Helper()
	n, err := tree.NewParser(tree.Defaults()).Parse([]byte(row))
	if err != nil {
		t.Fatal(err)
	}
	var r record.Record
	return m.Row(&n, &record.Record{}, &r, func(refused error) error { return refused })
}

// Names of any length, of which each comes once, are neither kept nor told in full.
func TestLongNamesAreNotRemembered(t *testing.T) {
	const rows, size = 100, 1 << 20
	for name, c := range map[string]Config{
		"refused": {}, "ignored": {Rest: "ignore"}, "features": {Rest: "features"},
		"below": {Columns: map[string]string{"a.b": "features.b"}}, "exploded": {Explode: []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := NewMapper(&c)
			if err != nil {
				t.Fatal(err)
			}
			row := tree.Node{Kind: tree.Object}
			for k := range rows {
				row.Sub = append(row.Sub, tree.Node{Name: fmt.Sprint("features.", k), Kind: tree.Integer})
			}
			var told string
			for i := range rows {
				long := fmt.Sprint(i, strings.Repeat("x", size))
				last := &row.Sub[rows-1-i] // each at a place of its own, where no later row has another
				*last = tree.Node{Name: long, Kind: tree.Integer}
				if name == "below" || name == "exploded" {
					*last = tree.Node{Name: "a", Kind: tree.Object, Sub: []tree.Node{{Name: long, Kind: tree.Integer}}}
				}
				row.Sub = row.Sub[:rows-i]
				var r record.Record
				if err := m.Row(&row, &record.Record{}, &r, func(refused error) error { return refused }); err != nil {
					told = err.Error()
				}
			}
			row = tree.Node{}
			if len(told) > 1000 {
				t.Errorf("%d bytes are told: %.200s", len(told), told)
			}
			runtime.GC()
			var after runtime.MemStats
			runtime.ReadMemStats(&after)
			if after.HeapAlloc > rows*size/4 {
				t.Errorf("%d MB are kept", after.HeapAlloc>>20)
			}
			runtime.KeepAlive(m)
		})
	}
}
