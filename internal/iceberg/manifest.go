package iceberg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/avrorows"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// The states of a file in a manifest. Between them is 0: it was there before.
const (
	statusAdded   = 1
	statusDeleted = 2
)

// rowLimits bound one entry of a manifest, which has statistics of each column.
var rowLimits = tree.Limits{Bytes: 64 << 20, Values: 1 << 20, Depth: 32}

// Files returns the files of a snapshot, ordered by their partitions and then by
// their age.
func (t *Table) Files(ctx context.Context, id int64) ([]File, error) {
	s := t.meta.byID[id]
	if s == nil {
		return nil, &Error{fmt.Sprintf("has no snapshot %d any more", id), "it has expired; give the source another name to begin anew"}
	}
	schema := t.meta.CurrentSchema
	if s.Schema != nil && t.meta.names[*s.Schema] != nil {
		schema = *s.Schema
	}
	c := collector{table: t, snapshot: s, dropped: t.meta.dropped(schema)}
	if err := c.manifests(ctx); err != nil {
		return nil, err
	}
	return c.sorted(), nil
}

// Change reads what a snapshot has changed.
func (t *Table) Change(ctx context.Context, id int64) (*Change, error) {
	s := t.meta.byID[id]
	if s == nil {
		return nil, &Error{fmt.Sprintf("has no snapshot %d any more", id), "it has expired"}
	}
	change := &Change{Snapshot: s.Snapshot()}
	if change.Operation == "replace" { // the same rows in other files
		return change, nil
	}
	c := collector{table: t, snapshot: s, dropped: t.meta.dropped(t.meta.CurrentSchema), own: true}
	if err := c.manifests(ctx); err != nil {
		return nil, err
	}
	change.Adds, change.Removes = c.sorted(), c.removes
	return change, nil
}

// collector gathers the files of a snapshot.
type collector struct {
	table    *Table
	snapshot *snapshot
	dropped  []string
	own      bool // only what the snapshot itself has added and removed
	files    []File
	removes  int
}

// rows calls fn for each row of an Avro file of the table.
func (c *collector) rows(ctx context.Context, uri string, fn func(*tree.Node) error) error {
	path, err := c.table.meta.relative(uri)
	if err != nil {
		return err
	}
	b, err := c.table.read(ctx, path)
	if err != nil {
		return err
	}
	rows := avrorows.Container(b, rowLimits, int(c.table.limits.Memory))
	for {
		n, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if e, ok := errors.AsType[*tree.Error](err); ok && e.Reason == tree.TooLarge {
			return c.table.tooLarge(path)
		}
		if err != nil {
			return &Error{fmt.Sprintf("has damaged metadata: %s %v", short(path), err), ""}
		}
		if err := fn(&n); err != nil {
			return err
		}
	}
}

// manifests reads the list of manifests, and then those that matter.
func (c *collector) manifests(ctx context.Context) error {
	if c.snapshot.ManifestList == "" {
		return &Error{fmt.Sprintf("has no list of manifests for the snapshot %d", c.snapshot.ID), "tables that early writers of version 1 made are not supported; write it anew"}
	}
	type manifest struct {
		path        string
		spec, added int64
	}
	var all []manifest
	err := c.rows(ctx, c.snapshot.ManifestList, func(n *tree.Node) error {
		path := n.Get("manifest_path")
		if path == nil || path.Kind != tree.Text {
			return c.damaged("a manifest without a path")
		}
		if set(n.Get("key_metadata")) {
			return &Error{"has an encrypted manifest", "encrypted tables are not supported"}
		}
		if integer(n.Get("content")) != 0 {
			if none(n, "added_files_count", "added_data_files_count") && none(n, "existing_files_count", "existing_data_files_count") {
				return nil // they have all been applied
			}
			return &Error{fmt.Sprintf("has delete files (merge on read) in the snapshot %d: rows of it are deleted and still there", c.snapshot.ID),
				"set write.delete.mode, write.update.mode and write.merge.mode to copy-on-write, and apply them with rewrite_data_files"}
		}
		m := manifest{path.Text, integer(n.Get("partition_spec_id")), integer(n.Get("added_snapshot_id"))}
		if c.own && m.added != c.snapshot.ID {
			return nil
		}
		if all = append(all, m); len(all) > c.table.limits.Files {
			return c.tooMany()
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, m := range all {
		if err := c.rows(ctx, m.path, func(n *tree.Node) error { return c.entry(n, int(m.spec), m.added) }); err != nil {
			return err
		}
	}
	return nil
}

// entry takes a file of a manifest.
func (c *collector) entry(n *tree.Node, spec int, by int64) error {
	status, data := integer(n.Get("status")), n.Get("data_file")
	if data == nil || data.Kind != tree.Object || n.Get("status") == nil {
		return c.damaged("an entry without a file")
	}
	if id := n.Get("snapshot_id"); id != nil && id.Kind == tree.Integer {
		by = id.Int // else it is that of the manifest
	}
	switch {
	case status == statusDeleted:
		c.removes++ // by who has written the manifest; PyIceberg notes the snapshot that had added it
		return nil
	case c.own && (status != statusAdded || by != c.snapshot.ID):
		return nil
	}
	f, err := c.file(data, spec)
	if err != nil {
		return err
	}
	f.Modified = time.UnixMilli(c.snapshot.Time).UTC()
	if s := c.table.meta.byID[by]; s != nil {
		f.Modified = time.UnixMilli(s.Time).UTC()
	}
	if c.files = append(c.files, f); len(c.files) > c.table.limits.Files {
		return c.tooMany()
	}
	return nil
}

// file reads what a manifest says of a file.
func (c *collector) file(data *tree.Node, spec int) (f File, err error) {
	uri, format := data.Get("file_path"), data.Get("file_format")
	switch {
	case uri == nil || uri.Kind != tree.Text || format == nil || format.Kind != tree.Text:
		return f, c.damaged("a file without a path or a format")
	case !strings.EqualFold(format.Text, "parquet"):
		return f, &Error{fmt.Sprintf("has files of the format %s", short(format.Text)), "only PARQUET is supported"}
	case set(data.Get("key_metadata")):
		return f, &Error{"has encrypted files", "encrypted tables are not supported"}
	case integer(data.Get("content")) != 0:
		return f, c.damaged("a delete file among those of rows")
	}
	if f.Path, err = c.table.meta.relative(uri.Text); err != nil {
		return f, err
	}
	if f.Size = integer(data.Get("file_size_in_bytes")); f.Size <= 0 {
		return f, c.damaged("a file without a size")
	}
	f.Dropped = c.dropped
	identity, known := c.table.meta.identityFields[spec]
	if !known {
		return f, c.damaged(fmt.Sprintf("files of the partitioning %d, of which the table knows nothing", spec))
	}
	if partition := data.Get("partition"); partition != nil {
		for _, value := range partition.Sub {
			f.order = append(f.order, value)
			source, isColumn := identity[value.Name]
			name, kept := c.table.meta.names[c.table.meta.CurrentSchema][source]
			if isColumn && kept && value.Kind != tree.Unusable && !slices.Contains(f.Dropped, name) {
				value.Name = name
				f.Partitions = append(f.Partitions, value)
			}
		}
	}
	return f, nil
}

func (c *collector) damaged(what string) error {
	return &Error{fmt.Sprintf("has damaged metadata: %s in the snapshot %d", what, c.snapshot.ID), ""}
}

func (c *collector) tooMany() error {
	return &Error{fmt.Sprintf("has more than %d files in the snapshot %d", c.table.limits.Files, c.snapshot.ID), "compact it with rewrite_data_files, or raise max_files"}
}

// sorted returns the files by their partitions, then by their age.
func (c *collector) sorted() []File {
	slices.SortFunc(c.files, func(a, b File) int {
		return cmp.Or(slices.CompareFunc(a.order, b.order, func(a, b tree.Node) int {
			return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Int, b.Int), cmp.Compare(a.Num, b.Num), cmp.Compare(a.Text, b.Text))
		}), a.Modified.Compare(b.Modified), cmp.Compare(a.Path, b.Path))
	})
	return c.files
}

func integer(n *tree.Node) int64 {
	if n == nil || n.Kind != tree.Integer {
		return 0
	}
	return n.Int
}

// none reports whether a number is there and 0; older writers have another name
// for it.
func none(n *tree.Node, names ...string) bool {
	for _, name := range names {
		if m := n.Get(name); m != nil && m.Kind == tree.Integer {
			return m.Int == 0
		}
	}
	return false
}

func set(n *tree.Node) bool { return n != nil && n.Kind != tree.Missing }
