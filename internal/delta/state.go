package delta

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/internal/table"
)

// state is what a log says up to a place.
type state struct {
	limits   Limits
	version  int64
	protocol *protocol
	meta     *metadata
	files    map[string]Add

	// Of the last commit.
	since     map[string]Add // nil if nobody asks
	removes   int
	operation string
	time      time.Time
}

func newState(l Limits) *state { return &state{limits: l, files: map[string]Add{}} }

// The actions of a commit, each on a line of its own.
type action struct {
	Add        *addAction  `json:"add"`
	Remove     *removeFile `json:"remove"`
	MetaData   *metadata   `json:"metaData"`
	Protocol   *protocol   `json:"protocol"`
	CommitInfo *commitInfo `json:"commitInfo"`
}

type addAction struct {
	Path             string             `json:"path"`
	PartitionValues  map[string]*string `json:"partitionValues"`
	Size             int64              `json:"size"`
	ModificationTime int64              `json:"modificationTime"` // milliseconds
	DataChange       bool               `json:"dataChange"`
	DeletionVector   *struct{}          `json:"deletionVector"`
}

type removeFile struct {
	Path       string `json:"path"`
	DataChange bool   `json:"dataChange"`
}

type metadata struct {
	SchemaString     string            `json:"schemaString"`
	PartitionColumns []string          `json:"partitionColumns"`
	Configuration    map[string]string `json:"configuration"`
	Format           struct {
		Provider string `json:"provider"`
	} `json:"format"`

	types map[string]string // of columns, from the schema
}

type protocol struct {
	MinReaderVersion int64    `json:"minReaderVersion"`
	ReaderFeatures   []string `json:"readerFeatures"`
}

type commitInfo struct {
	Timestamp         int64  `json:"timestamp"`
	InCommitTimestamp int64  `json:"inCommitTimestamp"`
	Operation         string `json:"operation"`
}

// commit applies the actions of a JSON file, and closes it.
func (s *state) commit(f table.File) error {
	in, err := table.Unpack(f)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	s.removes, s.operation, s.time = 0, "", time.Time{}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), s.limits.Action)
	for n := 1; lines.Scan(); n++ {
		if len(strings.TrimSpace(lines.Text())) == 0 {
			continue
		}
		var a action
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			return &Error{fmt.Sprintf("has a damaged commit %d: line %d: %v", s.version, n, err), "restore its log"}
		}
		if err := s.apply(&a); err != nil {
			return err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return &Error{fmt.Sprintf("has an action of more than %d bytes in commit %d", s.limits.Action, s.version), ""}
	case err != nil:
		return err
	}
	return nil
}

func (s *state) apply(a *action) error {
	switch {
	case a.Protocol != nil:
		s.protocol = a.Protocol
	case a.MetaData != nil:
		s.meta = a.MetaData
	case a.CommitInfo != nil:
		s.operation = a.CommitInfo.Operation
		if ms := cmp.Or(a.CommitInfo.InCommitTimestamp, a.CommitInfo.Timestamp); ms > 0 {
			s.time = time.UnixMilli(ms).UTC()
		}
	case a.Remove != nil:
		path, err := relative(a.Remove.Path)
		if err != nil {
			return err
		}
		delete(s.files, path)
		if a.Remove.DataChange {
			s.removes++
		}
	case a.Add != nil:
		return s.add(a.Add)
	}
	return nil
}

func (s *state) add(a *addAction) error {
	path, err := relative(a.Path)
	if err != nil {
		return err
	}
	if a.DeletionVector != nil {
		return &Error{fmt.Sprintf("has a deletion vector for the file %q: rows of it are deleted and still there", short(path)),
			"write such files anew with REORG TABLE … APPLY (PURGE), and set delta.enableDeletionVectors=false"}
	}
	add := Add{Path: path, Size: max(a.Size, 0), Modified: time.UnixMilli(a.ModificationTime).UTC()}
	for name, value := range a.PartitionValues {
		add.Partitions = append(add.Partitions, Partition{Name: name, Value: value})
	}
	slices.SortFunc(add.Partitions, func(a, b Partition) int { return cmp.Compare(a.Name, b.Name) })
	if s.files[path] = add; len(s.files) > s.limits.Files {
		return &Error{fmt.Sprintf("has more than %d files in version %d", s.limits.Files, s.version), "compact it with OPTIMIZE, or raise max_files"}
	}
	if s.since != nil && a.DataChange {
		s.since[path] = add
	}
	return nil
}

// known are the features of readers that need nothing of us, or that check looks
// at.
var known = []string{"columnMapping", "deletionVectors", "timestampNtz", "typeWidening", "typeWidening-preview", "v2Checkpoint", "vacuumProtocolCheck"}

// check refuses what cannot be read as it is meant.
func (s *state) check() error {
	if p := s.protocol; p != nil {
		if p.MinReaderVersion > 3 {
			return &Error{fmt.Sprintf("needs readers of version %d, and this one is of version 3", p.MinReaderVersion), ""}
		}
		for _, f := range p.ReaderFeatures {
			if !slices.Contains(known, f) {
				return &Error{fmt.Sprintf("needs the feature %s, which is not supported", short(f)), "ALTER TABLE … DROP FEATURE, or copy it"}
			}
		}
	}
	m := s.meta
	if m == nil {
		return nil
	}
	if mode := m.Configuration["delta.columnMapping.mode"]; mode != "" && mode != "none" {
		return &Error{fmt.Sprintf("maps its columns by %s, which is not supported", short(mode)), "copy it into a table without delta.columnMapping.mode"}
	}
	if m.Format.Provider != "" && m.Format.Provider != "parquet" {
		return &Error{fmt.Sprintf("is written in %s", short(m.Format.Provider)), "only parquet is supported"}
	}
	if m.types != nil {
		return nil
	}
	var schema struct {
		Fields []struct {
			Name string          `json:"name"`
			Type json.RawMessage `json:"type"`
		} `json:"fields"`
	}
	if err := json.Unmarshal([]byte(m.SchemaString), &schema); err != nil {
		return &Error{"has a damaged schema: " + err.Error(), "restore its log"}
	}
	m.types = map[string]string{}
	for _, f := range schema.Fields {
		var name string
		if json.Unmarshal(f.Type, &name) == nil { // partitions have simple types
			m.types[f.Name] = name
		}
	}
	return nil
}

// list returns files by their partitions, and then by their age.
func (s *state) list(files map[string]Add) []Add {
	all := make([]Add, 0, len(files))
	for _, a := range files {
		if s.meta != nil {
			for i := range a.Partitions {
				a.Partitions[i].Type = s.meta.types[a.Partitions[i].Name]
			}
		}
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b Add) int {
		return cmp.Or(slices.CompareFunc(a.Partitions, b.Partitions, func(a, b Partition) int {
			return cmp.Compare(text(a.Value), text(b.Value))
		}), a.Modified.Compare(b.Modified), cmp.Compare(a.Path, b.Path))
	})
	return all
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
