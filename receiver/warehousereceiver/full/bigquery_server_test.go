package full

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// cloud answers as Google's documentation says: tokens of service accounts, and of
// BigQuery jobs.insert (dry runs), jobs.query, jobs.getQueryResults, jobs.cancel.
type cloud struct {
	*httptest.Server
	account string // JSON of a service account
	// run answers a statement.
	run func(sql string, args map[string]string) result
	// fail answers a request in place of the server, unless status is 0.
	fail func(route string, call int) (status int, reason, message string)
	// rows are how many come with one answer, pending how often a job still runs.
	rows, pending int

	mu       sync.Mutex
	calls    map[string]int
	queries  []query
	results  map[string]result
	canceled []string
	waiting  chan string // jobs that are polled with pending < 0, for which nothing comes
}

// result is what a statement gives: the schema as the documentation has it.
type result struct {
	statement string            // SELECT if absent
	types     map[string]string // of parameters
	schema    string
	cells     [][]any
}

// query is what was asked.
type query struct {
	Query          string `json:"query"`
	ParameterMode  string `json:"parameterMode"`
	UseLegacySQL   *bool  `json:"useLegacySql"`
	Location       string `json:"location"`
	MaxBytes       string `json:"maximumBytesBilled"`
	JobTimeout     string `json:"jobTimeoutMs"`
	MaxResults     int    `json:"maxResults"`
	RequestID      string `json:"requestId"`
	DefaultDataset struct {
		ProjectID string `json:"projectId"`
		DatasetID string `json:"datasetId"`
	} `json:"defaultDataset"`
	Parameters []struct {
		Name  string                  `json:"name"`
		Type  struct{ Type string }   `json:"parameterType"`
		Value struct{ Value *string } `json:"parameterValue"`
	} `json:"queryParameters"`
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{rows: 1000, calls: map[string]int{}, results: map[string]result{}, waiting: make(chan string, 10)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || r.FormValue("assertion") == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		write(w, map[string]any{"access_token": "let-me-in", "token_type": "Bearer", "expires_in": 3600})
	})
	const base = "/bigquery/v2/projects/{project}"
	mux.HandleFunc("POST "+base+"/jobs", c.route("insert", c.insert))
	mux.HandleFunc("POST "+base+"/queries", c.route("query", c.query))
	mux.HandleFunc("GET "+base+"/queries/{job}", c.route("results", c.more))
	mux.HandleFunc("POST "+base+"/jobs/{job}/cancel", c.route("cancel", func(w http.ResponseWriter, r *http.Request) {
		c.canceled = append(c.canceled, r.PathValue("job")+" in "+r.FormValue("location"))
		write(w, map[string]any{"kind": "bigquery#jobCancelResponse"})
	}))
	c.Server = httptest.NewServer(mux)
	t.Cleanup(c.Close)
	account, err := json.Marshal(map[string]string{"type": "service_account", "project_id": "own", "private_key_id": "1", "client_email": "reader@own.iam.gserviceaccount.com",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": c.URL + "/token"})
	if err != nil {
		t.Fatal(err)
	}
	c.account = string(account)
	return c
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client says what it misses
}

func refuse(w http.ResponseWriter, status int, reason, message string) {
	w.Header().Set("Retry-After", "0")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": status, "message": message, "status": "X",
		"errors": []any{map[string]any{"domain": "global", "reason": reason, "message": message}}}})
}

// route lets in who has the token, one at a time, and fails as the test says.
func (c *cloud) route(name string, then http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.calls[name]++
		if r.Header.Get("Authorization") != "Bearer let-me-in" {
			refuse(w, http.StatusUnauthorized, "authError", "Request had invalid authentication credentials.")
			return
		}
		if c.fail != nil {
			if status, reason, message := c.fail(name, c.calls[name]); status != 0 {
				refuse(w, status, reason, message)
				return
			}
		}
		then(w, r)
	}
}

func (c *cloud) insert(w http.ResponseWriter, r *http.Request) {
	var job struct {
		Configuration struct {
			DryRun bool  `json:"dryRun"`
			Query  query `json:"query"`
		} `json:"configuration"`
	}
	if err := json.NewDecoder(r.Body).Decode(&job); err != nil || !job.Configuration.DryRun || len(job.Configuration.Query.Parameters) > 0 {
		refuse(w, http.StatusBadRequest, "invalid", "a dry run without parameters is expected")
		return
	}
	res := c.run(job.Configuration.Query.Query, nil)
	if res.statement == "" {
		res.statement = "SELECT"
	}
	var undeclared []any
	for i := 1; strings.Contains(job.Configuration.Query.Query, fmt.Sprintf("@p%d", i)); i++ {
		name := fmt.Sprintf("p%d", i)
		if kind := res.types[name]; kind != "" {
			undeclared = append(undeclared, map[string]any{"name": name, "parameterType": map[string]any{"type": kind}})
		}
	}
	write(w, map[string]any{"kind": "bigquery#job", "status": map[string]any{"state": "DONE"},
		"statistics": map[string]any{"query": map[string]any{"statementType": res.statement, "undeclaredQueryParameters": undeclared, "totalBytesProcessed": "10"}}})
}

func (c *cloud) query(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	var q query
	if err := json.Unmarshal(b, &q); err != nil || q.UseLegacySQL == nil || *q.UseLegacySQL || !strings.Contains(string(b), `"useInt64Timestamp":true`) {
		refuse(w, http.StatusBadRequest, "invalid", "GoogleSQL is expected")
		return
	}
	c.queries = append(c.queries, q)
	args := map[string]string{}
	for _, p := range q.Parameters {
		if p.Value.Value != nil {
			args[p.Name] = p.Type.Type + " " + *p.Value.Value
		}
	}
	job := fmt.Sprintf("job_%d", len(c.queries))
	c.results[job] = c.run(q.Query, args)
	c.answer(w, r, job, 0, q.MaxResults)
}

func (c *cloud) more(w http.ResponseWriter, r *http.Request) {
	from, _ := strconv.Atoi(strings.TrimPrefix(r.FormValue("pageToken"), "row"))
	most, _ := strconv.Atoi(r.FormValue("maxResults"))
	if r.FormValue("location") != "EU" || r.FormValue("formatOptions.useInt64Timestamp") != "true" {
		refuse(w, http.StatusNotFound, "notFound", "Not found: Job")
		return
	}
	c.answer(w, r, r.PathValue("job"), from, most)
}

// answer gives a page of a result, or says that the job still runs.
func (c *cloud) answer(w http.ResponseWriter, r *http.Request, job string, from, most int) {
	reference := map[string]any{"projectId": "own", "jobId": job, "location": "EU"}
	switch {
	case c.pending > 0 || c.pending < 0 && r.Method == http.MethodPost:
		c.pending = max(c.pending-1, -1)
		write(w, map[string]any{"jobReference": reference, "jobComplete": false})
		return
	case c.pending < 0: // the client goes first
		c.waiting <- job
		c.mu.Unlock()
		<-r.Context().Done()
		c.mu.Lock()
		return
	}
	res := c.results[job]
	to := min(from+min(c.rows, most), len(res.cells))
	rows := []any{}
	for _, cells := range res.cells[from:to] {
		rows = append(rows, structure(cells...))
	}
	a := map[string]any{"jobReference": reference, "jobComplete": true, "schema": json.RawMessage(`{"fields": ` + res.schema + `}`), "rows": rows,
		"totalRows": strconv.Itoa(len(res.cells))}
	if to < len(res.cells) {
		a["pageToken"] = fmt.Sprintf("row%d", to)
	}
	write(w, a)
}

// structure is a row, or a value of type STRUCT; list one of a repeated column.
func structure(cells ...any) map[string]any { return map[string]any{"f": list(cells...)} }

func list(cells ...any) []any {
	all := []any{}
	for _, c := range cells {
		all = append(all, map[string]any{"v": c})
	}
	return all
}
