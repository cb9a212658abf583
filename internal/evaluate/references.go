package evaluate

import (
	"fmt"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/profile"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/reference"
)

// UnknownLayout says that a profile cannot be read yet: what it was counted by
// has not come. The sender should try again, and send that first.
type UnknownLayout struct{ Model, Version, Layout string }

func (e UnknownLayout) Error() string {
	return fmt.Sprintf("profile of model %q version %q needs a reference and layout %s, which are not known here", e.Model, e.Version, e.Layout)
}

// layout finds the layout of a profile, also among what came in this merge. It
// asks for the reference of the version as well: a layout may be known from
// another model with the same training set.
//
// A reference that is damaged here its sender has: it is asked for it again.
func (m *merge) layout(p *Parcel, v *catalog.Version) (*profile.Layout, error) {
	unknown := UnknownLayout{p.Model, p.Version, p.Layout}
	for _, r := range m.references {
		if r.Model == p.Model && (r.Version == p.Version || r.Version == "") && r.Dataset == model.Training {
			if l, err := m.catalog.Live(r); err == nil && l.ID() == p.Layout {
				return l, nil
			}
			if r.Layout().ID() == p.Layout {
				return r.Layout(), nil
			}
			return m.known(p.Layout, unknown)
		}
	}
	switch _, ok, err := m.catalog.Reference(p.Model, p.Version, model.Training); {
	case catalog.IsUnusable(err):
		return nil, unknown
	case err != nil:
		return nil, err
	case !ok:
		return nil, unknown
	}
	if r := v.Refusal(); r != nil {
		return nil, *r
	}
	return m.known(p.Layout, unknown)
}

func (m *merge) known(id string, unknown UnknownLayout) (*profile.Layout, error) {
	if l := m.layouts[id]; l != nil {
		return l, nil
	}
	l, ok, err := m.catalog.Layout(id)
	if err == nil && !ok {
		err = unknown
	}
	return l, err
}

// reference keeps a reference that another process has. In the process that made
// it, it is known.
func (m *merge) reference(p *Parcel) error {
	ref, err := reference.Decode(p.Body)
	if err != nil {
		m.out.Refused = append(m.out.Refused, fmt.Errorf("reference of model %q from %s: %w", p.Model, p.Instance, err))
		return nil
	}
	v, err := m.catalog.Admit(p.Model, p.Version, m.now)
	if err != nil {
		return m.refuse(err)
	}
	known, ok, err := m.catalog.Reference(ref.Model, ref.Version, ref.Dataset)
	if err != nil && !catalog.IsUnusable(err) {
		return err
	}
	if ok && known.Layout().ID() == ref.Layout().ID() && known.Version == ref.Version && known.Rows == ref.Rows {
		return nil
	}
	switch {
	case v.FixedReference:
		return m.refuse(record.Refusal{Reason: record.ReferenceExists, Key: p.Model, Detail: fmt.Sprintf(
			"has reference.path in the definition of this process; %s compares with another one: %s. Give both the same file", p.Instance, ref.Source)})
	case ok && ref.Source == reference.Warmup:
		// Each of several senders has first records of its own. One of these sets is
		// as good as another, but it must not change all the time.
		return m.refuse(record.Refusal{Reason: record.ReferenceExists, Key: p.Model, Detail: fmt.Sprintf(
			"version %q is compared with another set already (%s), and %s has one of its own first records. Give all senders the same file as reference.path", p.Version, known.Source, p.Instance)})
	case ok && known.Version == ref.Version && p.Seq == 0:
		return nil // introduced only, where there was none
	}
	if err := m.catalog.Keep(m.tx, ref); err != nil {
		return err
	}
	m.references = append(m.references, ref)
	return nil
}

// introduced keeps a layout that profiles of another process were counted by. It
// may be none of ours: the other process has its own segments and limits.
func (m *merge) introduced(p *Parcel) error {
	l, err := profile.DecodeLayout(p.Body)
	if err == nil {
		_, err = profile.NewPlan(l)
	}
	if err == nil && l.ID() != p.Layout {
		err = fmt.Errorf("%w: its id is %s", profile.ErrCorrupt, l.ID())
	}
	if err != nil {
		m.out.Refused = append(m.out.Refused, fmt.Errorf("layout %s of model %q from %s: %w", p.Layout, p.Model, p.Instance, err))
		return nil
	}
	if _, err := m.catalog.Admit(p.Model, p.Version, m.now); err != nil {
		return m.refuse(err)
	}
	m.layouts[l.ID()] = l
	return m.catalog.KeepLayout(m.tx, l)
}
