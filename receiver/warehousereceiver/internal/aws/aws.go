// Package aws finds the configuration of AWS where its own tools do: environment,
// shared files, roles of the machine.
package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
)

// Keys are those of a connection that Load knows.
var Keys = []string{"region", "profile", "role_arn"}

// Load returns the configuration of a connection.
func Load(ctx context.Context, c *driver.Connection) (aws.Config, error) {
	var options []func(*config.LoadOptions) error
	if c.Region != "" {
		options = append(options, config.WithRegion(c.Region))
	}
	if c.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(c.Profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err == nil && c.RoleARN != "" {
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), c.RoleARN))
	}
	return cfg, err
}
