package scenario

import (
	"math"
	"strconv"
	"strings"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/synth"
)

// traffics reads a description of traffic, which holds for the loads below it.
func (p *parser) traffics(c *cursor) {
	t := &synth.Traffic{Version: "v1", Seed: 1, Rows: 200}
	if c.more() {
		t.Version = c.next("a version").text
	}
	c.done()
	p.block(func(c *cursor) { p.trafficLine(c, t) })
	p.traffic = t
	if !c.bad && len(t.Columns)+len(t.Outputs) == 0 {
		c.wrong(c.end, "traffic without a field: name one in an indented line, such as features.age normal 40 12")
	}
}

func (p *parser) trafficLine(c *cursor, t *synth.Traffic) {
	first := c.words[0]
	switch first.text {
	case "rows":
		c.at++
		t.Rows = c.number("the mean number of rows an hour", 0, 1e6)
	case "daily":
		c.at++
		t.Daily = c.number("the logarithm of the peak's factor", 0, 5)
	case "weekly":
		c.at++
		t.Weekly = c.number("the share that weekends lack", 0, 1)
	case "noise":
		c.at++
		t.Noise = c.number("a standard deviation of the logarithm", 0, 2)
	case "seed":
		c.at++
		t.Seed = uint64(c.number("a number", 0, 1<<52))
	case "binary", "regression":
		c.at++
		p.output(c, t, first.text == "binary")
	default:
		p.column(c, t)
	}
}

func (p *parser) column(c *cursor, t *synth.Traffic) {
	col := synth.Column{Key: p.key(c)}
	what := "normal, lognormal, boolean or category"
	kind := c.next(what)
	if c.bad {
		return
	}
	any := math.MaxFloat64
	switch kind.text {
	case "normal", "lognormal":
		col.A, col.B = c.number("the mean", -any, any), c.number("the standard deviation", 0, any)
		if kind.text == "lognormal" {
			col.Kind = synth.Lognormal
		}
	case "boolean":
		col.Kind, col.A = synth.Boolean, c.number("the share of true", 0, 1)
	case "category":
		col.Kind = synth.Category
		for c.more() && !option(c) {
			col.Shares = append(col.Shares, synth.Share{Value: c.next("a value").text, Share: c.number("its share", 0, any)})
		}
		if len(col.Shares) == 0 {
			c.wrong(c.end, "values and their shares are due here, such as DE 0.5 FR 0.5")
		}
	default:
		c.wrong(kind.col, "%q is no distribution; here %s is due", kind.text, what)
	}
	for c.more() {
		w := c.next("daily, weekly or missing")
		switch w.text {
		case "daily":
			col.Daily = c.number("standard deviations", -10, 10)
		case "weekly":
			col.Weekly = c.number("standard deviations", -10, 10)
		case "missing":
			col.Missing = c.number("a share", 0, 1)
		default:
			c.wrong(w.col, "%q is not known here; known are daily, weekly and missing", w.text)
		}
	}
	t.Columns = append(t.Columns, col)
}

// option reports whether an option comes next: a keyword before a number that is
// the last, or before another option. A category of that name is put in quotes.
func option(c *cursor) bool {
	return c.peek("daily") || c.peek("weekly") || c.peek("missing")
}

func (p *parser) output(c *cursor, t *synth.Traffic, binary bool) {
	o := synth.Output{Binary: binary, Rate: 0.3, Separation: 2, SD: 1, Error: 0.3, Labelled: 1}
	name := func(w word, g record.Group) string { return strings.TrimPrefix(w.text, g.String()+".") }
	o.Prediction = name(c.next("the prediction's name"), record.Predictions)
	o.Actual = name(c.next("the actual's name"), record.Actuals)
	any := math.MaxFloat64
	for c.more() {
		w := c.next("an option")
		switch {
		case w.text == "labelled":
			o.Labelled = c.number("a share", 0, 1)
		case binary && w.text == "rate":
			o.Rate = c.number("a share", 1e-6, 1-1e-6)
		case binary && w.text == "separation":
			o.Separation = c.number("standard deviations", 0, 100)
		case !binary && w.text == "mean":
			o.Mean = c.number("the mean", -any, any)
		case !binary && w.text == "sd":
			o.SD = c.number("a standard deviation", 0, any)
		case !binary && w.text == "error":
			o.Error = c.number("a standard deviation", 0, any)
		case binary:
			c.wrong(w.col, "%q is not known here; known are rate, separation and labelled", w.text)
		default:
			c.wrong(w.col, "%q is not known here; known are mean, sd, error and labelled", w.text)
		}
	}
	t.Outputs = append(t.Outputs, o)
}

// fault reads one line of what goes wrong in a load.
func (p *parser) fault(c *cursor, l *Load) {
	first := c.next("a fault")
	f := synth.Fault{Kind: synth.FaultKind(first.text)}
	any := math.MaxFloat64
	switch f.Kind {
	case synth.Shift, synth.Scale:
		f.Field = p.known(c, l)
		c.expect("by")
		f.By = c.number("a number", -any, any)
	case synth.Stuck:
		f.Field = p.known(c, l)
		c.expect("at")
		f.By = c.number("a number", -any, any)
	case synth.Missing:
		f.Field = p.known(c, l)
		f.By = c.number("a share of rows", 0, 1)
	case synth.Vanish:
		f.Field = p.known(c, l)
		f.Value = c.next("a value").text
	case synth.Appear:
		f.Field = p.known(c, l)
		f.Value = c.next("a value").text
		f.By = c.number("a share of rows", 0, 1)
	case synth.Text:
		f.Field = p.known(c, l)
	case synth.Flip, synth.Blur:
		f.By = c.number("a share of rows", 0, 1)
	case synth.Rate, synth.Repeat:
		f.By = c.number("a factor", 0, 1000)
	default:
		c.wrong(first.col, "%q is no fault; faults are shift, scale, stuck, missing, vanish, appear, text, flip, blur, rate and repeat", first.text)
	}
	if c.take("where") {
		f.Only = p.where(c)
		if f.Kind == synth.Rate || f.Kind == synth.Repeat {
			c.wrong(first.col, "%s is of all rows", first.text)
		}
	}
	l.Faults = append(l.Faults, f)
}

// known reads the key of a field that the traffic has.
func (p *parser) known(c *cursor, l *Load) record.Key {
	k := p.key(c)
	if c.bad || l.Traffic == nil {
		return k
	}
	for _, col := range l.Traffic.Columns {
		if col.Key == k {
			return k
		}
	}
	for _, o := range l.Traffic.Outputs {
		if k == (record.Key{Group: record.Predictions, Name: o.Prediction}) || k == (record.Key{Group: record.Actuals, Name: o.Actual}) {
			return k
		}
	}
	c.wrong(c.words[c.at-1].col, "%s is no field of the traffic", k)
	return k
}

// where reads key = value, with or without blanks.
func (p *parser) where(c *cursor) *synth.Only {
	w := c.next("a field such as features.region")
	if c.bad {
		return nil
	}
	key, value, joined := strings.Cut(w.text, "=")
	k, err := model.ParseKey(key)
	if err != nil {
		c.wrong(w.col, "%q %v", key, err)
	}
	switch {
	case joined && value != "":
		if unquoted, err := strconv.Unquote(value); err == nil {
			value = unquoted
		}
	case joined:
		value = c.next("a value").text
	default:
		c.expect("=")
		value = c.next("a value").text
	}
	return &synth.Only{Field: k, Value: value}
}
