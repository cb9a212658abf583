package full

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// workspace answers as Databricks documents its Statement Execution API, and the
// tokens of service principals.
type workspace struct {
	*httptest.Server
	// run answers a statement.
	run func(sql string, args map[string]string) bricks
	// fail answers a request in place of the server, unless status is 0.
	fail func(route string, call int) (status int, code, message string)
	// rows are how many a chunk has, pending how often a statement still runs; below 0, it never ends.
	rows, pending int

	mu       sync.Mutex
	calls    map[string]int
	asked    []map[string]any
	results  map[string]bricks
	canceled []string
	polled   chan string
}

// bricks is what a statement gives.
type bricks struct {
	state, code, message string // SUCCEEDED if absent
	columns              string // of the schema, as the documentation has it
	cells                [][]any
	truncated            bool
}

func newWorkspace(t *testing.T) *workspace {
	t.Helper()
	s := &workspace{rows: 1000, calls: map[string]int{}, results: map[string]bricks{}, polled: make(chan string, 100)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oidc/v1/token", func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		if id != "reader" || secret != "hush" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "all-apis" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		write(w, map[string]any{"access_token": "let-me-in", "token_type": "Bearer", "expires_in": 3600})
	})
	const base = "/api/2.0/sql/statements"
	mux.HandleFunc("POST "+base, s.route("begin", s.begin))
	mux.HandleFunc("GET "+base+"/{id}", s.route("look", func(w http.ResponseWriter, r *http.Request) { s.answer(w, r.PathValue("id")) }))
	mux.HandleFunc("GET "+base+"/{id}/result/chunks/{chunk}", s.route("chunk", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("chunk"))
		write(w, s.chunk(s.results[r.PathValue("id")], n))
	}))
	mux.HandleFunc("POST "+base+"/{id}/cancel", s.route("cancel", func(w http.ResponseWriter, r *http.Request) {
		s.canceled = append(s.canceled, r.PathValue("id"))
		write(w, map[string]any{})
	}))
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// route lets in who has the token, one at a time, and fails as the test says.
func (s *workspace) route(name string, then http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls[name]++
		status, code, message := 0, "", ""
		if s.fail != nil {
			status, code, message = s.fail(name, s.calls[name])
		}
		if r.Header.Get("Authorization") != "Bearer let-me-in" {
			status, code, message = http.StatusUnauthorized, "UNAUTHENTICATED", "Credential was not sent or was of an unsupported type"
		}
		if status == 0 {
			then(w, r)
			return
		}
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(status)
		write(w, map[string]any{"error_code": code, "message": message})
	}
}

func (s *workspace) begin(w http.ResponseWriter, r *http.Request) {
	var asked map[string]any
	if json.NewDecoder(r.Body).Decode(&asked) != nil || asked["warehouse_id"] != "abc" || asked["disposition"] != "INLINE" || asked["format"] != "JSON_ARRAY" ||
		asked["on_wait_timeout"] != "CONTINUE" || asked["wait_timeout"] != "5s" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.asked = append(s.asked, asked)
	args := map[string]string{}
	given, _ := asked["parameters"].([]any)
	for _, p := range given {
		p := p.(map[string]any)
		args[p["name"].(string)] = fmt.Sprint(p["type"], " ", p["value"])
	}
	id := fmt.Sprintf("01ef-%d", len(s.asked))
	s.results[id] = s.run(asked["statement"].(string), args)
	s.answer(w, id)
}

// answer tells how a statement is, with the first chunk when it has ended.
func (s *workspace) answer(w http.ResponseWriter, id string) {
	if s.pending != 0 {
		if s.pending > 0 {
			s.pending--
		}
		select {
		case s.polled <- id:
		default: // enough of them
		}
		write(w, map[string]any{"statement_id": id, "status": map[string]any{"state": []string{"PENDING", "RUNNING"}[s.calls["look"]%2]}})
		return
	}
	res := s.results[id]
	if res.state != "" {
		write(w, map[string]any{"statement_id": id, "status": map[string]any{"state": res.state, "error": map[string]any{"error_code": res.code, "message": res.message}}})
		return
	}
	write(w, map[string]any{"statement_id": id, "status": map[string]any{"state": "SUCCEEDED"}, "result": s.chunk(res, 0),
		"manifest": map[string]any{"format": "JSON_ARRAY", "schema": map[string]any{"columns": json.RawMessage("[" + res.columns + "]")},
			"total_row_count": len(res.cells), "truncated": res.truncated}})
}

func (s *workspace) chunk(res bricks, n int) map[string]any {
	from, to := n*s.rows, min((n+1)*s.rows, len(res.cells))
	chunk := map[string]any{"chunk_index": n, "row_offset": from, "row_count": to - from}
	if len(res.cells) > 0 {
		chunk["data_array"] = res.cells[from:to]
	}
	if to < len(res.cells) {
		chunk["next_chunk_index"] = n + 1
		chunk["next_chunk_internal_link"] = strings.Repeat("x", 10)
	}
	return chunk
}
