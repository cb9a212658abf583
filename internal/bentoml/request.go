package bentoml

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/driftmeter/driftmeter/internal/contract"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Request is one of OTLP's logs, in either of its forms.
type Request struct {
	logs plog.Logs
	json *tree.Node // instead of logs
}

// ReadProto reads a request in protobuf. Who takes them from strangers weighs them
// before.
func ReadProto(b []byte) (Request, error) {
	req := plogotlp.NewExportRequest()
	err := req.UnmarshalProto(b)
	return Request{logs: req.Logs()}, err
}

// JSONLimits bound a request in JSON. Four brackets lead to a record's body, and four
// to each level of its values.
var JSONLimits = tree.Limits{Bytes: 64 << 20, Values: 1 << 20, Depth: 140}

// ReadJSON reads a request in JSON. pdata's own reader goes on after mistakes, in the
// midst of what was a text, so that nothing could say beforehand what it makes of a
// body: this one is strict, and takes of a record only what a monitor says.
func ReadJSON(b []byte) (Request, error) {
	n, err := tree.NewParser(JSONLimits).Parse(b)
	if err == nil && n.Kind != tree.Object {
		err = fmt.Errorf("is %s, and no ExportLogsServiceRequest of OTLP", n.Kind)
	}
	if err != nil {
		return Request{}, fmt.Errorf("the body %w", err)
	}
	return Request{json: &n}, nil
}

// Rows reads the records of a request, one after the other. It ends with an error of
// fn, or with what cannot be read of the request.
func (m *Monitors) Rows(req Request, fn func(r *Resource, row Row, refused *mapping.RowError) error) error {
	if req.json != nil {
		return m.rowsJSON(req.json, fn)
	}
	for _, rl := range req.logs.ResourceLogs().All() {
		about := ReadResource(rl.Resource().Attributes())
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				row, refused := m.Read(&about, lr)
				if err := fn(&about, row, refused); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (m *Monitors) rowsJSON(n *tree.Node, fn func(r *Resource, row Row, refused *mapping.RowError) error) error {
	return each(n, "resourceLogs", "resource_logs", func(rl *tree.Node) error {
		about, err := resourceJSON(rl.Get("resource"))
		if err != nil {
			return err
		}
		return each(rl, "scopeLogs", "scope_logs", func(sl *tree.Node) error {
			return each(sl, "logRecords", "log_records", func(lr *tree.Node) error {
				row, refused, err := m.readJSON(&about, lr)
				if err != nil {
					return err
				}
				return fn(&about, row, refused)
			})
		})
	})
}

// readJSON reads one record, an error of which spoils the request.
func (m *Monitors) readJSON(r *Resource, lr *tree.Node) (Row, *mapping.RowError, error) {
	at, err := integer(either(lr, "timeUnixNano", "time_unix_nano"))
	if err != nil {
		return Row{}, nil, fmt.Errorf("timeUnixNano %w", err)
	}
	left := m.limits.Values
	body, err := fromJSON("", lr.Get("body"), m.limits.Depth, &left)
	switch {
	case err != nil:
		return Row{}, nil, fmt.Errorf("body %w", err)
	case left < 0:
		return Row{}, m.tooMany(), nil
	}
	row, refused := m.read(r, pcommon.Timestamp(max(at, 0)), body)
	return row, refused, nil
}

func resourceJSON(n *tree.Node) (r Resource, err error) {
	if n == nil {
		return r, nil
	}
	err = each(n, "attributes", "attributes", func(kv *tree.Node) error {
		left := 1
		value, err := fromJSON("", kv.Get("value"), 0, &left)
		switch text(kv, "key") {
		case serviceName:
			r.service = value.Text
		case serviceInstance:
			r.instance = value.Text
		case contract.Environment:
			r.Environment = value.Text
		}
		return err
	})
	return r, err
}

// either returns the member of an object by one of the two names that OTLP gives it.
func either(n *tree.Node, camel, snake string) *tree.Node {
	if m := n.Get(camel); m != nil {
		return m
	}
	return n.Get(snake)
}

// each calls fn for the elements of a list in an object, none of which need be there.
func each(n *tree.Node, camel, snake string, fn func(*tree.Node) error) error {
	list := either(n, camel, snake)
	if list == nil || list.Kind == tree.Missing {
		return nil
	}
	if list.Kind != tree.Array {
		return fmt.Errorf("the body's %s is %s; it must be an array", camel, list.Kind)
	}
	for i := range list.Sub {
		if err := fn(&list.Sub[i]); err != nil {
			return err
		}
	}
	return nil
}

var errInteger = errors.New("must be an integer, or one as text")

// integer reads one, which OTLP writes as text.
func integer(n *tree.Node) (int64, error) {
	switch {
	case n == nil, n.Kind == tree.Missing:
		return 0, nil
	case n.Kind == tree.Integer:
		return n.Int, nil
	case n.Kind == tree.Text:
		if i, err := strconv.ParseInt(n.Text, 10, 64); err == nil {
			return i, nil
		}
	}
	return 0, errInteger
}

// fromJSON makes a node of an AnyValue, until so many are used up.
func fromJSON(name string, v *tree.Node, depth int, left *int) (n tree.Node, err error) {
	n.Name = name
	switch *left--; {
	case *left < 0 || depth < 0:
		n.Kind = tree.Unusable
		return n, nil
	case v == nil || v.Kind == tree.Missing:
		return n, nil
	case v.Kind != tree.Object:
		return n, fmt.Errorf("has %s in place of a value", v.Kind)
	}
	for i := range v.Sub {
		switch is := &v.Sub[i]; is.Name {
		case "stringValue", "string_value":
			n.Kind, n.Text = tree.Text, is.Text
			if is.Kind != tree.Text {
				err = errors.New("must be text in stringValue")
			}
		case "boolValue", "bool_value":
			n.Kind, n.Int = is.Kind, is.Int
			if is.Kind != tree.Boolean {
				err = errors.New("must be true or false in boolValue")
			}
		case "intValue", "int_value":
			n.Kind = tree.Integer
			n.Int, err = integer(is)
		case "doubleValue", "double_value":
			err = double(&n, is)
		case "arrayValue", "array_value":
			n.Kind = tree.Array
			err = each(is, "values", "values", func(e *tree.Node) error {
				below, err := fromJSON("", e, depth-1, left)
				n.Sub = append(n.Sub, below)
				return err
			})
		case "kvlistValue", "kvlist_value":
			n.Kind = tree.Object
			err = each(is, "values", "values", func(kv *tree.Node) error {
				below, err := fromJSON(text(kv, "key"), kv.Get("value"), depth-1, left)
				n.Sub = append(n.Sub, below)
				return err
			})
		case "bytesValue", "bytes_value":
			n.Kind = tree.Unusable
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// double reads a number, or text that says what JSON has no number for. NaN is
// missing, as everywhere.
func double(n, is *tree.Node) error {
	switch is.Kind {
	case tree.Number:
		n.Kind, n.Num = tree.Number, is.Num
		return nil
	case tree.Integer:
		n.Kind, n.Num = tree.Number, float64(is.Int)
		return nil
	case tree.Text:
		switch x, err := strconv.ParseFloat(is.Text, 64); {
		case err != nil:
		case math.IsNaN(x):
			return nil
		default:
			n.Kind, n.Num = tree.Number, x
			return nil
		}
	default:
	}
	return errors.New("must be a number in doubleValue")
}
