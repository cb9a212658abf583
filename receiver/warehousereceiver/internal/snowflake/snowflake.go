// Package snowflake reads Snowflake by its SQL API: statements and pages of rows as
// JSON over HTTP, so that no driver with all of its dependencies is compiled in.
package snowflake

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/rest"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
)

// Driver is that of Snowflake. The API has no transactions that only read: a
// request is one statement, and that can but select.
func Driver() *driver.Driver {
	return &driver.Driver{
		Name: "snowflake", Dialect: &sqlpage.Snowflake,
		Keys: []string{"account", "endpoint", "user", "private_key", "private_key_file", "token", "token_file", "warehouse", "role", "database", "schema", "tls",
			"parameters"},
		Needs:  []string{"account"},
		Typed:  true,
		Verify: verify,
		Open:   open,
	}
}

// settings of a session that change nothing of what is read.
var settings = []string{"query_tag", "use_cached_result"}

var isAccount = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

func verify(c *driver.Connection) (errs []error) {
	if c.Account != "" && (!isAccount.MatchString(c.Account) || strings.Contains(c.Account, "snowflakecomputing")) {
		errs = append(errs, fmt.Errorf("connection.account=%q is no account; write organization-account, such as acme-prod, or its locator, such as xy12345.eu-central-1", c.Account))
	}
	if err := rest.Verify(c); err != nil {
		errs = append(errs, err)
	}
	var ways []string
	for name, set := range map[string]bool{"private_key": c.PrivateKey != "", "private_key_file": c.PrivateKeyFile != "", "token": c.Token != "", "token_file": c.TokenFile != ""} {
		if set {
			ways = append(ways, "connection."+name)
		}
	}
	slices.Sort(ways)
	switch {
	case len(ways) == 0:
		errs = append(errs, errors.New("connection.private_key is missing; write it, or private_key_file, token or token_file"))
	case len(ways) > 1:
		errs = append(errs, fmt.Errorf("%s are there; write one of them", strings.Join(ways, " and ")))
	case strings.HasPrefix(ways[0], "connection.private_key") && c.User == "":
		errs = append(errs, errors.New("connection.user is missing; name the user whose key it is"))
	}
	if c.PrivateKey != "" {
		if _, err := privateKey([]byte(c.PrivateKey)); err != nil {
			errs = append(errs, fmt.Errorf("connection.private_key %w", err))
		}
	}
	for name := range c.Parameters {
		if !slices.Contains(settings, strings.ToLower(name)) {
			errs = append(errs, fmt.Errorf("connection.parameters.%s cannot be set; those that can: %s", name, strings.Join(settings, ", ")))
		}
	}
	return errs
}

func open(c *driver.Connection, o driver.Options) (driver.Database, error) {
	own := *c
	if own.Endpoint == "" {
		own.Endpoint = strings.ReplaceAll(strings.ToLower(c.Account), "_", "-") + ".snowflakecomputing.com"
	}
	address, transport, err := rest.Address(context.Background(), own)
	if err != nil {
		return nil, err
	}
	transport.Again = again
	d := &database{base: address + "/api/v2/statements", client: &http.Client{Transport: transport}, timeout: o.Timeout, pause: 250 * time.Millisecond,
		warehouse: stored(c.Warehouse), role: stored(c.Role), database: stored(c.Database), schema: stored(c.Schema)}
	if d.login, err = newLogin(c); err != nil {
		return nil, err
	}
	// Times are read and written as UTC, whatever the account says; binary data as digits.
	d.parameters = map[string]string{"timezone": "UTC", "binary_output_format": "HEX", "query_tag": "driftmeter"}
	for name, v := range c.Parameters {
		d.parameters[strings.ToLower(name)] = v
	}
	return d, nil
}

// stored is a name as Snowflake keeps it, of one that is written as in SQL. The API
// wants the former.
func stored(name string) string {
	if inside, quoted := strings.CutPrefix(name, `"`); quoted {
		return strings.ReplaceAll(strings.TrimSuffix(inside, `"`), `""`, `"`)
	}
	return strings.ToUpper(name)
}
