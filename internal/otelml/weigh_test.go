package otelml

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/protobuf/encoding/protowire"
)

// bytesField is a field of bytes of a message.
func bytesField(field protowire.Number, inner []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), inner)
}

// wrapped is a request with what is in the innermost of the fields.
func wrapped(inner []byte, fields ...protowire.Number) []byte {
	for _, f := range fields {
		inner = bytesField(f, inner)
	}
	return inner
}

// many is so often the same.
func many(b []byte, n int) (all []byte) {
	for range n {
		all = append(all, b...)
	}
	return all
}

// What a request weighs is no less than what it takes when it is decoded, whichever
// message there are very many of.
func TestWeighIsEnough(t *testing.T) {
	const n = 200_000
	for name, c := range map[string]struct {
		b       []byte
		records int
	}{
		"resources":         {many(bytesField(1, nil), n), 0},
		"scopes":            {wrapped(many(bytesField(2, nil), n), 1), 0},
		"deprecated scopes": {wrapped(many(bytesField(1000, nil), n), 1), 0},
		"records":           {wrapped(many(bytesField(2, nil), n), 2, 1), n},
		"attributes":        {wrapped(many(bytesField(6, nil), n), 2, 2, 1), 1},
		"values":            {wrapped(many(bytesField(1, nil), n), 5, 5, 2, 2, 1), 1},
		"values of values":  {wrapped(many(bytesField(1, bytesField(5, nil)), n), 5, 5, 2, 2, 1), 1},
		"pairs":             {wrapped(many(bytesField(1, nil), n), 6, 5, 2, 2, 1), 1},
		"pairs of numbers":  {wrapped(many(bytesField(1, append(bytesField(1, []byte("k")), bytesField(2, []byte{0x18, 1})...)), n), 6, 5, 2, 2, 1), 1},
		"texts":             {wrapped(many(bytesField(1, bytesField(1, []byte("abc"))), n), 5, 5, 2, 2, 1), 1},
		"entities":          {wrapped(many(bytesField(3, nil), n), 1, 1), 0},
		"keys of an entity": {wrapped(many(bytesField(3, nil), n), 3, 1, 1), 0},
		"of the scope":      {wrapped(many(bytesField(3, nil), n), 1, 2, 1), 0},
		"of the resource":   {wrapped(many(bytesField(1, nil), n), 1, 1), 0},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := Weigh(c.b)
			if err != nil || w.Records != c.records {
				t.Fatalf("%+v, %v", w, err)
			}
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			req := plogotlp.NewExportRequest()
			if err := req.UnmarshalProto(c.b); err != nil {
				t.Fatal(err)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			runtime.KeepAlive(req)
			takes := int64(after.HeapAlloc) - int64(before.HeapAlloc)
			t.Logf("weighs %d, takes %d a piece", w.Memory/n, takes/n)
			if takes > w.Memory+1<<20 {
				t.Errorf("takes %d bytes, weighs %d", takes, w.Memory)
			}
		})
	}
	b, err := os.ReadFile("../bentoml/testdata/map.pb")
	if err != nil {
		t.Fatal(err)
	}
	if w, err := Weigh(b); err != nil || w.Records != 50 || w.Memory > 20*int64(len(b)) {
		t.Errorf("a monitor's %d bytes: %+v, %v", len(b), w, err)
	}
}

// What pdata would read otherwise than we do is refused: groups, whose fields it
// takes for those of the message around them, and numbers of fields that it cuts.
func TestWeighRefuses(t *testing.T) {
	group := append(protowire.AppendTag(nil, 100, protowire.StartGroupType), 0x08, 0x01) // pdata ends it here
	group = append(append(group, many(bytesField(1, nil), 3)...), protowire.AppendTag(nil, 100, protowire.EndGroupType)...)
	deep := []byte{}
	for range mostNested {
		deep = bytesField(5, bytesField(1, deep))
	}
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"a group":          {group, ErrNotOTLP},
		"its end":          {protowire.AppendTag(nil, 1, protowire.EndGroupType), ErrNotOTLP},
		"a cut number":     {append(protowire.AppendVarint(nil, (1<<32+1)<<3|2), 0), ErrNotOTLP},
		"an early end":     {[]byte{0x0a}, ErrNotOTLP},
		"a cut tag":        {[]byte{0xff}, ErrNotOTLP},
		"a cut scalar":     {[]byte{0x09, 1}, ErrNotOTLP},
		"deep values":      {wrapped(deep, 5, 2, 2, 1), ErrNested},
		"within a message": {wrapped([]byte{0xff}, 2, 1), ErrNotOTLP},
	} {
		if _, err := Weigh(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if w, err := Weigh(append(bytesField(7, []byte{0xff}), 0x40, 1)); err != nil || w.Records != 0 || w.Memory > 16 {
		t.Errorf("fields that are not known: %+v, %v", w, err)
	}
}
