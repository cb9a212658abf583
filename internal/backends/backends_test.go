package backends

import (
	"strings"
	"testing"

	"github.com/driftmeter/driftmeter/internal/measure"
	"github.com/driftmeter/driftmeter/internal/model"
)

func TestID(t *testing.T) {
	ids := map[string]string{}
	for name, want := range map[string]string{
		"churn": "churn", "census_employment": "census-employment", "v1.2 b": "v1-2-b",
		"Churn": "churn-", "Größe": "gr--e-", "模型": "", "a/b": "a-b-", "": "", strings.Repeat("long-", 20): "long-long-long-l-",
	} {
		got := ID(name)
		if got == "" || !strings.HasPrefix(got, want) || len(got) > longestID || strings.Trim(got, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Errorf("ID(%q) = %q, want %s…", name, got, want)
		}
		if other, ok := ids[got]; ok {
			t.Errorf("%q and %q have the same identity %s", name, other, got)
		}
		ids[got] = name
	}
}

// Every panel asks for metrics that there are, keeps them apart by attributes that
// they have, and says what it shows.
func TestPanelsAskForWhatThereIs(t *testing.T) {
	always := []string{measure.AttrModel, measure.AttrVersion, measure.AttrSegment, measure.AttrSegmentValue}
	for _, d := range Dashboards([]Model{{Definition: &model.Definition{Name: "m", Type: model.Binary}}}) {
		for _, row := range d.Rows {
			for _, p := range row.Panels {
				if p.Description == "" || len(p.Series) == 0 {
					t.Errorf("%s: %s: panel without description or query", d.ID, p.Title)
				}
				for _, s := range p.Series {
					if _, ok := measure.Lookup(s.Metric); !ok && s.Metric != Chosen {
						t.Errorf("%s: %s: there is no metric %s", d.ID, p.Title, s.Metric)
					}
					for _, a := range s.By {
						classes := a == measure.AttrClass || a == measure.AttrAverage // of some metrics of performance
						if !classes && !strings.Contains(strings.Join(always, " "), a) && !Has(s.Metric, a) {
							t.Errorf("%s: %s: %s has no attribute %s", d.ID, p.Title, s.Metric, a)
						}
					}
				}
			}
		}
	}
}
