package newrelic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// NerdGraph asks New Relic's GraphQL interface, which needs a user key. It may be
// used by many goroutines.
type NerdGraph struct {
	http *http.Client
	url  *url.URL
	key  string
}

// NewNerdGraph returns a client of the interface at u.
func NewNerdGraph(hc *http.Client, u *url.URL, userKey string) *NerdGraph {
	own := *hc
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &NerdGraph{http: &own, url: u, key: userKey}
}

// ask sends a query and fills data with the member "data" of the answer.
// NerdGraph answers 200 to mistakes too, with a list of errors.
func (g *NerdGraph) ask(ctx context.Context, query string, data any) error {
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("API-Key", g.key)
	resp, err := g.http.Do(req)
	if err != nil {
		return fmt.Errorf("NerdGraph at %s cannot be reached: %w", where(g.url), withoutURL(err))
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("NerdGraph at %s: %w", where(g.url), err)
	}
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("NerdGraph at %s answered %d: it does not accept the user_key %s; check that it is a user key (NRAK-…) that exists, and the region",
			where(g.url), resp.StatusCode, Redact(g.key))
	default:
		said, _ := text(strings.TrimSpace(string(answer)), 200)
		return fmt.Errorf("NerdGraph at %s answered %d (%q)", where(g.url), resp.StatusCode, said)
	}
	var a struct {
		Data   json.RawMessage `json:"data"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return fmt.Errorf("NerdGraph at %s answered what is no JSON: %w", where(g.url), err)
	}
	if len(a.Errors) > 0 {
		var said []string
		for _, e := range a.Errors {
			said = append(said, e.Message)
		}
		return fmt.Errorf("NerdGraph at %s refused: %s", where(g.url), strings.Join(said, "; "))
	}
	return json.Unmarshal(a.Data, data)
}

// Marker is a new version of a model, as a deployment on its entity.
type Marker struct {
	Model, Version string
	At             time.Time
}

// Mark puts a marker on the model's entity. New Relic makes the entity from the
// data, some minutes after the first of it: until then this fails.
func (g *NerdGraph) Mark(ctx context.Context, m Marker) (id string, err error) {
	var data struct {
		Create struct {
			Event *struct {
				ID string `json:"changeTrackingId"`
			} `json:"changeTrackingEvent"`
			Messages []string `json:"messages"`
		} `json:"changeTrackingCreateEvent"`
	}
	if err := g.ask(ctx, m.mutation(), &data); err != nil {
		return "", err
	}
	if data.Create.Event == nil || data.Create.Event.ID == "" {
		return "", fmt.Errorf("NerdGraph made no marker: %s", reasons(data.Create.Messages))
	}
	return data.Create.Event.ID, nil
}

// mutation writes the request. Change tracking's custom attributes are a literal
// of the language, not a variable; so is all the rest of it here.
func (m Marker) mutation() string {
	search := fmt.Sprintf("name='%s' AND domain='MLOPS' AND type='MACHINE_LEARNING_MODEL'", strings.ReplaceAll(m.Model, "'", `\'`))
	return fmt.Sprintf(`mutation { changeTrackingCreateEvent(changeTrackingEvent: {`+
		`categoryAndTypeData: {kind: {category: "deployment", type: "basic"}, categoryFields: {deployment: {version: %s}}}, `+
		`entitySearch: {query: %s}, shortDescription: %s, user: "driftmeter", timestamp: %d}) `+
		`{ changeTrackingEvent { changeTrackingId } messages } }`,
		literal(m.Version), literal(search), literal("Version "+m.Version+" of model "+m.Model+" began to answer"), m.At.UnixMilli())
}

// literal writes a GraphQL string: its escapes are those of JSON.
func literal(s string) string {
	b, _ := json.Marshal(s) // a string always can be
	return string(b)
}

// WhoAmI returns the user that the key belongs to, and asks for an account if it
// is not 0.
func (g *NerdGraph) WhoAmI(ctx context.Context, account int64) (user string, err error) {
	query := "{ actor { user { email } } }"
	if account != 0 {
		query = fmt.Sprintf("{ actor { user { email } account(id: %d) { name } } }", account)
	}
	var data struct {
		Actor struct {
			User    *struct{ Email string }
			Account *struct{ Name string }
		}
	}
	switch err := g.ask(ctx, query, &data); {
	case err != nil:
		return "", err
	case data.Actor.User == nil:
		return "", errors.New("NerdGraph knows no user of this key")
	case account != 0 && data.Actor.Account == nil:
		return data.Actor.User.Email, fmt.Errorf("the user %s cannot see account %d", data.Actor.User.Email, account)
	}
	return data.Actor.User.Email, nil
}

func reasons(messages []string) string {
	if len(messages) == 0 {
		return "no reason given"
	}
	return strings.Join(messages, "; ")
}
