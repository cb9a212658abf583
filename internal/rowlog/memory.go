package rowlog

import "github.com/driftmeter/driftmeter/internal/record"

// What a prediction takes in pdata, and as a record while it is passed on.
const (
	recordMemory  = 400
	fieldMemory   = 140 // a key with a value
	elementMemory = 128 // a value of a list
)

// memory is about how many bytes a record takes when it is written.
func memory(r *record.Record) int64 {
	n := int64(recordMemory)
	for i := range r.Fields {
		v := &r.Fields[i].Value
		n += fieldMemory
		switch v.Kind() {
		case record.Text:
			s, _ := v.Text()
			n += int64(len(s))
		case record.List:
			n += int64(len(v.Elements())) * elementMemory
		case record.Dict:
			n += int64(len(v.Elements())) * fieldMemory
		default:
		}
	}
	return n
}
