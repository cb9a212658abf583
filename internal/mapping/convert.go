package mapping

import (
	"strconv"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Bounds of one value, as otelml has them: what is larger is unusable there, too.
const (
	maxText    = 64 << 10
	maxMembers = 16384
)

// set makes a value what a node is, in place.
func set(v *record.Value, n *tree.Node, r *record.Record) {
	switch {
	case n.Kind == tree.Number:
		v.SetNum(n.Num)
	case n.Kind == tree.Integer:
		v.SetInt(n.Int)
	case n.Kind == tree.Boolean:
		v.SetBool(n.Int != 0)
	case n.Kind == tree.Text && len(n.Text) <= maxText:
		v.SetStr(n.Text)
	default:
		*v = valueOf(n, r)
	}
}

// valueOf makes a value of a node. Lists and maps hold scalars only.
func valueOf(n *tree.Node, r *record.Record) record.Value {
	if n.Kind != tree.Array && n.Kind != tree.Object {
		return scalarOf(n)
	}
	if len(n.Sub) > maxMembers {
		return record.Bad()
	}
	elems := r.Elements(len(n.Sub))
	for i := range n.Sub {
		elems[i] = record.Element{Name: n.Sub[i].Name, Value: scalarOf(&n.Sub[i])}
	}
	if n.Kind == tree.Object {
		return record.DictOf(elems)
	}
	return record.ListOf(elems)
}

func scalarOf(n *tree.Node) record.Value {
	switch n.Kind {
	case tree.Missing:
		return record.Value{}
	case tree.Number:
		return record.Num(n.Num)
	case tree.Integer:
		return record.Int(n.Int)
	case tree.Boolean:
		return record.Bool(n.Int != 0)
	case tree.Text:
		if len(n.Text) > maxText {
			return record.Bad()
		}
		return record.Str(n.Text)
	case tree.Time, tree.Wall:
		return timeText(n.Int)
	default:
	}
	return record.Bad()
}

// timeText is a time as fields hold it.
func timeText(at int64) record.Value {
	return record.Str(string(time.Unix(0, at).UTC().AppendFormat(nil, time.RFC3339Nano)))
}

// typed reads a node as a type. What cannot be read so stays what it is: the
// profile counts it as invalid.
func (m *Mapper) typed(n *tree.Node, t model.FieldType, r *record.Record) record.Value {
	switch t {
	case model.Numeric:
		if n.Kind == tree.Text {
			s := strings.TrimSpace(n.Text)
			if i, err := strconv.ParseInt(s, 10, 64); err == nil {
				return record.Int(i)
			}
			if x, err := strconv.ParseFloat(s, 64); err == nil {
				return record.Num(x)
			}
		}
	case model.Boolean:
		if b, ok := scalarOf(n).Bool(); ok { // 0 and 1
			return record.Bool(b)
		}
		if n.Kind == tree.Text {
			switch strings.ToLower(strings.TrimSpace(n.Text)) {
			case "true", "t", "yes", "y", "1":
				return record.Bool(true)
			case "false", "f", "no", "n", "0":
				return record.Bool(false)
			}
		}
	case model.Categorical, model.Text:
		if s, ok := scalarOf(n).Category(); ok {
			return record.Str(s)
		}
	case model.Datetime:
		if at, ok, err := m.clock.read(n); ok && err == nil {
			return timeText(at)
		}
	case model.Embedding, model.Array, model.Dict:
		// Tables have lists and maps as text: [0.1, 0.2], {"a": 0.9}.
		if n.Kind == tree.Text {
			want := tree.Array
			if t == model.Dict {
				want = tree.Object
			}
			if inner, err := m.json.Parse([]byte(n.Text)); err == nil && inner.Kind == want {
				return valueOf(&inner, r)
			}
		}
	}
	return valueOf(n, r)
}
