package datasetreceiver

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/driftmeter/driftmeter/internal/iceberg"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/place"
)

// icebergState is how far a table has been read: the files of the snapshot First,
// which are there at the first run, and then what each snapshot after Last adds.
type icebergState struct {
	Table string `json:"table"` // its UUID
	First int64  `json:"first"` // 0 if it is done, or not wanted
	Last  int64  `json:"last"`  // 0 if there was none
}

// iceberg reads what is new in an Iceberg table.
func (s *source) iceberg(ctx context.Context) error {
	path := ""
	if c, ok := s.place.(place.Catalogued); ok {
		path = c.Metadata()
	}
	t, err := iceberg.Open(ctx, logFiles{s}, path, iceberg.Limits{Files: s.all.MaxFiles, Memory: s.memory})
	if err != nil {
		return err
	}
	if s.cfg.Kind == "reference" {
		return s.icebergReference(ctx, t)
	}
	key := "iceberg/" + s.name
	st, err := s.icebergBegin(ctx, t, key)
	if err != nil {
		return err
	}
	defaults := record.Record{Event: events[s.cfg.kind()]}
	if st.First != 0 {
		files, err := t.Files(ctx, st.First)
		if err != nil {
			return err
		}
		if err := s.adds(ctx, icebergFiles(files, defaults), key, st, func() { st.First = 0 }); err != nil {
			return err
		}
	}
	after, err := t.After(st.Last)
	if err != nil {
		return err
	}
	for _, snapshot := range after {
		c, err := t.Change(ctx, snapshot.ID)
		if err != nil {
			return err
		}
		adds := c.Adds
		if c.Rewrites() && s.cfg.Iceberg.Rewrites != "read" {
			s.logger.Info("A snapshot has written rows again that were there before; they are not read (iceberg.rewrites)", zap.String("source", s.name),
				zap.Int64("snapshot", c.ID), zap.String("operation", c.Operation), zap.Int("files", len(adds)))
			adds = nil
		}
		if err := s.adds(ctx, icebergFiles(adds, defaults), key, st, func() { st.Last = c.ID }); err != nil {
			return err
		}
	}
	return nil
}

// icebergBegin returns how far the table has been read, and at the first run what is
// to be read.
func (s *source) icebergBegin(ctx context.Context, t *iceberg.Table, key string) (*icebergState, error) {
	st := &icebergState{}
	known, err := s.kept(ctx, key, st)
	switch {
	case err != nil:
		return nil, err
	case known && st.Table != t.ID():
		return nil, fmt.Errorf("the Iceberg table is another (%s) than the one that was read here before (%s); give the source another name", t.ID(), st.Table)
	case known:
		return st, nil
	}
	st.Table = t.ID()
	if since := s.cfg.Iceberg.Since; since != nil {
		snapshot, err := t.Snapshot(*since)
		if err != nil {
			return nil, fmt.Errorf("iceberg.since: %w", err)
		}
		st.Last = snapshot.Parent
	} else if now, ok := t.Current(); ok {
		st.First, st.Last = now.ID, now.ID
	}
	return st, s.keep(ctx, key, st)
}

// icebergReference reads a snapshot of the table as a reference.
func (s *source) icebergReference(ctx context.Context, t *iceberg.Table) error {
	snapshot, ok := t.Current()
	switch c := &s.cfg.Iceberg; {
	case c.Snapshot != nil:
		var err error
		if snapshot, err = t.Snapshot(*c.Snapshot); err != nil {
			return err
		}
	case c.Timestamp != "":
		at, err := time.Parse(time.RFC3339, c.Timestamp)
		if err != nil {
			return err // Validate has seen it
		}
		if snapshot, err = t.At(at); err != nil {
			return err
		}
	case !ok:
		return fmt.Errorf("the Iceberg table has no snapshot yet")
	}
	adds, err := t.Files(ctx, snapshot.ID)
	if err != nil {
		return err
	}
	if len(adds) == 0 {
		return fmt.Errorf("snapshot %d of the Iceberg table has no files", snapshot.ID)
	}
	files := icebergFiles(adds, record.Record{Event: record.Reference, Test: s.cfg.Dataset == "test"})
	for i := range files {
		files[i].Modified = snapshot.Time // those that have added them may expire, and the set stays the same
	}
	return s.reference(ctx, group{defaults: files[0].defaults, files: files})
}

// icebergFiles are those of a table.
func icebergFiles(adds []iceberg.File, defaults record.Record) []file {
	files := make([]file, len(adds))
	for i, a := range adds {
		files[i] = file{Object: place.Object{Path: a.Path, Size: a.Size, Modified: a.Modified}, format: "parquet",
			columns: a.Partitions, dropped: a.Dropped, defaults: defaults, lasting: true}
	}
	return files
}
