package synth

import (
	"math"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
)

// monday is 5 January 2026.
var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).UnixNano()

var (
	amount  = record.Key{Group: record.Features, Name: "amount"}
	country = record.Key{Group: record.Features, Name: "country"}
	score   = record.Key{Group: record.Predictions, Name: "score"}
	fraud   = record.Key{Group: record.Actuals, Name: "fraud"}
)

func shop() *Traffic {
	return &Traffic{
		Version: "v1", Seed: 1, Rows: 400, Daily: 0.5, Weekly: 0.4,
		Columns: []Column{
			{Key: amount, Kind: Normal, A: 50, B: 10, Daily: 0.5},
			{Key: country, Kind: Category, Shares: []Share{{"DE", 0.5}, {"FR", 0.3}, {"US", 0.2}}},
		},
		Outputs: []Output{{Prediction: "score", Actual: "fraud", Binary: true, Rate: 0.3, Separation: 2, Labelled: 1}},
	}
}

// seen is what can be counted of records.
type seen struct {
	rows, missing, text, right float64
	amount                     float64 // sum
	countries                  map[string]float64
}

func look(t *Traffic, from, to int64, faults ...Fault) seen {
	s := seen{countries: map[string]float64{}}
	for r := range t.Records(from, to, faults) {
		s.rows++
		v := r.Get(amount)
		x, ok := v.Float()
		switch {
		case ok:
			s.amount += x
		case v.Kind() == record.Text:
			s.text++
		default:
			s.missing++
		}
		c, _ := r.Get(country).Category()
		s.countries[c]++
		p, _ := r.Get(score).Float()
		y, _ := r.Get(fraud).Bool()
		if (p >= 0.5) == y {
			s.right++
		}
	}
	return s
}

// The same stretch is the same, alone or within a longer one.
func TestTheSameAgain(t *testing.T) {
	a, b := look(shop(), monday, monday+2*hour), look(shop(), monday, monday+hour)
	c := look(shop(), monday+hour, monday+2*hour)
	if a.rows != b.rows+c.rows || math.Abs(a.amount-b.amount-c.amount) > 1e-6 {
		t.Errorf("two hours: %+v; one by one: %+v and %+v", a, b, c)
	}
}

// Seasons are in the number of rows and in what they hold.
func TestSeasons(t *testing.T) {
	noon, night := look(shop(), monday+12*hour, monday+16*hour), look(shop(), monday, monday+4*hour)
	saturday := look(shop(), monday+5*day+12*hour, monday+5*day+16*hour)
	if r := noon.rows / night.rows; math.Abs(r-math.E) > 0.5 {
		t.Errorf("the day's peak has %.2f times the rows of the night", r)
	}
	if r := saturday.rows / noon.rows; math.Abs(r-0.6) > 0.1 {
		t.Errorf("Saturday has %.2f of Monday's rows", r)
	}
	if d := noon.amount/noon.rows - night.amount/night.rows; math.Abs(d-10) > 2 {
		t.Errorf("the amount differs by %.1f", d)
	}
}

// Each fault does what its name says, and nothing else to the number of rows.
func TestFaults(t *testing.T) {
	from, to := monday+12*hour, monday+16*hour
	plain := look(shop(), from, to)
	mean := plain.amount / plain.rows
	near := func(got, want, by float64) bool { return math.Abs(got-want) <= by }
	for _, c := range []struct {
		fault Fault
		holds func(s seen) bool
	}{
		{Fault{Kind: Shift, Field: amount, By: 20}, func(s seen) bool { return near(s.amount/s.rows, mean+20, 1) }},
		{Fault{Kind: Shift, Field: amount, By: 20, Only: &Only{country, "FR"}}, func(s seen) bool { return near(s.amount/s.rows, mean+6, 1) }},
		{Fault{Kind: Scale, Field: amount, By: 1000}, func(s seen) bool { return near(s.amount/s.rows, 1000*mean, 1000) }},
		{Fault{Kind: Stuck, Field: amount, By: 7}, func(s seen) bool { return near(s.amount/s.rows, 7, 1e-9) }},
		{Fault{Kind: Missing, Field: amount, By: 0.4}, func(s seen) bool { return near(s.missing/s.rows, 0.4, 0.05) }},
		{Fault{Kind: Text, Field: amount}, func(s seen) bool { return s.text == s.rows }},
		{Fault{Kind: Vanish, Field: country, Value: "DE"}, func(s seen) bool { return s.countries["DE"] == 0 && near(s.countries["FR"]/s.rows, 0.6, 0.05) }},
		{Fault{Kind: Appear, Field: country, Value: "XX", By: 0.2}, func(s seen) bool { return near(s.countries["XX"]/s.rows, 0.2, 0.04) }},
		{Fault{Kind: Flip, By: 1}, func(s seen) bool { return near(s.right, s.rows-plain.right, 1) }},
		{Fault{Kind: Blur, By: 1}, func(s seen) bool { return s.right/s.rows < plain.right/plain.rows-0.1 }},
	} {
		if s := look(shop(), from, to, c.fault); !c.holds(s) || s.rows != plain.rows {
			t.Errorf("%s: %+v, without it %+v", c.fault.Kind, s, plain)
		}
	}
	if s := look(shop(), from, to, Fault{Kind: Rate, By: 3}); !near(s.rows, 3*plain.rows, 300) {
		t.Errorf("three times as many: %g of %g", s.rows, plain.rows)
	}
	if s := look(shop(), from, to, Fault{Kind: Repeat, By: 0.5}); !near(s.rows, 1.5*plain.rows, 5) {
		t.Errorf("half as many on top: %g of %g", s.rows, plain.rows)
	}
}

// What is counted is what was sent.
func TestProfile(t *testing.T) {
	def := &model.Definition{Name: "shop", Type: model.Binary, Outputs: []model.Output{{Prediction: "score", Actual: "fraud"}}}
	ref, err := shop().Reference(def, monday, 5000)
	if err != nil {
		t.Fatal(err)
	}
	if ref.Rows < 4000 || ref.Rows > 6000 {
		t.Errorf("the reference has %d rows", ref.Rows)
	}
	m, err := NewMaker(ref.Layout())
	if err != nil {
		t.Fatal(err)
	}
	p := m.Profile(shop().Records(monday, monday+3*hour, nil))
	if want := look(shop(), monday, monday+3*hour); float64(p.Whole.Predictions) != want.rows || float64(p.Whole.Actuals) != want.rows {
		t.Errorf("%d predictions, %d actuals counted of %g", p.Whole.Predictions, p.Whole.Actuals, want.rows)
	}
	if m.Profile(shop().Records(monday, monday, nil)) != nil {
		t.Error("nothing was sent, and a profile is there")
	}
}

func BenchmarkHour(b *testing.B) {
	def := &model.Definition{Name: "shop", Type: model.Binary, Outputs: []model.Output{{Prediction: "score", Actual: "fraud"}}}
	ref, err := shop().Reference(def, monday, 5000)
	if err != nil {
		b.Fatal(err)
	}
	m, _ := NewMaker(ref.Layout())
	for b.Loop() {
		m.Profile(shop().Records(monday+12*hour, monday+13*hour, nil))
	}
}
