package dataset

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"maps"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/driftmeter/driftmeter/internal/model"
)

// generation is raised when the same file and definition give another
// reference than in the release before.
const generation = 2 // 2: with calibrations

// Fingerprint identifies what Load would return, without reading the file: it
// changes with the file's name, size and time of modification, and with those
// parts of def and mapping that decide about a layout: type, outputs, fields and
// segments. What does not matter to a layout, such as drift measures, leaves it
// alone.
//
// A test set is laid out as the training set of its definition, so the file of
// the training set is part of it too.
func Fingerprint(path string, def *model.Definition, mapping map[string]string) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "generation %d\n", generation)
	if err := hashFile(h, path); err != nil {
		return "", err
	}
	if training := def.Reference.Path; path != training && path == def.Reference.Test && training != "" {
		if err := hashFile(h, training); err != nil {
			return "", err
		}
	}
	fmt.Fprintf(h, "model %q %q\n", def.Name, def.Type)
	for _, o := range def.Outputs {
		fmt.Fprintf(h, "output %q %q %s\n", o.Prediction, o.ActualName(), optional(o.Threshold))
	}
	for _, key := range sortedKeys(def.Fields) {
		f := def.Fields[key]
		fmt.Fprintf(h, "field %q %q %s %s\n", key, f.Type, optional(f.Min), optional(f.Max))
	}
	for _, s := range def.Segments {
		fmt.Fprintf(h, "segment %q %q %q %x\n", s.Name, s.Field, s.Where, s.Boundaries)
	}
	for _, m := range def.Metrics {
		fmt.Fprintf(h, "metric %q\n", m.Expression)
	}
	for _, column := range sortedKeys(mapping) {
		fmt.Fprintf(h, "column %q %q\n", column, mapping[column])
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// hashFile adds what tells a file from another one.
func hashFile(h hash.Hash, path string) error {
	f, err := openFile(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	st, err := f.Stat()
	if err != nil {
		return err
	}
	fmt.Fprintf(h, "file %q %d %d\n", filepath.Base(path), st.Size(), st.ModTime().UnixNano())
	return nil
}

// optional writes a number to the last bit, or that there is none.
func optional(x *float64) string {
	if x == nil {
		return "none"
	}
	return strconv.FormatFloat(*x, 'x', -1, 64)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
