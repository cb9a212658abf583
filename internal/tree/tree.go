// Package tree holds one row of a source whose values nest, as JSON documents,
// Avro records and the rows of tables do, until a mapping has made a prediction
// of it.
//
// What comes from outside is bounded before memory is spent on it: the bytes of
// a row, its values, and how deep they nest.
package tree

// Kind says what a Node holds.
type Kind uint8

// The kinds of a Node. Append writes their numbers, so that they stay.
const (
	Missing  Kind = iota // null, NaN, or nothing
	Number               // Num
	Integer              // Int
	Boolean              // Int: 0 or 1
	Text                 // Text, valid UTF-8
	Time                 // Int: Unix nanoseconds
	Array                // Sub, without names
	Object               // Sub, with names
	Unusable             // a value of a type that none of these holds
	Wall                 // Int: as of Time, of a date and a time that name no zone, as if they were UTC
)

var kindNames = [...]string{"missing", "a number", "an integer", "a boolean", "text", "a time", "an array", "an object", "of an unknown type", "a time without a zone"}

// String returns the words that messages use for k.
func (k Kind) String() string { return kindNames[k] }

// Node is one value; the zero Node is Missing. Its strings belong to nobody
// else and may be kept.
type Node struct {
	Name string // in an Object
	Kind Kind
	Num  float64
	Int  int64
	Text string
	Sub  []Node
}

// Get returns the member of an object with a name, nil if there is none.
func (n *Node) Get(name string) *Node {
	if n.Kind != Object {
		return nil
	}
	for i := range n.Sub {
		if n.Sub[i].Name == name {
			return &n.Sub[i]
		}
	}
	return nil
}

// Clone returns nodes that stay, whatever becomes of those that a parser lent.
func Clone(nodes []Node) []Node {
	if len(nodes) == 0 {
		return nil
	}
	kept := make([]Node, len(nodes))
	for i := range nodes {
		kept[i] = nodes[i]
		kept[i].Sub = Clone(nodes[i].Sub)
	}
	return kept
}

// Size returns about how many bytes of memory a node takes.
func (n *Node) Size() int {
	size := 80 + len(n.Name) + len(n.Text)
	for i := range n.Sub {
		size += n.Sub[i].Size()
	}
	return size
}

// Limits bound what one row may cost.
type Limits struct {
	Bytes  int // of the row as it is written
	Values int // of all kinds together
	Depth  int // of arrays and objects
}

// Defaults are limits that hold any prediction: an embedding of 16 384 numbers,
// 2 000 fields, and batches of some thousand of them in one request of KServe.
func Defaults() Limits { return Limits{Bytes: 16 << 20, Values: 1 << 20, Depth: 32} }

// Error is why a row cannot be read.
type Error struct {
	Reason  string // a stable word: not_json, not_utf8, too_large or too_deep
	Problem string
	Hint    string
}

// Error returns one line.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Problem
	}
	return e.Problem + "; " + e.Hint
}

// The reasons of an Error.
const (
	NotJSON  = "not_json"
	NotUTF8  = "not_utf8"
	TooLarge = "too_large"
	TooDeep  = "too_deep"
)
