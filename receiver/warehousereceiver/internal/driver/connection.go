package driver

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configtls"
)

// Connection says where the database is and who asks. Which keys there are depends
// on the driver.
type Connection struct {
	// Endpoint is host:port, or the path of a Unix socket.
	Endpoint string `mapstructure:"endpoint"`
	// Database is the database to connect to.
	Database string `mapstructure:"database"`
	// User is who asks.
	User string `mapstructure:"user"`
	// Password is the user's.
	Password configopaque.String `mapstructure:"password"`
	// TLS has the keys of the Collector's clients. TLS is used, and certificates are verified, unless it says insecure: true.
	TLS *configtls.ClientConfig `mapstructure:"tls"`
	// Parameters are settings of the session or of the driver, such as search_path.
	Parameters map[string]string `mapstructure:"parameters"`
	// Region is the region of AWS, if it is not in its environment or configuration.
	Region string `mapstructure:"region"`
	// Profile is a profile of AWS's shared configuration.
	Profile string `mapstructure:"profile"`
	// RoleARN is a role of AWS to take.
	RoleARN string `mapstructure:"role_arn"`
	// Cluster is the identifier of a cluster of Amazon Redshift: its credentials are asked of AWS (IAM).
	Cluster string `mapstructure:"cluster"`
	// Workgroup is that of Redshift Serverless, likewise; or of Athena, primary if absent.
	Workgroup string `mapstructure:"workgroup"`
	// Catalog is the data source of Athena in which the database is; the catalogue of AWS Glue if absent. Of Databricks that of tables whose names have none.
	Catalog string `mapstructure:"catalog"`
	// OutputLocation is where Athena puts results, such as s3://bucket/folder/; the workgroup's if absent.
	OutputLocation string `mapstructure:"output_location"`
	// Account is that of Snowflake: organization-account, or its locator.
	Account string `mapstructure:"account"`
	// Warehouse is that in which statements run: of Snowflake its name, the user's default if absent; of Databricks its id.
	Warehouse string `mapstructure:"warehouse"`
	// Role is that of Snowflake with which statements run; the user's default if absent.
	Role string `mapstructure:"role"`
	// Schema is the one of tables whose names have none; the user's default if absent.
	Schema string `mapstructure:"schema"`
	// PrivateKey is the user's key as PEM, without a password of its own.
	PrivateKey configopaque.String `mapstructure:"private_key"`
	// PrivateKeyFile is a file with it.
	PrivateKeyFile string `mapstructure:"private_key_file"`
	// Token is an access token: of OAuth, or one that the vendor gives to programs.
	Token configopaque.String `mapstructure:"token"`
	// TokenFile is a file with it, which is read for each request, so that it may be renewed.
	TokenFile string `mapstructure:"token_file"`
	// ClientID is that of a service principal of Databricks, which gets its tokens by OAuth.
	ClientID string `mapstructure:"client_id"`
	// ClientSecret is the service principal's.
	ClientSecret configopaque.String `mapstructure:"client_secret"`
	// Project is the project of Google Cloud that pays for queries.
	Project string `mapstructure:"project"`
	// Location is where the data of BigQuery are, such as EU, if it does not find out itself.
	Location string `mapstructure:"location"`
	// CredentialsFile is the file of a key or configuration of Google Cloud; if absent, they are looked for where its own tools do (Application Default Credentials).
	CredentialsFile string `mapstructure:"credentials_file"`
	// Credentials is what stands in such a file: JSON, or base64 of it.
	Credentials configopaque.String `mapstructure:"credentials"`
	// MaxBytesBilled refuses a page that would be billed with more.
	MaxBytesBilled int64 `mapstructure:"max_bytes_billed"`
	_              struct{}
}

type key struct {
	name string
	set  bool
}

// keys are those of the configuration, and whether they have a value.
func (c *Connection) keys() (all []key) {
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("mapstructure"); name != "" {
			all = append(all, key{name, !v.Field(i).IsZero()})
		}
	}
	return all
}

// TLSConfig returns the configuration for a host, nil for a connection without TLS.
func (c *Connection) TLSConfig(ctx context.Context, host string) (*tls.Config, error) {
	var client configtls.ClientConfig
	if c.TLS != nil {
		client = *c.TLS
	}
	t, err := client.LoadTLSConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("connection.tls: %w", err)
	}
	if t != nil && t.ServerName == "" {
		t.ServerName = host
	}
	return t, nil
}

// Reserved tells of parameters that are the receiver's own: with others, rows would
// be read as what they are not, or be written.
func (c *Connection) Reserved(names ...string) (errs []error) {
	for name := range c.Parameters {
		if slices.ContainsFunc(names, func(own string) bool { return strings.EqualFold(own, name) }) {
			errs = append(errs, fmt.Errorf("connection.parameters.%s cannot be set: times are read in UTC, by sessions that only read, within timeout", name))
		}
	}
	return errs
}

// HostPort takes the endpoint apart, with a port if it has none.
func (c *Connection) HostPort(port string) (string, string, error) {
	host, p, err := net.SplitHostPort(c.Endpoint)
	if err != nil {
		host, p, err = net.SplitHostPort(net.JoinHostPort(c.Endpoint, port))
	}
	if err != nil || host == "" {
		return "", "", fmt.Errorf("connection.endpoint=%q is no address; write host:%s", c.Endpoint, port)
	}
	return host, p, nil
}
