package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/driftmeter/driftmeter/internal/store"
)

// printReport writes a report for people.
func printReport(w io.Writer, r *store.Report, saved *store.Saved) error {
	if !r.Opened && len(r.Problems) == 0 {
		_, err := fmt.Fprintf(w, "%s is empty: nothing has been stored in it yet\n", r.Dir)
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.Dir)
	if r.Opened && r.Format > 0 {
		fmt.Fprintf(&b, "format %d, instance %s\n", r.Format, r.Instance)
	}
	fmt.Fprintf(&b, "%s of %s, %s of %s", count(r.Tables, "table"), size(r.TableBytes), count(r.LogFiles, "log file"), size(r.LogBytes))
	if r.Unused > 0 {
		fmt.Fprintf(&b, ", %s that is not in use", count(r.Unused, "table"))
	}
	b.WriteString("\n\n")
	if r.Opened {
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "KEYS\tBYTES\t  FAMILY")
		var keys, bytes int64
		for _, f := range r.Families {
			keys, bytes = keys+f.Count, bytes+f.KeyBytes+f.ValueBytes
			fmt.Fprintf(t, "%d\t%d\t  %s\n", f.Count, f.KeyBytes+f.ValueBytes, f.Family)
		}
		fmt.Fprintf(t, "%d\t%d\t  in all\n", keys, bytes)
		if err := t.Flush(); err != nil {
			return err
		}
		b.WriteString("\n")
	}
	if r.OK() {
		b.WriteString("No problems.\n")
	} else {
		b.WriteString("Problems:\n")
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "- %s\n", p)
	}
	if r.Unlisted > 0 {
		fmt.Fprintf(&b, "- and %d more\n", r.Unlisted)
	}
	printLost(&b, r)
	printSaved(&b, r, saved)
	_, err := io.WriteString(w, b.String())
	return err
}

// printLost says what the damage has taken away.
func printLost(b *strings.Builder, r *store.Report) {
	var lines, whole []string
	for _, g := range r.Gaps {
		if g.After == nil && g.Before == nil {
			whole = append(whole, g.Family.String())
		} else {
			lines = append(lines, g.String())
		}
	}
	if len(whole) > 0 {
		lines = append([]string{strings.Join(whole, ", ") + ": all that there may have been"}, lines...)
	}
	for _, f := range r.Families {
		if f.NeedsLost > 0 {
			lines = append(lines, fmt.Sprintf("%s: %d are there, and of no use, since what they need is lost", f.Family, f.NeedsLost))
		}
	}
	if len(lines) > 0 {
		fmt.Fprintf(b, "\nLost by the damage:\n- %s\n", strings.Join(lines, "\n- "))
	}
}

// printSaved says what to do next.
func printSaved(b *strings.Builder, r *store.Report, saved *store.Saved) {
	switch {
	case saved != nil:
		fmt.Fprintf(b, "\nSaved %s (%s) into %s. Put it into modelstore.directory.\n", count(int(saved.Keys), "key"), size(saved.Bytes), saved.Dir)
		if saved.NewInstance {
			b.WriteString("It has a new name, since the old one is lost: profiles that were sent and not yet\ndeleted may be counted a second time.\n")
		}
	case !r.OK() && r.Opened:
		fmt.Fprintf(b, "\nTo save what is sound: driftmeter check %s --salvage NEWDIR\n", r.Dir)
	}
}

// The report for machines: keys are added, and none is ever taken away.
type (
	jsonReport struct {
		Directory    string        `json:"directory"`
		OK           bool          `json:"ok"`
		Used         bool          `json:"used"` // false: nothing could be read, or nothing was ever stored
		Format       uint32        `json:"format"`
		Instance     string        `json:"instance"`
		Tables       int           `json:"tables"`
		TableBytes   int64         `json:"table_bytes"`
		UnusedTables int           `json:"unused_tables"`
		LogFiles     int           `json:"log_files"`
		LogBytes     int64         `json:"log_bytes"`
		Families     []jsonFamily  `json:"families"`
		Problems     []jsonProblem `json:"problems"`
		Unlisted     int           `json:"unlisted_problems"`
		Lost         []jsonGap     `json:"lost"`
		Saved        *jsonSaved    `json:"saved,omitempty"`
	}
	jsonFamily struct {
		Family     string `json:"family"`
		Keys       int64  `json:"keys"`
		KeyBytes   int64  `json:"key_bytes"`
		ValueBytes int64  `json:"value_bytes"`
		NeedsLost  int64  `json:"needs_lost,omitempty"` // keys of no use, since what they need is lost
	}
	jsonProblem struct {
		File    string `json:"file,omitempty"`
		Family  string `json:"family,omitempty"`
		Key     string `json:"key,omitempty"` // for people
		KeyHex  string `json:"key_hex,omitempty"`
		Problem string `json:"problem"`
	}
	// jsonGap is a range of keys that cannot be read. Without after it begins with
	// the family, without before it ends with it.
	jsonGap struct {
		Family    string `json:"family"`
		File      string `json:"file,omitempty"`
		After     string `json:"after,omitempty"` // for people
		AfterHex  string `json:"after_hex,omitempty"`
		Before    string `json:"before,omitempty"`
		BeforeHex string `json:"before_hex,omitempty"`
	}
	jsonSaved struct {
		Directory   string `json:"directory"`
		Keys        int64  `json:"keys"`
		Bytes       int64  `json:"bytes"`
		NewInstance bool   `json:"new_instance"`
	}
)

func printReportJSON(w io.Writer, r *store.Report, saved *store.Saved) error {
	out := jsonReport{
		Directory: r.Dir, OK: r.OK(), Used: r.Opened, Format: r.Format, Instance: r.Instance,
		Tables: r.Tables, TableBytes: r.TableBytes, UnusedTables: r.Unused, LogFiles: r.LogFiles, LogBytes: r.LogBytes,
		Families: []jsonFamily{}, Problems: []jsonProblem{}, Unlisted: r.Unlisted, Lost: []jsonGap{},
	}
	for _, f := range r.Families {
		out.Families = append(out.Families, jsonFamily{f.Family.String(), f.Count, f.KeyBytes, f.ValueBytes, f.NeedsLost})
	}
	for _, p := range r.Problems {
		j := jsonProblem{File: p.File, Problem: p.Text()}
		if p.Family != 0 {
			j.Family = p.Family.String()
		}
		j.Key, j.KeyHex = keyForBoth(p.Key)
		out.Problems = append(out.Problems, j)
	}
	for _, g := range r.Gaps {
		j := jsonGap{Family: g.Family.String(), File: g.File}
		j.After, j.AfterHex = keyForBoth(g.After)
		j.Before, j.BeforeHex = keyForBoth(g.Before)
		out.Lost = append(out.Lost, j)
	}
	if saved != nil {
		out.Saved = &jsonSaved{saved.Dir, saved.Keys, saved.Bytes, saved.NewInstance}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// keyForBoth writes a key for people and for machines.
func keyForBoth(key []byte) (text, hex string) {
	if key == nil {
		return "", ""
	}
	return store.KeyText(key), fmt.Sprintf("%x", key)
}
