package iceberg

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// metadata is a file of metadata, as far as it matters.
type metadata struct {
	Version        int                         `json:"format-version"`
	UUID           string                      `json:"table-uuid"`
	Location       string                      `json:"location"`
	Schema         *schema                     `json:"schema"` // version 1
	Schemas        []schema                    `json:"schemas"`
	CurrentSchema  int                         `json:"current-schema-id"`
	Spec           []specField                 `json:"partition-spec"` // version 1
	Specs          []spec                      `json:"partition-specs"`
	CurrentID      *int64                      `json:"current-snapshot-id"`
	Snapshots      []snapshot                  `json:"snapshots"`
	Log            []logEntry                  `json:"snapshot-log"`
	Properties     map[string]*json.RawMessage `json:"properties"`
	byID           map[int64]*snapshot
	names          map[int]map[int64]string // of the columns of each schema, by their ids
	identityFields map[int]map[string]int64 // of each spec: the columns that its fields are
}

type schema struct {
	ID     int     `json:"schema-id"`
	Fields []field `json:"fields"`
}

type field struct {
	ID   int64           `json:"id"`
	Name string          `json:"name"`
	Type json.RawMessage `json:"type"`
}

type spec struct {
	ID     int         `json:"spec-id"`
	Fields []specField `json:"fields"`
}

type specField struct {
	Name      string `json:"name"`
	Transform string `json:"transform"`
	Source    int64  `json:"source-id"`
}

type snapshot struct {
	ID           int64             `json:"snapshot-id"`
	Parent       *int64            `json:"parent-snapshot-id"`
	Time         int64             `json:"timestamp-ms"`
	ManifestList string            `json:"manifest-list"`
	Schema       *int              `json:"schema-id"`
	Summary      map[string]string `json:"summary"`
}

type logEntry struct {
	ID   int64 `json:"snapshot-id"`
	Time int64 `json:"timestamp-ms"`
}

// Snapshot is what others see of it.
func (s *snapshot) Snapshot() Snapshot {
	out := Snapshot{ID: s.ID, Time: time.UnixMilli(s.Time).UTC(), Operation: s.Summary["operation"]}
	if s.Parent != nil && *s.Parent != -1 {
		out.Parent = *s.Parent
	}
	return out
}

func (m *metadata) current() int64 {
	if m.CurrentID == nil || *m.CurrentID == -1 {
		return 0
	}
	return *m.CurrentID
}

// parse reads a file of metadata, which may be packed, and refuses what cannot be
// read as it is meant.
func parse(b []byte, limit int64) (*metadata, error) {
	if bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		var err error
		if b, err = unpack(b, limit); err != nil {
			return nil, err
		}
	}
	m := &metadata{byID: map[int64]*snapshot{}, names: map[int]map[int64]string{}, identityFields: map[int]map[string]int64{}}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, &Error{"has damaged metadata: " + err.Error(), ""}
	}
	switch {
	case m.Version < 1:
		return nil, &Error{"does not say the version of its format", "its metadata are damaged"}
	case m.Version > 2:
		return nil, &Error{fmt.Sprintf("is of version %d of the format", m.Version), "versions 1 and 2 are supported"}
	case m.Location == "":
		return nil, &Error{"does not say where it lies", "its metadata are damaged"}
	case m.Properties["encryption.key-id"] != nil:
		return nil, &Error{"is encrypted", "only tables without encryption.key-id are supported"}
	}
	if len(m.Schemas) == 0 && m.Schema != nil {
		m.Schemas, m.CurrentSchema = []schema{*m.Schema}, m.Schema.ID
	}
	if len(m.Specs) == 0 {
		m.Specs = []spec{{Fields: m.Spec}}
	}
	for i := range m.Snapshots {
		if m.Snapshots[i].ID != 0 { // which stands for none here
			m.byID[m.Snapshots[i].ID] = &m.Snapshots[i]
		}
	}
	if id := m.current(); id != 0 && m.byID[id] == nil {
		return nil, &Error{fmt.Sprintf("is at the snapshot %d, of which it knows nothing", id), "its metadata are damaged"}
	}
	for _, s := range m.Specs {
		m.identityFields[s.ID] = map[string]int64{}
		for _, f := range s.Fields {
			if f.Transform == "identity" {
				m.identityFields[s.ID][f.Name] = f.Source
			}
		}
	}
	return m, m.columns()
}

func unpack(b []byte, limit int64) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err == nil {
		b, err = io.ReadAll(io.LimitReader(r, limit+1))
	}
	switch {
	case err != nil:
		return nil, &Error{"has damaged metadata: " + err.Error(), ""}
	case int64(len(b)) > limit:
		return nil, &Error{fmt.Sprintf("has more than %d bytes of metadata", limit), "expire snapshots, or raise max_memory_mib"}
	}
	return b, nil
}

// columns names the columns of each schema. Files know columns by their ids, which
// are not looked at here: so one name must always have meant one id, and one id one
// name.
func (m *metadata) columns() error {
	ids, names := map[string]int64{}, map[int64]string{}
	for _, s := range m.Schemas {
		m.names[s.ID] = map[int64]string{}
		if err := flatten(s.Fields, "", m.names[s.ID]); err != nil {
			return err
		}
		for id, name := range m.names[s.ID] {
			if was, ok := names[id]; ok && was != name {
				return &Error{fmt.Sprintf("has renamed the column %q or %q, which is not supported", short(was), short(name)), "copy it into another (CREATE TABLE … AS SELECT)"}
			}
			if was, ok := ids[name]; ok && was != id {
				return &Error{fmt.Sprintf("has dropped the column %q and added another of that name, which is not supported", short(name)), "copy it into another (CREATE TABLE … AS SELECT)"}
			}
			ids[name], names[id] = id, name
		}
	}
	if m.names[m.CurrentSchema] == nil {
		return &Error{fmt.Sprintf("has no schema %d", m.CurrentSchema), "its metadata are damaged"}
	}
	return nil
}

// flatten names the columns of structures, too: outer.inner.
func flatten(fields []field, before string, into map[int64]string) error {
	for _, f := range fields {
		into[f.ID] = before + f.Name
		var name string
		if json.Unmarshal(f.Type, &name) == nil {
			continue // a simple type
		}
		var inner struct {
			Type   string  `json:"type"`
			Fields []field `json:"fields"`
		}
		if err := json.Unmarshal(f.Type, &inner); err != nil {
			return &Error{"has a damaged schema: " + err.Error(), ""}
		}
		if inner.Type == "struct" {
			if err := flatten(inner.Fields, before+f.Name+".", into); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropped returns the columns of other schemas that one does not have.
func (m *metadata) dropped(schema int) (dropped []string) {
	for _, columns := range m.names {
		for id, name := range columns {
			if _, kept := m.names[schema][id]; !kept && !slices.Contains(dropped, name) {
				dropped = append(dropped, name)
			}
		}
	}
	slices.Sort(dropped)
	return dropped
}

// relative returns the path of a file below the table, whose metadata name it with
// the place where the table was written.
func (m *metadata) relative(uri string) (string, error) {
	path, inside := strings.CutPrefix(plain(uri), strings.TrimRight(plain(m.Location), "/")+"/")
	switch {
	case !inside:
		return "", &Error{fmt.Sprintf("names the file %q outside of its location %q", short(uri), short(m.Location)), "only tables with all files below their location are supported"}
	case path == "" || strings.HasPrefix(path, "/") || slices.ContainsFunc(strings.Split(path, "/"), func(s string) bool { return s == ".." || s == "." }):
		return "", &Error{fmt.Sprintf("names the file %q, which leads out of it", short(uri)), "it is not read"}
	}
	return path, nil
}

// plain writes the ways in which one place is named as one: s3a://, file:/.
func plain(uri string) string {
	for _, scheme := range []string{"s3a://", "s3n://"} {
		if rest, ok := strings.CutPrefix(uri, scheme); ok {
			return "s3://" + rest
		}
	}
	if rest, ok := strings.CutPrefix(uri, "file:"); ok {
		return "/" + strings.TrimLeft(rest, "/")
	}
	return uri
}

func short(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}
