// Package place is where files are: a folder of this machine, or a bucket.
package place

import (
	"context"
	"time"

	"github.com/driftmeter/driftmeter/internal/table"
)

// Object is a file in a place.
type Object struct {
	Path     string // below the place, with slashes
	Size     int64
	Modified time.Time
	Tag      string // of its content, if the place tells one
}

// Place is a folder or a bucket. Paths that lead out of it are refused.
type Place interface {
	// List calls fn for each file whose path begins with prefix, in no order.
	// Refused are files that are there and may not be read, such as links out of
	// the folder.
	List(ctx context.Context, prefix string, fn func(Object) error, refused func(path string, err error)) error
	// Open opens a file for reads at any place, also of what lies in a bucket.
	Open(ctx context.Context, path string) (table.File, error)
	// Close releases the place.
	Close() error
}

// Formatted is a place that knows what its files are: csv, parquet, json, delta or
// iceberg.
type Formatted interface{ Format() string }

// Catalogued is a place whose catalogue knows where the metadata of its table are
// that were committed last; empty if it does not.
type Catalogued interface{ Metadata() string }
