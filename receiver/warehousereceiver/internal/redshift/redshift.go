// Package redshift reads Amazon Redshift by its PostgreSQL protocol, with a password
// or with credentials that AWS gives for a while.
package redshift

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"
	"github.com/jackc/pgx/v5"

	credentials "github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/aws"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/postgres"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
)

// Driver is that of Amazon Redshift.
func Driver() *driver.Driver {
	return &driver.Driver{
		Name: "redshift", Dialect: &sqlpage.Redshift,
		Keys:   append([]string{"endpoint", "database", "user", "password", "tls", "parameters", "cluster", "workgroup"}, credentials.Keys...),
		Needs:  []string{"endpoint", "database"},
		Verify: verify,
		Open:   open,
	}
}

func verify(c *driver.Connection) (errs []error) {
	errs = c.Reserved(postgres.Reserved...)
	switch {
	case c.Cluster != "" && c.Workgroup != "":
		errs = append(errs, fmt.Errorf("connection.cluster=%q and connection.workgroup=%q are both there; write the one that it is", c.Cluster, c.Workgroup))
	case c.Cluster == "" && c.Workgroup == "" && (c.User == "" || c.Password == ""):
		errs = append(errs, errors.New("connection.user and connection.password are missing; or write cluster, or workgroup of Redshift Serverless, to use AWS's credentials"))
	case c.Cluster != "" && c.User == "":
		errs = append(errs, errors.New("connection.user is missing; name the database user for whom AWS is asked for credentials"))
	case c.Cluster+c.Workgroup != "" && c.Password != "":
		errs = append(errs, errors.New("connection.password is there beside cluster or workgroup, whose password AWS gives; leave it out"))
	}
	return errs
}

func open(c *driver.Connection, o driver.Options) (driver.Database, error) {
	cfg, err := postgres.Configure(c, "5439")
	if err != nil {
		return nil, err
	}
	return postgres.New(func(ctx context.Context) (*pgx.Conn, error) {
		own := cfg.Copy()
		if c.Cluster+c.Workgroup != "" {
			if own.User, own.Password, err = temporary(ctx, c); err != nil {
				return nil, fmt.Errorf("AWS gives no credentials for the database: %w", err)
			}
		}
		conn, err := pgx.ConnectConfig(ctx, own)
		if err != nil {
			return nil, err
		}
		// Redshift takes no settings when a connection begins.
		for _, statement := range []string{"SET timezone TO 'UTC'", "SET datestyle TO 'ISO'", fmt.Sprintf("SET statement_timeout TO %d", o.Timeout.Milliseconds())} {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return nil, errors.Join(err, conn.Close(ctx))
			}
		}
		return conn, nil
	}), nil
}

// temporary asks AWS for a user and a password that hold for a quarter of an hour:
// as long as connections are begun, which is when they are needed.
func temporary(ctx context.Context, c *driver.Connection) (user, password string, err error) {
	cfg, err := credentials.Load(ctx, c)
	if err != nil {
		return "", "", err
	}
	if c.Workgroup != "" {
		got, err := redshiftserverless.NewFromConfig(cfg).GetCredentials(ctx, &redshiftserverless.GetCredentialsInput{
			WorkgroupName: &c.Workgroup, DbName: &c.Database, DurationSeconds: aws.Int32(int32((15 * time.Minute).Seconds()))})
		if err != nil {
			return "", "", err
		}
		return aws.ToString(got.DbUser), aws.ToString(got.DbPassword), nil
	}
	got, err := redshift.NewFromConfig(cfg).GetClusterCredentials(ctx, &redshift.GetClusterCredentialsInput{
		ClusterIdentifier: &c.Cluster, DbUser: &c.User, DbName: &c.Database, AutoCreate: aws.Bool(false), DurationSeconds: aws.Int32(int32((15 * time.Minute).Seconds()))})
	if err != nil {
		return "", "", err
	}
	return aws.ToString(got.DbUser), aws.ToString(got.DbPassword), nil
}
