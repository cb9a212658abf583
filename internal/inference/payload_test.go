package inference

import (
	"testing"

	"github.com/driftmeter/driftmeter/internal/tree"
)

// Any data is taken apart or refused; rows never hold more than the data.
func FuzzPayload(f *testing.F) {
	for _, s := range []string{`{"instances":[[1,{"a":2}]]}`, `{"inputs":[{"name":"a","shape":[2,1],"data":[1,[2]]},{"name":"b","shape":[2],"data":[1,2]}]}`,
		`{"data":{"names":["a"],"ndarray":[[1]]}}`, `{"data":{"tensor":{"shape":[1,2],"values":[1,2]}}}`, `{"inputs":[{"name":"a","shape":[0,5],"data":[]}]}`} {
		f.Add(s)
	}
	p := tree.NewParser(tree.Defaults())
	f.Fuzz(func(t *testing.T, s string) {
		n, err := p.Parse([]byte(s))
		if err != nil {
			return
		}
		for _, response := range []bool{false, true} {
			if rows, refused := Payload(&n, response); refused == nil && len(rows) > len(s) {
				t.Fatalf("%d rows of %q", len(rows), s)
			}
		}
	})
}
