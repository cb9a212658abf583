// Package newrelic is what Driftmeter knows of New Relic's ingest interfaces:
// where they are, which keys they take, what they accept, what their answers
// mean and how a list of things is cut into requests. Requests are built by the
// telemetry SDK's request factories. It knows nothing of pdata and of queues.
package newrelic

import (
	"fmt"
	"net/url"
	"strings"
)

// Region is one of New Relic's data centres. An account lives in one of them,
// and its keys are not known in the others.
type Region string

// The regions with hosts for all that we send.
const (
	US      Region = "us"
	EU      Region = "eu"
	FedRAMP Region = "fedramp"
)

// Regions returns all of them, in the order in which they are documented.
func Regions() []Region { return []Region{US, EU, FedRAMP} }

// API is one of the interfaces that take data.
type API uint8

// The interfaces.
const (
	Metrics API = iota
	Events
	Logs
	NumAPIs
)

var apiNames = [NumAPIs]string{"metrics", "events", "logs"}

// String returns the word of the interface in keys and log lines.
func (a API) String() string { return apiNames[a] }

// Endpoints are whole URLs.
type Endpoints struct {
	Data    [NumAPIs]*url.URL
	GraphQL *url.URL // nil: the region has none
}

var hosts = map[Region]struct {
	data    [NumAPIs]string
	graphQL string
}{
	US: {[NumAPIs]string{"metric-api.newrelic.com", "insights-collector.newrelic.com", "log-api.newrelic.com"},
		"api.newrelic.com"},
	EU: {[NumAPIs]string{"metric-api.eu.newrelic.com", "insights-collector.eu01.nr-data.net", "log-api.eu.newrelic.com"},
		"api.eu.newrelic.com"},
	FedRAMP: {[NumAPIs]string{"gov-metric-api.newrelic.com", "gov-insights-collector.newrelic.com", "gov-log-api.newrelic.com"},
		""},
}

const graphQLPath = "/graphql"

// path returns the path of an interface. The Event API takes the account in it
// and does without; account 0 leaves it out.
func path(api API, account int64) string {
	switch {
	case api == Metrics:
		return "/metric/v1"
	case api == Logs:
		return "/log/v1"
	case account != 0:
		return fmt.Sprintf("/v1/accounts/%d/events", account)
	}
	return "/v1/accounts/events"
}

// EndpointsOf returns the endpoints of a region.
func EndpointsOf(r Region, account int64) (Endpoints, error) {
	h, ok := hosts[r]
	if !ok {
		return Endpoints{}, fmt.Errorf("region=%q is unknown; known regions: us, eu, fedramp; for others set the endpoints", r)
	}
	var e Endpoints
	for api, host := range h.data {
		e.Data[api] = &url.URL{Scheme: "https", Host: host, Path: path(API(api), account)}
	}
	if h.graphQL != "" {
		e.GraphQL = &url.URL{Scheme: "https", Host: h.graphQL, Path: graphQLPath}
	}
	return e, nil
}

// EndpointsBelow returns the endpoints of a relay that serves all interfaces
// below one URL, each at its usual path.
func EndpointsBelow(base *url.URL, account int64) Endpoints {
	below := func(p string) *url.URL {
		u := *base
		u.Path = strings.TrimSuffix(u.Path, "/") + p
		u.RawPath = ""
		return &u
	}
	var e Endpoints
	for api := range e.Data {
		e.Data[api] = below(path(API(api), account))
	}
	e.GraphQL = below(graphQLPath)
	return e
}

// RegionOf returns the region that a host of New Relic belongs to; ok is false
// for hosts that are not New Relic's.
func RegionOf(host string) (Region, bool) {
	for _, r := range Regions() {
		h := hosts[r]
		for _, name := range append(h.data[:], h.graphQL) {
			if name == host {
				return r, true
			}
		}
	}
	return "", false
}
