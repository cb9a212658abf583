// Package trial is how components show what they would make of a file: by the code
// that reads their own sources, up to where rows would be sent. Nothing is sent and
// nothing is kept.
package trial

import (
	"context"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/record"
)

// Component is the configuration of a component that maps rows.
type Component interface {
	// Trials returns what can be tried. It is also asked of a configuration that is
	// not sound, only for the names.
	Trials() []Mapping
}

// Mapping is one of a component.
type Mapping struct {
	// Part is which, of a component with several: the name of a source.
	Part string
	// Written says whether the user has written it; else rows are read as they are named.
	Written bool
	// Asked says that a request names the event and the model of its rows, and no key of the configuration does.
	Asked bool
	// Open begins to read a file of this machine; the configuration is sound.
	Open func(ctx context.Context, path string, o Options, told Told) (Rows, error)
}

// Options are what a request says beside its rows.
type Options struct {
	Event record.Event
	Model string
}

// Rows is a file that is being read.
type Rows interface {
	// Next reads a row and tells what becomes of it. It returns io.EOF at the end, or why the file cannot be read on.
	Next() error
	Close()
}

// Told is who hears what becomes of a row.
type Told interface {
	// Kept is told of a record that would be sent, which is reused for the next.
	Kept(r *record.Record)
	// Refused is told of a row, or a record of it, that would be counted as refused.
	Refused(e *mapping.RowError)
	// Noted is told, in a sentence with the row's number, why nothing would be sent of a row that is sound, and the like.
	Noted(sentence string)
	// Waiting is told at the end how many events of inference servers have not met their other halves.
	Waiting(events int)
}

// Pages is how much memory the pages of a Parquet file may take where no
// configuration says it.
const Pages = 1 << 30
