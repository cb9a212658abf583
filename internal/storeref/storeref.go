// Package storeref finds the modelstore that a component works with, so that no
// component imports another.
package storeref

import (
	"fmt"
	"sort"
	"strings"

	"go.opentelemetry.io/collector/component"

	"github.com/driftmeter/driftmeter/internal/catalog"
	"github.com/driftmeter/driftmeter/internal/query"
	"github.com/driftmeter/driftmeter/internal/store"
)

// Modelstore is what the modelstore extension offers to other components, from
// its Start to its Shutdown.
type Modelstore interface {
	Store() *store.Store
	Catalog() *catalog.Catalog
	Engine() *query.Engine
	// Evaluating reserves the windows and the alerts of the store for one component;
	// Release gives them back.
	Evaluating() *Lease
}

// Find returns the modelstore named id, or the only one there is.
func Find(host component.Host, id *component.ID) (Modelstore, error) {
	if id != nil {
		e, ok := host.GetExtensions()[*id]
		if !ok {
			return nil, fmt.Errorf("store: %q is not in service::extensions", id)
		}
		m, ok := e.(Modelstore)
		if !ok {
			return nil, fmt.Errorf("store: %q is not a modelstore", id)
		}
		return m, nil
	}
	var found []Modelstore
	var names []string
	for name, e := range host.GetExtensions() {
		if m, ok := e.(Modelstore); ok {
			found, names = append(found, m), append(names, name.String())
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, fmt.Errorf("store: no modelstore in service::extensions; add `modelstore:` to extensions and to service::extensions")
	}
	sort.Strings(names)
	return nil, fmt.Errorf("store: there are the modelstores %s; say which with store: NAME", strings.Join(names, ", "))
}
