package snowflake

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/rest"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
)

// longest is the longest wait between two looks at a statement that runs.
const longest = 5 * time.Second

// database is an account of Snowflake, as a user and a role see it.
type database struct {
	base       string // of the URLs
	client     *http.Client
	login      login
	timeout    time.Duration
	pause      time.Duration // before the first look at a statement that runs
	warehouse  string
	role       string
	database   string
	schema     string
	parameters map[string]string
}

// request is the statement.
type request struct {
	Statement  string             `json:"statement"`
	Timeout    int                `json:"timeout"` // in seconds
	Warehouse  string             `json:"warehouse,omitempty"`
	Role       string             `json:"role,omitempty"`
	Database   string             `json:"database,omitempty"`
	Schema     string             `json:"schema,omitempty"`
	Bindings   map[string]binding `json:"bindings,omitempty"`
	Parameters map[string]string  `json:"parameters"`
}

// answer is a result, or a part of one, or what went wrong.
type answer struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	Handle   string `json:"statementHandle"`
	Metadata struct {
		Rows       int64      `json:"numRows"`
		Columns    []column   `json:"rowType"`
		Partitions []struct{} `json:"partitionInfo"`
	} `json:"resultSetMetaData"`
	Data [][]*string `json:"data"`
}

// Read implements driver.Database.
func (d *database) Read(ctx context.Context, page sqlpage.Page, each driver.Each) error {
	a, err := d.run(ctx, page)
	if err != nil {
		return err
	}
	handle, meta := a.Handle, a.Metadata
	columns, row := columnsOf(meta.Columns), make([]any, len(meta.Columns))
	var read int64
	for part := 0; ; {
		for _, cells := range a.Data {
			if len(cells) != len(columns) {
				return fmt.Errorf("a row of %d values in %d columns", len(cells), len(columns))
			}
			for i, c := range cells {
				row[i] = meta.Columns[i].value(c)
			}
			read++
			if more, err := each(columns, row); err != nil || !more {
				return err
			}
		}
		if part++; part >= len(meta.Partitions) {
			break
		}
		a = &answer{}
		status, err := d.ask(ctx, http.MethodGet, "/"+url.PathEscape(handle), url.Values{"partition": {strconv.Itoa(part)}}, nil, a)
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			return fmt.Errorf("part %d of the result: %w", part, failure(status, a))
		}
	}
	if read != meta.Rows {
		return fmt.Errorf("the result has %d rows, of which %d came", meta.Rows, read)
	}
	return nil
}

// run sends a statement, and waits until it has been run.
func (d *database) run(ctx context.Context, page sqlpage.Page) (*answer, error) {
	bindings, err := bind(page.Args)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(request{Statement: page.SQL, Timeout: int(d.timeout.Seconds()), Warehouse: d.warehouse, Role: d.role, Database: d.database,
		Schema: d.schema, Bindings: bindings, Parameters: d.parameters})
	if err != nil {
		return nil, err
	}
	a := &answer{}
	// The handle comes at once, so that the statement can be stopped whenever we end.
	status, err := d.ask(ctx, http.MethodPost, "", url.Values{"requestId": {identity()}, "async": {"true"}}, body, a)
	handle := a.Handle
	for wait := d.pause; err == nil && status == http.StatusAccepted && handle != ""; wait = min(2*wait, longest) {
		if err = driver.Pause(ctx, wait); err == nil {
			a = &answer{}
			status, err = d.ask(ctx, http.MethodGet, "/"+url.PathEscape(handle), nil, nil, a)
		}
	}
	switch {
	case err != nil && handle != "" && ctx.Err() != nil:
		return nil, errors.Join(err, d.stop(ctx, handle))
	case err != nil:
		return nil, err
	case status != http.StatusOK:
		return nil, failure(status, a)
	case len(a.Metadata.Columns) == 0 || a.Metadata.Rows > 0 && a.Data == nil:
		return nil, fmt.Errorf("the answer has no rows: %s (%s); lower page_size", a.Message, a.Code)
	}
	if a.Handle == "" {
		a.Handle = handle
	}
	return a, nil
}

// identity names a request: a random UUID.
func identity() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// stop ends a statement that nobody waits for any longer, since it costs money.
func (d *database) stop(ctx context.Context, handle string) error {
	ctx, cancel := driver.Parting(ctx)
	defer cancel()
	if _, err := d.ask(ctx, http.MethodPost, "/"+url.PathEscape(handle)+"/cancel", nil, nil, &answer{}); err != nil {
		return fmt.Errorf("the statement was not stopped: %w", err)
	}
	return nil
}

// ask sends a request. What the answer says of an error may be no JSON: of a proxy.
func (d *database) ask(ctx context.Context, method, path string, query url.Values, body []byte, a *answer) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, method, d.base+path+"?"+query.Encode(), bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	token, kind, err := d.login.bearer(time.Now())
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if kind != "" {
		r.Header.Set("X-Snowflake-Authorization-Token-Type", kind)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "driftmeter/1.0")
	got, err := d.client.Do(r)
	if err != nil {
		return 0, rest.Unreachable(err)
	}
	defer func() { _ = got.Body.Close() }() // it has been read
	b, err := io.ReadAll(got.Body)
	if err != nil {
		return 0, fmt.Errorf("the answer of Snowflake breaks off: %w", err)
	}
	*a = answer{}
	if err := json.Unmarshal(b, a); err != nil && got.StatusCode < http.StatusBadRequest {
		return got.StatusCode, fmt.Errorf("an answer that is none of Snowflake's: %w; check connection.account and connection.endpoint", err)
	}
	return got.StatusCode, nil
}

// again says of a statement that it was sent before, so that it is not run twice.
func again(r *http.Request) {
	if r.Method == http.MethodPost {
		q := r.URL.Query()
		q.Set("retry", "true")
		r.URL.RawQuery = q.Encode()
	}
}

// Close implements driver.Database.
func (d *database) Close() error {
	d.client.CloseIdleConnections()
	return nil
}

// failure says what went wrong, and what would be right.
func failure(status int, a *answer) error {
	hint := map[string]string{
		"000606": "write connection.warehouse",
		"000904": "check incremental.column and incremental.keys: the columns of the table or query",
		"002003": "check table or query, connection.database and connection.schema, and what connection.role may read",
		"002043": "check table or query, connection.database and connection.schema, and what connection.role may read",
		"390144": "check connection.account and connection.user, whether its RSA_PUBLIC_KEY belongs to the private key, and the machine's clock",
		"390189": "check connection.role, and whether the user has it",
		"390303": "the token is not taken: check it, and connection.account",
		"390318": "the token has expired; use connection.token_file if something renews it, or a private key",
		"390422": "a network policy of the account does not let this machine in",
	}[a.Code]
	switch {
	case hint != "":
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		hint = "check connection.account, connection.user and the key or token"
	case status == http.StatusNotFound:
		hint = "check connection.account and connection.endpoint"
	case status == http.StatusRequestTimeout:
		hint = "the statement took longer than timeout"
	case status == http.StatusTooManyRequests:
		hint = "too much is asked of the account at once"
	}
	if hint != "" {
		hint = "; " + hint
	}
	if a.Message == "" {
		return fmt.Errorf("the account of Snowflake answers with status %d%s", status, hint)
	}
	return fmt.Errorf("the account of Snowflake says: %s (%s)%s", a.Message, a.Code, hint)
}
