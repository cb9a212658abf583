package predictionreceiver

import (
	"sync"

	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/otelml"
)

// worker is what one request needs, and what learns from one to the next.
type worker struct {
	mapper  *mapping.Mapper
	encoder *otelml.Encoder
}

// workers are those of each mapping, for as many requests as come at a time.
type workers struct {
	common *sync.Pool
	models map[string]*sync.Pool
}

// asIs is the mapping as the user wrote it.
func asIs(c mapping.Config) mapping.Config { return c }

// newWorkers makes pools from the mappings of a configuration.
func newWorkers(cfg *Config, change func(mapping.Config) mapping.Config) (*workers, error) {
	common, err := newPool(change(cfg.Mapping), cfg.AttributePrefix)
	if err != nil {
		return nil, err
	}
	w := &workers{common: common, models: map[string]*sync.Pool{}}
	for model, m := range cfg.Mappings {
		if w.models[model], err = newPool(change(m), cfg.AttributePrefix); err != nil {
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
		m, err := mapping.NewMapper(&c)
		if err != nil {
			panic(err) // the same was made above
		}
		return &worker{mapper: m, encoder: otelml.NewEncoder(prefix)}
	}}, nil
}

// of returns the pool of a model.
func (w *workers) of(model string) *sync.Pool {
	if p, ok := w.models[model]; ok {
		return p
	}
	return w.common
}
