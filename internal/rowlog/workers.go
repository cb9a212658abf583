package rowlog

import (
	"sync"

	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Worker is what one body needs, and what learns from one to the next.
type Worker struct {
	Mapper  *inference.Mapper
	Encoder *otelml.Encoder

	rows *tree.Rows // of bodies of JSON
}

// Workers are those of each mapping, for as many bodies as come at a time.
type Workers struct {
	common *sync.Pool
	models map[string]*sync.Pool
}

// AsIs is the mapping as the user wrote it.
func AsIs(c mapping.Config) mapping.Config { return c }

// NewWorkers makes pools of a mapping and those of single models, each changed
// first; prefix begins the attributes of the records.
func NewWorkers(common mapping.Config, models map[string]mapping.Config, prefix string, change func(mapping.Config) mapping.Config) (*Workers, error) {
	pool, err := newPool(change(common), prefix)
	if err != nil {
		return nil, err
	}
	w := &Workers{common: pool, models: map[string]*sync.Pool{}}
	for model, m := range models {
		if w.models[model], err = newPool(change(m), prefix); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func newPool(c mapping.Config, prefix string) (*sync.Pool, error) {
	if _, err := mapping.NewMapper(&c); err != nil {
		return nil, err
	}
	return &sync.Pool{New: func() any {
		m, err := inference.NewMapper(&c)
		if err != nil {
			panic(err) // the same was made above
		}
		return &Worker{Mapper: m, Encoder: otelml.NewEncoder(prefix), rows: tree.NewLines(nil, RowLimits)}
	}}, nil
}

// Get returns a worker of a model's mapping, and Put takes it back.
func (w *Workers) Get(model string) *Worker { return w.of(model).Get().(*Worker) }

// Put takes back what Get returned for the model.
func (w *Workers) Put(model string, k *Worker) { w.of(model).Put(k) }

func (w *Workers) of(model string) *sync.Pool {
	if p, ok := w.models[model]; ok {
		return p
	}
	return w.common
}
