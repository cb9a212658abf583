package reference

import (
	"fmt"
	"strings"

	"github.com/driftmeter/driftmeter/internal/formats"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
)

// Encode returns the artifact of a reference: what the store keeps and what
// driftmeter reference build writes.
func Encode(r *Reference) ([]byte, error) {
	l, err := r.Layout().Message()
	if err != nil {
		return nil, err
	}
	p, err := r.Profile.Message()
	if err != nil {
		return nil, err
	}
	warnings := make([]string, len(r.Warnings))
	for i, w := range r.Warnings {
		warnings[i] = valid(w)
	}
	return formats.Seal(nil, formats.KindReference, &formats.Reference{
		Model: r.Model, Version: r.Version, Dataset: r.Dataset, Source: valid(r.Source), Rows: r.Rows,
		Layout: l, Profile: p, Warnings: warnings,
	})
}

// valid makes text for people, such as the name of a file, what protobuf takes.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// Decode reads an artifact. Errors wrap profile.ErrCorrupt.
func Decode(b []byte) (*Reference, error) {
	var m formats.Reference
	if err := formats.Open(b, formats.KindReference, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", profile.ErrCorrupt, err)
	}
	if d := m.GetDataset(); d != model.Training && d != model.Test {
		return nil, fmt.Errorf("%w: dataset %q of a reference", profile.ErrCorrupt, d)
	}
	l, err := profile.LayoutOf(m.GetLayout())
	if err != nil {
		return nil, err
	}
	p, err := profile.Of(m.GetProfile(), l)
	if err != nil {
		return nil, err
	}
	return &Reference{
		Model: m.GetModel(), Version: m.GetVersion(), Dataset: m.GetDataset(), Source: m.GetSource(),
		Rows: m.GetRows(), Profile: p, Warnings: m.GetWarnings(),
	}, nil
}

// IsArtifact reports whether b begins as an artifact does.
func IsArtifact(b []byte) bool {
	return len(b) >= 3 && b[0] == 'D' && b[1] == 'M' && b[2] == byte(formats.KindReference)
}
