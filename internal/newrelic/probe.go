package newrelic

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/newrelic/newrelic-telemetry-sdk-go/telemetry"
)

// Probe sends a request without any data and says whether the key would be
// accepted. Nothing is stored by it. New Relic looks at the key first: what it
// says of the empty body, it says to a good key.
func (c *Client) Probe(ctx context.Context, api API) error {
	empty := [NumAPIs]telemetry.MapEntry{telemetry.NewMetricGroup(nil), telemetry.NewEventGroup(nil), telemetry.NewLogGroup(nil)}
	req, err := c.Build(ctx, api, []telemetry.Batch{{empty[api]}})
	if err != nil {
		return err
	}
	_, err = c.Send(api, req)
	f, ok := errors.AsType[*Fault](err)
	switch {
	case !ok:
		return err
	case f.Status == http.StatusBadRequest || f.Status == http.StatusTooManyRequests:
		return nil
	case f.Status == http.StatusUnauthorized || f.Status == http.StatusForbidden:
		return c.refused(api, f)
	case f.Status == 0 || f.Remedy == Retry:
		return err
	}
	return fmt.Errorf("%s answered %d: there is nothing at this address that takes %s; check the endpoint", f.URL, f.Status, api)
}

// refused says why a key may have been refused, from its form and the host.
func (c *Client) refused(api API, f *Fault) error {
	host := c.endpoints.Data[api].Host
	region, known := RegionOf(host)
	of, named := RegionOfKey(c.key)
	kind, name := KindOf(c.key)
	switch {
	case kind != LicenceKey && kind != InsertKey:
		return fmt.Errorf("answered %d: the api_key %s is %s; use a licence key", f.Status, f.Key, name)
	case named && known && of != region:
		return fmt.Errorf("answered %d: the api_key %s is of region %s and the endpoint of region %s; set region: %s", f.Status, f.Key, of, region, of)
	case known && region == EU && !named:
		return fmt.Errorf("answered %d: the endpoint is of region eu, and keys of the EU begin with %s; the api_key %s does not; set region: us", f.Status, regionPrefix, f.Key)
	case known:
		return fmt.Errorf("answered %d: the api_key %s is unknown in region %s: it was deleted, is of another region, or is no licence key (kind INGEST - LICENSE)", f.Status, f.Key, region)
	}
	return fmt.Errorf("answered %d: the api_key %s is unknown at %s: it was deleted, is of another region, or is no licence key (kind INGEST - LICENSE)", f.Status, f.Key, host)
}
