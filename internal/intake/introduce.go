package intake

import (
	"fmt"

	"github.com/driftmeter/driftmeter/internal/model"
	"github.com/driftmeter/driftmeter/internal/reference"
	"github.com/driftmeter/driftmeter/internal/store"
)

// introduce sends what a receiver needs to take parcels, before these: the
// references that their versions are compared with, and the layouts that they were
// counted by.
//
// An evaluator gets a reference when it is made, and a layout with it. One that is
// new, or has lost its directory, or to which a model has moved, does not have
// them; another process's reference from a file it never gets; and where its limits
// or segments are other than ours, its layouts are too. All that we see of this is
// a refusal that asks for another try. So after any refusal we say it all again,
// and an evaluator that knows it does nothing.
func (d *delivering) introduce(parcels []store.Parcel) error {
	all, err := d.introductions(parcels)
	if err != nil {
		return fmt.Errorf("what model %q is compared with: %w", parcels[0].Model, err)
	}
	for len(all) > 0 {
		n, size := 1, len(all[0].Body)
		for n < len(all) && size+len(all[n].Body) <= deliverBytes {
			size += len(all[n].Body)
			n++
		}
		if err := d.send(all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

func (d *delivering) introductions(parcels []store.Parcel) (all []store.Parcel, err error) {
	type key struct{ version, dataset, layout string }
	said := map[key]bool{}
	for i := range parcels {
		p := &parcels[i]
		for _, set := range []string{model.Training, model.Test} {
			ref, ok, err := d.catalog.Reference(p.Model, p.Version, set)
			if err != nil {
				return nil, err
			}
			if !ok || said[key{ref.Version, set, ref.Layout().ID()}] {
				continue
			}
			said[key{ref.Version, set, ref.Layout().ID()}] = true
			body, err := reference.Encode(ref)
			if err != nil {
				return nil, err
			}
			all = append(all, store.Parcel{Kind: store.KindReference, Model: p.Model, Version: p.Version, Layout: ref.Layout().ID(), Body: body})
		}
		if said[key{layout: p.Layout}] {
			continue
		}
		said[key{layout: p.Layout}] = true
		l, ok, err := d.catalog.Layout(p.Layout)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue // of a reference in the outbox, which may have been replaced since
		}
		body, err := l.Encode()
		if err != nil {
			return nil, err
		}
		all = append(all, store.Parcel{Kind: store.KindLayout, Model: p.Model, Version: p.Version, Layout: p.Layout, Body: body})
	}
	return all, nil
}
