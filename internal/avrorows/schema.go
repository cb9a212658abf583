// Package avrorows reads Avro as rows: single data, and object container files.
//
// It walks the data by the schema that they were written with. What the bytes claim
// is believed only as far as they go: blocks of arrays that take no bytes, records
// that hold themselves, packed blocks that unfold to gigabytes are refused before
// memory is spent on them.
package avrorows

import (
	"fmt"

	"github.com/hamba/avro/v2"

	"github.com/driftmeter/driftmeter/internal/tree"
)

// NotAvro is the reason of an error about bytes that are not what the schema says.
const NotAvro = "not_avro"

// maxSchema is up to how many bytes a schema may have, with those that it refers to.
const maxSchema = 1 << 20

// Schema says how data are written.
type Schema struct{ root avro.Schema }

// Parse reads a schema. Others that it refers to by name come before it, each after
// those that it refers to itself.
func Parse(text string, others ...string) (*Schema, error) {
	size := len(text)
	for _, other := range others {
		size += len(other)
	}
	if size > maxSchema {
		return nil, fmt.Errorf("has %d bytes; the limit of a schema is %d", size, maxSchema)
	}
	names := &avro.SchemaCache{} // that of the package would mix schemas up that have one name
	for _, other := range others {
		if _, err := avro.ParseWithCache(other, "", names); err != nil {
			return nil, fmt.Errorf("refers to what is no Avro schema: %w", err)
		}
	}
	s, err := avro.ParseWithCache(text, "", names)
	if err != nil {
		return nil, fmt.Errorf("is no Avro schema: %w", err)
	}
	if !rowLike(s) {
		return nil, fmt.Errorf("is of type %s; a row is a record, a map, or one of an array of these", s.Type())
	}
	return &Schema{s}, nil
}

// rowLike tells whether data of a schema can be rows.
func rowLike(s avro.Schema) bool {
	switch s := deref(s).(type) {
	case *avro.RecordSchema, *avro.MapSchema:
		return true
	case *avro.ArraySchema:
		t := deref(s.Items()).Type()
		return t == avro.Record || t == avro.Map
	case *avro.UnionSchema:
		for _, of := range s.Types() {
			if t := deref(of).Type(); t == avro.Record || t == avro.Map {
				return true
			}
		}
	}
	return false
}

func deref(s avro.Schema) avro.Schema {
	if ref, ok := s.(*avro.RefSchema); ok {
		return ref.Schema()
	}
	return s
}

func broken(format string, args ...any) *tree.Error {
	return &tree.Error{Reason: NotAvro, Problem: "is not Avro of its schema: " + fmt.Sprintf(format, args...), Hint: "give the schema by which it was written"}
}
