package driver

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"reflect"

	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configtls"
)

// Connection says where the database is and who asks. Which keys there are depends
// on the driver.
type Connection struct {
	// Endpoint is host:port, the path of a Unix socket or of its directory, or the URL of a vendor's interface if it is not the usual one.
	Endpoint string `mapstructure:"endpoint"`
	// Database is the database (of BigQuery, the data set) that names without one are of.
	Database string `mapstructure:"database"`
	// Schema is the schema, likewise.
	Schema string `mapstructure:"schema"`
	// User is who asks.
	User string `mapstructure:"user"`
	// Password is the user's.
	Password configopaque.String `mapstructure:"password"`
	// Token is an access token, instead of user and password.
	Token configopaque.String `mapstructure:"token"`
	// TLS has the keys of the Collector's clients. TLS is used, and certificates are verified, unless it says insecure: true.
	TLS *configtls.ClientConfig `mapstructure:"tls"`
	// Parameters are settings of the session or of the driver, such as search_path.
	Parameters map[string]string `mapstructure:"parameters"`
	// Account is the account of Snowflake, such as myorg-account1.
	Account string `mapstructure:"account"`
	// Warehouse is what computes in Snowflake, or the id of a SQL warehouse of Databricks.
	Warehouse string `mapstructure:"warehouse"`
	// Role is the role that is taken in Snowflake.
	Role string `mapstructure:"role"`
	// PrivateKeyFile is a file with a private key (PKCS #8, PEM) for Snowflake, instead of a password.
	PrivateKeyFile string `mapstructure:"private_key_file"`
	// Project is the project of Google Cloud that pays for queries.
	Project string `mapstructure:"project"`
	// Location is where BigQuery computes, such as EU.
	Location string `mapstructure:"location"`
	// CredentialsFile is a file with credentials of Google Cloud, if they are not found where its libraries look.
	CredentialsFile string `mapstructure:"credentials_file"`
	// Region is the region of AWS, if it is not in its environment or configuration.
	Region string `mapstructure:"region"`
	// Profile is a profile of AWS's shared configuration.
	Profile string `mapstructure:"profile"`
	// RoleARN is a role of AWS to take.
	RoleARN string `mapstructure:"role_arn"`
	// Cluster is the identifier of a cluster of Amazon Redshift: its credentials are asked of AWS (IAM).
	Cluster string `mapstructure:"cluster"`
	// Workgroup is that of Redshift Serverless, or of Athena.
	Workgroup string `mapstructure:"workgroup"`
	// DataAPI says to ask Redshift by AWS's Data API instead of a connection of its own.
	DataAPI bool `mapstructure:"data_api"`
	// Catalog is the data catalog of Athena, or the catalog of Databricks; AwsDataCatalog if absent.
	Catalog string `mapstructure:"catalog"`
	// OutputLocation is where Athena writes results, such as s3://bucket/prefix/, unless its workgroup says it.
	OutputLocation string `mapstructure:"output_location"`
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
