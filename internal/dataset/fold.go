package dataset

import (
	"strings"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
)

// A fold is a field with names in its value, written as a column for each:
// predictions.proba.cat and predictions.proba.dog are the fold predictions.proba.
type fold struct {
	key     record.Key
	members []int    // by field of a record, as mapping fills it
	names   []string // of the members
}

// fold finds the columns below predictions and actuals of outputs. Elsewhere a
// dot is part of a name, as it is in the flat attributes of prediction logs; and
// so it is where a column has the name without the dot.
func (f *file) fold(outputs []model.Output) {
	var keys []record.Key // by field of a record
	for _, t := range f.plan.Columns {
		if t.Use == mapping.Field {
			keys = append(keys, t.Key)
		}
	}
	f.folded = make([]bool, len(keys))
	taken := map[record.Key]bool{}
	for _, k := range keys {
		taken[k] = true
	}
	for _, o := range outputs {
		for _, whole := range []record.Key{
			{Group: record.Predictions, Name: o.Prediction},
			{Group: record.Actuals, Name: o.ActualName()},
		} {
			if taken[whole] {
				continue
			}
			taken[whole] = true
			d := fold{key: whole}
			for i, k := range keys {
				if name, ok := strings.CutPrefix(k.Name, whole.Name+"."); ok && k.Group == whole.Group && name != "" {
					d.members, d.names = append(d.members, i), append(d.names, name)
					f.folded[i] = true
				}
			}
			if d.members != nil {
				f.folds = append(f.folds, d)
			}
		}
	}
}

// foldRow replaces the members of each fold by one field, which has those that
// are there, and is missing when none is.
func (f *file) foldRow(r *record.Record) {
	if f.folds == nil {
		return
	}
	fields := r.Fields
	for _, d := range f.folds {
		elems := r.Elements(len(d.members))[:0]
		for j, i := range d.members {
			v := fields[i].Value
			switch v.Kind() {
			case record.Missing:
				continue
			case record.List, record.Dict: // no value is nested that deep
				v = record.Bad()
			default:
			}
			elems = append(elems, record.Element{Name: d.names[j], Value: v})
		}
		var v record.Value
		if len(elems) > 0 {
			v = record.DictOf(elems)
		}
		r.Append(d.key.Group, d.key.Name, v)
	}
	kept := r.Fields[:0]
	for i := range r.Fields {
		if i >= len(f.folded) || !f.folded[i] {
			kept = append(kept, r.Fields[i])
		}
	}
	r.Fields = kept
}
