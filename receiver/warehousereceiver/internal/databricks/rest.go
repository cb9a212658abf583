package databricks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/rest"
)

// request is a statement.
type request struct {
	Statement   string      `json:"statement"`
	Warehouse   string      `json:"warehouse_id"`
	Catalog     string      `json:"catalog,omitempty"`
	Schema      string      `json:"schema,omitempty"`
	Parameters  []parameter `json:"parameters,omitempty"`
	Wait        string      `json:"wait_timeout"`
	Then        string      `json:"on_wait_timeout"`
	Disposition string      `json:"disposition"`
	Format      string      `json:"format"`
}

// statement is one that was begun, with its result when it has ended.
type statement struct {
	ID       string   `json:"statement_id"`
	Status   status   `json:"status"`
	Manifest manifest `json:"manifest"`
	Result   result   `json:"result"`
}

type status struct {
	State string `json:"state"`
	Error struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
	} `json:"error"`
}

type manifest struct {
	Schema struct {
		Columns []struct {
			Name string `json:"name"`
			Type string `json:"type_name"`
			Text string `json:"type_text"`
		} `json:"columns"`
	} `json:"schema"`
	Truncated bool `json:"truncated"`
}

type result struct {
	Index int         `json:"chunk_index"`
	Next  *int        `json:"next_chunk_index"`
	Rows  [][]*string `json:"data_array"`
}

// ask sends a request and reads its answer.
func (d *database) ask(ctx context.Context, method, path string, body, answer any) error {
	var b []byte
	if body != nil {
		var err error
		if b, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, d.base+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "driftmeter")
	res, err := d.client.Do(req)
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return fmt.Errorf("there is no token from Databricks: %s; check connection.client_id and connection.client_secret", refused.Response.Status)
	}
	if err != nil {
		return rest.Unreachable(err)
	}
	defer func() { _ = res.Body.Close() }() // it has been read
	if res.StatusCode >= 400 {
		return refused(res)
	}
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(answer); err != nil {
		return fmt.Errorf("the answer of Databricks cannot be read: %w", err)
	}
	return nil
}

// refused is why a request was.
func refused(res *http.Response) error {
	var said struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if json.Unmarshal(b, &said) != nil || said.Message == "" {
		said.Message = "nothing more"
	}
	hint := ""
	switch res.StatusCode {
	case http.StatusUnauthorized:
		hint = "; check connection.token, or client_id and client_secret"
	case http.StatusForbidden:
		hint = "; grant CAN USE on the SQL warehouse to the user"
	case http.StatusNotFound:
		hint = "; check connection.endpoint and connection.warehouse"
	}
	return fmt.Errorf("the database says: %s (%s)%s", strings.TrimSuffix(said.Message, "."), strings.TrimSpace(res.Status+" "+said.Code), hint)
}

// hints say what would be right, by the classes of Databricks' errors.
var hints = map[string]string{
	"[TABLE_OR_VIEW_NOT_FOUND]":   "check table or query, connection.catalog and connection.schema",
	"[UNRESOLVED_COLUMN":          "check incremental.column and incremental.keys: the columns of the table or query",
	"[INSUFFICIENT_PERMISSIONS]":  "grant SELECT on it, and USE CATALOG and USE SCHEMA, to the user",
	"PERMISSION_DENIED":           "grant SELECT on it, and USE CATALOG and USE SCHEMA, to the user",
	"[PARSE_SYNTAX_ERROR]":        "check query",
	"[CAST_INVALID_INPUT]":        "check incremental.start",
	"[DATATYPE_MISMATCH":          "check incremental.start and incremental.column",
	"Inline byte limit exceeded.": "lower page_size",
}

// failed is why a statement has not succeeded.
func (s *status) failed() error {
	switch s.State {
	case "CANCELED":
		return errors.New("the statement was cancelled in Databricks; it is tried again at the next run")
	case "CLOSED":
		return errors.New("the statement was closed by Databricks, which gives no rows of it; lower page_size")
	}
	hint := ""
	for class, h := range hints {
		if strings.Contains(s.Error.Message, class) || strings.Contains(s.Error.Code, class) {
			hint = "; " + h
		}
	}
	return fmt.Errorf("the database says: %s (%s)%s", strings.TrimSuffix(s.Error.Message, "."), strings.TrimSpace(s.State+" "+s.Error.Code), hint)
}

// authorized says who asks: with a token, or one that a service principal gets.
func authorized(c *driver.Connection, address string, base http.RoundTripper) http.RoundTripper {
	if c.ClientID == "" {
		return &bearer{token: string(c.Token), file: c.TokenFile, base: base}
	}
	cfg := clientcredentials.Config{ClientID: c.ClientID, ClientSecret: string(c.ClientSecret), TokenURL: address + "/oidc/v1/token",
		Scopes: []string{"all-apis"}, AuthStyle: oauth2.AuthStyleInHeader}
	return &principal{cfg: cfg, client: &http.Client{Transport: base, Timeout: time.Minute}, base: base}
}

// principal puts the token of a service principal into each request, and gets it
// within the time that the request has.
type principal struct {
	cfg    clientcredentials.Config
	client *http.Client
	base   http.RoundTripper
	token  *oauth2.Token
}

// RoundTrip implements http.RoundTripper. A database is used by one goroutine.
func (p *principal) RoundTrip(req *http.Request) (*http.Response, error) {
	if !p.token.Valid() {
		var err error
		if p.token, err = p.cfg.Token(context.WithValue(req.Context(), oauth2.HTTPClient, p.client)); err != nil {
			return nil, err
		}
	}
	req = req.Clone(req.Context())
	p.token.SetAuthHeader(req)
	return p.base.RoundTrip(req)
}

// bearer puts a token into each request; one of a file as it is then.
type bearer struct {
	token, file string
	base        http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b *bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	token := b.token
	if b.file != "" {
		text, err := os.ReadFile(b.file)
		if err != nil {
			return nil, fmt.Errorf("connection.token_file: %w", err)
		}
		token = strings.TrimSpace(string(text))
	}
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+token)
	return b.base.RoundTrip(req)
}
