package otelml

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Weight is what a request of OTLP's logs takes when it is decoded. Two bytes may
// name a record of 128, so that nobody should decode what strangers send before it
// is known.
type Weight struct {
	Records int   // log records
	Memory  int64 // bytes, roughly, beside the text
}

// mostNested bounds messages within messages, since they are read by functions that
// call themselves: four lead to a record, and three to each level of its values.
const mostNested = 256

// ErrNested says that messages nest deeper than anything that could be used.
var ErrNested = fmt.Errorf("nests more than %d deep", mostNested)

// ErrNotOTLP says that bytes are no request of OTLP's logs.
var ErrNotOTLP = errors.New("is no ExportLogsServiceRequest of OTLP")

// Weigh weighs a request in protobuf.
func Weigh(b []byte) (Weight, error) {
	var w Weight
	return w, w.message(b, aRequest, 0)
}

// A message is a type of OTLP's.
type message uint8

const (
	aText message = iota // bytes that are kept as they are
	aRequest
	aResourceLogs
	aResource
	aScopeLogs
	aScope
	aLogRecord
	aKeyValue
	aValue
	aList  // of values
	aPairs // keys with values
	anEntity
	aKey // of an entity
)

// memory is what each takes: its struct, what the slice has that it stands in while
// that grows, and what the allocator rounds up to.
var memory = [...]int64{
	aResourceLogs: 160, aResource: 0, aScopeLogs: 136, aScope: 0, aLogRecord: 160, aText: 16, aKeyValue: 80, aValue: 32, aList: 48, aPairs: 48, anEntity: 120, aKey: 40,
}

// inside is what stands in the fields of a message; in all others stand texts.
var inside = [...]map[protowire.Number]message{
	aRequest:      {1: aResourceLogs},
	aResourceLogs: {1: aResource, 2: aScopeLogs, 1000: aScopeLogs}, // the last is of OTLP before 0.9
	aResource:     {1: aKeyValue, 3: anEntity},
	aScopeLogs:    {1: aScope, 2: aLogRecord},
	aScope:        {3: aKeyValue},
	aLogRecord:    {5: aValue, fieldAttributes: aKeyValue},
	aKeyValue:     {fieldValue: aValue},
	aValue:        {5: aList, 6: aPairs},
	aList:         {1: aValue},
	aPairs:        {1: aKeyValue},
	anEntity:      {3: aKey, 4: aKey},
}

// message weighs one. Groups are refused: OTLP has none, and pdata takes fields
// within one for those of the message around it.
func (w *Weight) message(b []byte, m message, depth int) error {
	if depth > mostNested {
		return ErrNested
	}
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 || kind == protowire.StartGroupType || kind == protowire.EndGroupType {
			return ErrNotOTLP
		}
		b = b[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(field, kind, b); n < 0 {
				return ErrNotOTLP
			}
			b = b[n:]
			continue
		}
		inner, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return ErrNotOTLP
		}
		b = b[n:]
		of := inside[m][field]
		w.Memory += memory[of]
		if of == aLogRecord {
			w.Records++
		}
		if of == aText || of == aKey {
			continue
		}
		if err := w.message(inner, of, depth+1); err != nil {
			return err
		}
	}
	return nil
}
