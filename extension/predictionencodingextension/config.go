package predictionencodingextension

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/confmap"

	"github.com/driftmeter/driftmeter/internal/avrorows"
	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/lenient"
	"github.com/driftmeter/driftmeter/internal/mapping"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/record"
	"github.com/driftmeter/driftmeter/internal/rowlog"
)

// Config of the extension.
type Config struct {
	// Format is what a message is: json (an object, an array of them, or some one after the other), ndjson, csv, parquet, avro, cloudevents, or auto, which tells all but avro without a file header and cloudevents apart by their beginning.
	Format string `mapstructure:"format"`
	// Event is what a row is: prediction (with its actuals, if these are known), actual or reference.
	Event string `mapstructure:"event"`
	// Mapping says what columns and paths are, in the same words for every source; docs/sources.md explains it.
	Mapping mapping.Config `mapstructure:"mapping"`
	// Mappings are mappings of single models, by name, instead of mapping: of rows that name their model, and of inference servers.
	Mappings map[string]mapping.Config `mapstructure:"mappings"`
	// OnError is what becomes of a message with rows that cannot be used: drop leaves these out, counts and logs them; refuse returns a permanent error, and the receiver decides about the whole message.
	OnError string `mapstructure:"on_error"`
	// MaxRows is how many predictions one message may hold.
	MaxRows int `mapstructure:"max_rows"`
	// MaxMessageMiB is how large a message may be.
	MaxMessageMiB int `mapstructure:"max_message_mib"`
	// Avro is about messages in Avro.
	Avro AvroConfig `mapstructure:"avro"`
	// Inference is about events of inference servers, whose requests and responses come apart.
	Inference inference.Limits `mapstructure:"inference"`
	// Storage is the extension that keeps requests and responses of inference servers until the other comes, such as file_storage, so that what was read outlives the process; without it they wait in memory.
	Storage *component.ID `mapstructure:"storage"`
	// AttributePrefix begins the attributes of the records, as in profile.
	AttributePrefix string `mapstructure:"attribute_prefix"`

	mistakes lenient.Mistakes
	_        struct{}
}

// AvroConfig says where schemas come from. Container files bring theirs along.
type AvroConfig struct {
	// Schema is the schema of messages that are a datum each and bring none along.
	Schema string `mapstructure:"schema"`
	// SchemaFile is a file with it.
	SchemaFile string `mapstructure:"schema_file"`
	// Registry is a schema registry with the interface of Confluent's: messages begin with a zero byte and the id of their schema.
	Registry RegistryConfig `mapstructure:"registry"`
	// MaxUnpackedMiB is what the blocks of one container file may unfold to.
	MaxUnpackedMiB int `mapstructure:"max_unpacked_mib"`
	_              struct{}
}

// RegistryConfig says how a registry is asked. The keys of confighttp's client
// stand beside these: endpoint, tls, auth, headers, timeout, ….
type RegistryConfig struct {
	// Client has the keys of confighttp.
	Client confighttp.ClientConfig `mapstructure:",squash"`
	// MaxWait is how long a message waits while the registry gives no answer; 0 is as long as it takes. Then the message is refused with an error, never dropped.
	MaxWait time.Duration `mapstructure:"max_wait"`
	// MaxSchemas is how many schemas are remembered.
	MaxSchemas int `mapstructure:"max_schemas"`
	_          struct{}
}

// The formats beside those of rowlog.
const (
	formatAuto   = "auto"
	formatAvro   = "avro"
	formatEvents = "cloudevents"
)

var formats = []string{rowlog.JSON, rowlog.NDJSON, rowlog.CSV, rowlog.Parquet, formatAvro, formatEvents, formatAuto}

var events = map[string]record.Event{"prediction": record.Prediction, "actual": record.Actual, "reference": record.Reference}

// The values of on_error.
const (
	onErrorDrop   = "drop"
	onErrorRefuse = "refuse"
)

func defaultConfig() *Config {
	client := confighttp.NewDefaultClientConfig()
	client.Timeout = 10 * time.Second
	return &Config{
		Format:          rowlog.JSON,
		Event:           "prediction",
		Mapping:         mapping.Default(),
		OnError:         onErrorDrop,
		MaxRows:         100_000,
		MaxMessageMiB:   16,
		Avro:            AvroConfig{Registry: RegistryConfig{Client: client, MaxSchemas: 1000}, MaxUnpackedMiB: 64},
		Inference:       inference.DefaultLimits(),
		AttributePrefix: otelml.DefaultPrefix,
	}
}

// Unmarshal keeps what cannot be decoded, so that Validate tells all mistakes at
// once.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	c.mistakes = lenient.Unmarshal(conf, c)
	return nil
}

// Validate reports everything that is wrong, in the user's spelling.
func (c *Config) Validate() error {
	var errs []error
	oneOf := func(key, value string, known []string) {
		if !slices.Contains(known, value) {
			errs = append(errs, fmt.Errorf("%s=%q is unknown; known: %s", key, value, strings.Join(known, ", ")))
		}
	}
	oneOf("format", c.Format, formats)
	oneOf("event", c.Event, slices.Sorted(maps.Keys(events)))
	oneOf("on_error", c.OnError, []string{onErrorDrop, onErrorRefuse})
	errs = append(errs, lenient.Under("mapping", c.Mapping.Verify())...)
	for _, model := range slices.Sorted(maps.Keys(c.Mappings)) {
		m := c.Mappings[model]
		errs = append(errs, lenient.Under("mappings["+model+"]", m.Verify())...)
	}
	errs = append(errs, otelml.ValidateNames(c.AttributePrefix, nil))
	for _, n := range []struct {
		key   string
		value int
	}{
		{"max_rows", c.MaxRows}, {"max_message_mib", c.MaxMessageMiB},
		{"avro.max_unpacked_mib", c.Avro.MaxUnpackedMiB}, {"avro.registry.max_schemas", c.Avro.Registry.MaxSchemas},
	} {
		if n.value <= 0 {
			errs = append(errs, fmt.Errorf("%s=%d must be positive", n.key, n.value))
		}
	}
	errs = append(errs, c.Inference.Verify()...)
	if c.Format == formatEvents && c.Event != "prediction" {
		errs = append(errs, fmt.Errorf("event=%q has no events of inference servers; they are predictions", c.Event))
	}
	errs = append(errs, c.Avro.verify(c.Format)...)
	return c.mistakes.Join(errs...)
}

// verify reports what is wrong about schemas.
func (a *AvroConfig) verify(format string) (errs []error) {
	endpoint := a.Registry.Client.Endpoint
	var set []string
	for _, s := range []struct{ key, value string }{{"schema", a.Schema}, {"schema_file", a.SchemaFile}, {"registry.endpoint", endpoint}} {
		if s.value != "" {
			set = append(set, "avro."+s.key)
		}
	}
	if len(set) > 1 {
		errs = append(errs, fmt.Errorf("%s are given together; a message has its schema from one of them", strings.Join(set, ", ")))
	}
	if len(set) > 0 && format != formatAvro {
		errs = append(errs, fmt.Errorf("%s is given, and format=%q reads no Avro; write format: avro", set[0], format))
	}
	if a.Schema != "" {
		if _, err := avrorows.Parse(a.Schema); err != nil {
			errs = append(errs, fmt.Errorf("avro.schema %w", err))
		}
	}
	if endpoint != "" {
		if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			errs = append(errs, fmt.Errorf("avro.registry.endpoint=%q is no URL; write one such as https://registry:8081", endpoint))
		}
		if a.Registry.Client.Timeout <= 0 {
			errs = append(errs, fmt.Errorf("avro.registry.timeout=%s must be positive, or a registry that hangs stops everything", a.Registry.Client.Timeout))
		}
	}
	if a.Registry.MaxWait < 0 {
		errs = append(errs, fmt.Errorf("avro.registry.max_wait=%s must not be negative; 0 is as long as it takes", a.Registry.MaxWait))
	}
	return errs
}

// errNoSchema says that nothing names the schema of a message.
var errNoSchema = errors.New("is no container file, and neither avro.schema, avro.schema_file nor avro.registry says what it is")
