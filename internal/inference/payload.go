package inference

import (
	"fmt"
	"slices"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Payload takes the data of an event apart: an element for each prediction, a
// value, a list of values without names, or an object. It knows
//
//	{"instances": […]}, {"predictions": […]}             V1 of KServe and TensorFlow Serving
//	{"inputs": [{name, shape, datatype, data}]}, outputs V2, the open inference protocol
//	{"data": {"names": […], "ndarray": [[…]]}}           Seldon, also with a tensor
func Payload(data *tree.Node, response bool) ([]tree.Node, *mapping.RowError) {
	v1, v2 := "instances", "inputs"
	if response {
		v1, v2 = "predictions", "outputs"
	}
	if n := data.Get(v1); n != nil {
		if n.Kind != tree.Array {
			return nil, malformed(v1, "is "+n.Kind.String(), "it must be an array with an element for each prediction")
		}
		return n.Sub, nil
	}
	if n := data.Get(v2); n != nil {
		return tensors(v2, n)
	}
	if n := data.Get("data"); n != nil {
		return seldon(n)
	}
	return nil, malformed("data", "is "+data.Kind.String(), fmt.Sprintf(`it must be {%q: […]} of V1, {%q: [{"name", "shape", "datatype", "data"}]} of V2, or Seldon's {"data": {"ndarray": […]}}`, v1, v2))
}

func malformed(column, problem, hint string) *mapping.RowError {
	return &mapping.RowError{Column: column, Reason: mapping.BadType, Problem: problem, Hint: hint}
}

// mostColumns is up to how many numbers per row the only tensor of a request is
// taken for that many features; more are one, an embedding.
const mostColumns = 256

// tensors turns those of V2 into rows: the first dimension counts them.
func tensors(side string, list *tree.Node) ([]tree.Node, *mapping.RowError) {
	if list.Kind != tree.Array || len(list.Sub) == 0 {
		return nil, malformed(side, "is empty or no array", "it must hold tensors with name, shape, datatype and data")
	}
	var rows []tree.Node
	for i := range list.Sub {
		at := fmt.Sprintf("%s[%d]", side, i)
		name, shape, flat, refused := tensor(at, &list.Sub[i])
		if refused != nil {
			return nil, refused
		}
		count := shape[0]
		if i == 0 {
			rows = make([]tree.Node, count)
		} else if count != len(rows) {
			return nil, malformed(at+".shape", fmt.Sprintf("has %d rows", count), fmt.Sprintf("those before have %d", len(rows)))
		}
		for k := range rows {
			width := len(flat) / max(count, 1)
			v := tree.Node{Kind: tree.Array, Sub: flat[k*width : (k+1)*width]}
			if width == 1 {
				v = v.Sub[0]
			}
			if len(list.Sub) == 1 && width > 1 && width <= mostColumns {
				rows[k] = v // features of a matrix, without names
				continue
			}
			v.Name = name
			rows[k].Kind = tree.Object
			rows[k].Sub = append(rows[k].Sub, v)
		}
	}
	return rows, nil
}

func tensor(at string, n *tree.Node) (name string, shape []int, flat []tree.Node, refused *mapping.RowError) {
	nameNode, shapeNode, data := n.Get("name"), n.Get("shape"), n.Get("data")
	switch {
	case nameNode == nil || nameNode.Kind != tree.Text || nameNode.Text == "":
		return "", nil, nil, malformed(at+".name", "is missing", "every tensor has a name")
	case shapeNode == nil || shapeNode.Kind != tree.Array || len(shapeNode.Sub) == 0:
		return "", nil, nil, malformed(at+".shape", "is missing", "it lists the dimensions, the number of rows first")
	case data == nil || data.Kind != tree.Array:
		return "", nil, nil, malformed(at+".data", "is missing", "it lists the values; or parameters.binary_data_size says how many bytes behind the JSON do")
	}
	flat = flatten(nil, data)
	cells := 1
	for i := range shapeNode.Sub {
		d := &shapeNode.Sub[i]
		if d.Kind != tree.Integer || d.Int < 0 || d.Int > int64(len(flat)) {
			return "", nil, nil, malformed(at+".shape", "does not fit the data", fmt.Sprintf("data has %d values", len(flat)))
		}
		shape = append(shape, int(d.Int))
		if cells *= int(d.Int); cells > len(flat) {
			break
		}
	}
	if cells != len(flat) || len(shape) != len(shapeNode.Sub) {
		return "", nil, nil, malformed(at+".shape", "does not fit the data", fmt.Sprintf("data has %d values", len(flat)))
	}
	return nameNode.Text, shape, flat, nil
}

// flatten lists the values of nested arrays, row by row.
func flatten(to []tree.Node, n *tree.Node) []tree.Node {
	if to == nil {
		to = make([]tree.Node, 0, len(n.Sub))
	}
	for i := range n.Sub {
		if n.Sub[i].Kind == tree.Array {
			to = flatten(to, &n.Sub[i])
		} else {
			to = append(to, n.Sub[i])
		}
	}
	return to
}

// seldon turns its own payload into rows.
func seldon(n *tree.Node) ([]tree.Node, *mapping.RowError) {
	var names []string
	if list := n.Get("names"); list != nil {
		for i := range list.Sub {
			names = append(names, list.Sub[i].Text)
		}
	}
	rows := n.Get("ndarray")
	if t := n.Get("tensor"); rows == nil && t != nil {
		values := t.Get("values")
		if values == nil {
			return nil, malformed("data.tensor.values", "is missing", "a tensor has shape and values")
		}
		renamed := tree.Node{Kind: tree.Object, Sub: []tree.Node{{Name: "name", Kind: tree.Text, Text: "tensor"}}}
		if shape := t.Get("shape"); shape != nil {
			renamed.Sub = append(renamed.Sub, *shape)
		}
		data := *values
		data.Name = "data"
		renamed.Sub = append(renamed.Sub, data)
		_, shape, flat, refused := tensor("data.tensor", &renamed)
		if refused != nil {
			return nil, refused
		}
		rows = &tree.Node{Kind: tree.Array}
		for row := range slices.Chunk(flat, max(len(flat)/max(shape[0], 1), 1)) {
			rows.Sub = append(rows.Sub, tree.Node{Kind: tree.Array, Sub: row})
		}
	}
	if rows == nil || rows.Kind != tree.Array {
		return nil, malformed("data", "has neither ndarray nor tensor", `send {"data": {"names": […], "ndarray": [[…]]}}`)
	}
	named := make([]tree.Node, len(rows.Sub))
	for i := range rows.Sub {
		row := rows.Sub[i]
		if row.Kind == tree.Array && len(names) == len(row.Sub) && len(names) > 0 {
			row.Kind, row.Sub = tree.Object, slices.Clone(row.Sub)
			for k := range row.Sub {
				row.Sub[k].Name = names[k]
			}
		}
		named[i] = row
	}
	return named, nil
}
