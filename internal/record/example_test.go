package record_test

import (
	"fmt"

	"github.com/driftmeter/driftmeter/internal/record"
)

// A batch is written once for the log and read again after a restart.
func Example() {
	var e record.Encoder
	var r record.Record
	for _, age := range []int64{41, 58} {
		r.Reset()
		r.Model, r.Version = "fraud", "3"
		r.Append(record.Features, "age", record.Int(age))
		r.Append(record.Predictions, "approved", record.Bool(age < 50))
		e.Append(&r)
	}

	d := record.NewDecoder(e.Bytes(), 0)
	for d.Next(&r) {
		age := r.Get(record.Key{Group: record.Features, Name: "age"})
		name, _ := age.Category()
		fmt.Println(r.Event, r.Model, r.Version, r.Fields[0].Name, name)
	}
	fmt.Println(e.Len(), "records,", d.Err())
	// Output:
	// ml.prediction fraud 3 age 41
	// ml.prediction fraud 3 age 58
	// 2 records, <nil>
}
