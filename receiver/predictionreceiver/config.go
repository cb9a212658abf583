package predictionreceiver

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/confmap"

	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/lenient"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/otelml"
)

// Config of the receiver. The keys of confighttp's server stand beside these:
// endpoint, tls, auth, cors, compression_algorithms, max_request_body_size, ….
type Config struct {
	// HTTP has the keys of confighttp.
	HTTP confighttp.ServerConfig `mapstructure:",squash"`
	// Mapping says what columns and paths are, in the same words for every source; docs/sources.md explains it.
	Mapping mapping.Config `mapstructure:"mapping"`
	// Mappings are mappings of single models, by name, instead of mapping: of requests with ?model=, and of inference servers.
	Mappings map[string]mapping.Config `mapstructure:"mappings"`
	// Inference is about events of inference servers, whose requests and responses come apart.
	Inference inference.Limits `mapstructure:"inference"`
	// Storage is the extension that keeps requests and responses of inference servers until the other comes, such as file_storage, so that what was acknowledged outlives the process; without it they wait in memory.
	Storage *component.ID `mapstructure:"storage"`
	// MaxRows is how many predictions one request may hold.
	MaxRows int `mapstructure:"max_rows"`
	// MaxInFlightMiB is how much of all requests together may be read and not yet answered; what is beyond is told to come again.
	MaxInFlightMiB int `mapstructure:"max_in_flight_mib"`
	// AttributePrefix begins the attributes of the records, as in profile.
	AttributePrefix string `mapstructure:"attribute_prefix"`

	mistakes lenient.Mistakes
	_        struct{}
}

// defaultEndpoint is next to the ports of OTLP, for this machine only.
const defaultEndpoint = "localhost:4319"

func defaultConfig() *Config {
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = defaultEndpoint
	// A body that takes longer could not be answered any more: see WriteTimeout.
	server.ReadTimeout = server.WriteTimeout
	// All but snappy, which is unpacked as a whole before anybody counts its bytes.
	server.CompressionAlgorithms = []string{"", "gzip", "zstd", "zlib", "deflate", "lz4", "x-snappy-framed"}
	return &Config{
		HTTP:            server,
		Mapping:         mapping.Default(),
		Inference:       inference.DefaultLimits(),
		MaxRows:         100_000,
		MaxInFlightMiB:  64,
		AttributePrefix: otelml.DefaultPrefix,
	}
}

// Unmarshal keeps what cannot be decoded, so that Validate tells all mistakes at
// once.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	c.mistakes = lenient.Unmarshal(conf, c)
	if len(c.mistakes) == 0 {
		return nil
	}
	// A mistake in a key of confighttp ends the decoding: ours are read without these.
	for key := range conf.ToStringMap() {
		if !slices.Contains(ownKeys, key) {
			conf.Delete(key)
		}
	}
	lenient.Unmarshal(conf, c) // what it finds was found before
	return nil
}

// ownKeys are the keys that are not those of confighttp.
var ownKeys = []string{"mapping", "mappings", "inference", "storage", "max_rows", "max_in_flight_mib", "attribute_prefix"}

// Validate reports everything that is wrong, in the user's spelling.
func (c *Config) Validate() error {
	var errs []error
	errs = append(errs, lenient.Under("mapping", c.Mapping.Verify())...)
	for _, model := range slices.Sorted(maps.Keys(c.Mappings)) {
		m := c.Mappings[model]
		errs = append(errs, lenient.Under("mappings["+model+"]", m.Verify())...)
	}
	errs = append(errs, otelml.ValidateNames(c.AttributePrefix, nil))
	if c.HTTP.NetAddr.Endpoint == "" {
		errs = append(errs, errors.New(`endpoint="" names no address; write one such as localhost:4319`))
	}
	for _, n := range []struct {
		key   string
		value int
	}{
		{"max_rows", c.MaxRows}, {"max_in_flight_mib", c.MaxInFlightMiB},
	} {
		if n.value <= 0 {
			errs = append(errs, fmt.Errorf("%s=%d must be positive", n.key, n.value))
		}
	}
	errs = append(errs, c.Inference.Verify()...)
	return c.mistakes.Join(errs...)
}
