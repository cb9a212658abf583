package newrelicexporter

import (
	"reflect"

	"go.opentelemetry.io/collector/confmap"

	"github.com/driftmeter/driftmeter/internal/lenient"
)

// Unmarshal implements confmap.Unmarshaler: misspelt keys are told.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	if err := conf.Unmarshal(c); err != nil {
		return err
	}
	return lenient.Unknown("", conf.ToStringMap(), reflect.TypeFor[Config]())
}
