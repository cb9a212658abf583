package alertexporter

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/driftmeter/driftmeter/internal/deadport"
)

// A place is a destination of one kind: a server that speaks its protocol, is ill
// until it is healed, and keeps what it has taken.
type place struct {
	kind     placeKind
	illness  string
	addr     string
	open     func() net.Listener // for one that is down at first
	mu       sync.Mutex
	well     bool
	asked    []time.Time
	accepted []string // what was said in requests that it took
	gone     chan struct{}
}

// placeKind is what there is to know of a kind of destination.
type placeKind struct {
	name, receiver string // receiver has the address as %s
	refuse         int    // the status for a key that is refused
	check          string // what is then to be checked
	ok             func(w http.ResponseWriter, h hit)
	read           func(*testing.T, hit) []string // what a request says
	part           func(said string) bool         // what is refused by one that takes a part
	fired, over    []string                       // what is said in all, of two alerts
}

var placeKinds = []placeKind{
	{name: "hook", receiver: `slack: {webhook_url: "%s/services/T/B/secret", timeout: 3s}`, refuse: 403, check: "check webhook_url", ok: answers(200, "ok"), read: readSlack,
		fired: []string{"group firing"}, over: []string{"group resolved"}},
	{name: "app", receiver: `slack: {token: xoxb-secret, channel: "#ml", api_url: "%s", timeout: 3s}`, refuse: 401, check: "check token", ok: answers(200, `{"ok":true,"channel":"C1","ts":"1.2"}`), read: readSlack,
		fired: []string{"group firing"}, over: []string{"group resolved"}},
	{name: "cloud", receiver: `jira: {url: "%s", api_type: cloud, email: me@example.com, token: secret, project: ML, timeout: 3s}`, refuse: 401, check: "check email and token", ok: answersJira, read: readJira,
		fired: []string{"issue"}, over: []string{"comment", "transition"}},
	{name: "datacenter", receiver: `jira: {url: "%s", token: secret, project: ML, timeout: 3s}`, refuse: 403, check: "check email and token", ok: answersJira, read: readJira,
		fired: []string{"issue"}, over: []string{"comment", "transition"}},
	{name: "program", receiver: `webhook: {url: "%s/secret", timeout: 3s}`, refuse: 401, check: "check url and headers", ok: answers(204, ""), read: readWebhook,
		part: func(said string) bool { return said == "age firing" }, fired: []string{"age firing", "income firing"}, over: []string{"age resolved", "income resolved"}},
	{name: "incidents", receiver: `newrelic: {license_key: secret, endpoint: "%s", timeout: 3s}`, refuse: 403, check: "check license_key and region", ok: answers(200, `{"success":true}`), read: readNewRelic,
		fired: []string{"age firing", "income firing"}, over: []string{"age resolved", "income resolved"}},
	{name: "pager", receiver: `pagerduty_configs: [{routing_key: secret, url: "%s", timeout: 3s}]`, refuse: 403, check: "check routing_key", ok: answers(202, `{"status":"success"}`), read: readPagerDuty,
		fired: []string{"group firing"}, over: []string{"group resolved"}},
	{name: "card", receiver: `msteamsv2_configs: [{webhook_url: "%s/secret", timeout: 3s}]`, refuse: 401, check: "check webhook_url", ok: answers(202, ""), read: readTeams,
		fired: []string{"group firing"}, over: []string{"group resolved"}},
	{name: "genie", receiver: `opsgenie_configs: [{api_key: secret, api_url: "%s/", timeout: 3s}]`, refuse: 403, check: "check api_key", ok: answers(202, `{}`), read: readOpsGenie,
		fired: []string{"group firing"}, over: []string{"group resolved"}},
	{name: "mail", receiver: `email_configs: [{to: "one@example.com, two@example.com", from: driftmeter@example.com, smarthost: "%s", require_tls: false, auth_username: me, auth_password: secret, timeout: 3s}]`,
		check: "check auth_username and auth_password", part: func(said string) bool { return said == "two@example.com" },
		fired: []string{"one@example.com firing", "two@example.com firing"}, over: []string{"one@example.com resolved", "two@example.com resolved"}},
}

func answers(status int, body string) func(http.ResponseWriter, hit) {
	return func(w http.ResponseWriter, _ hit) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func answersJira(w http.ResponseWriter, h hit) {
	switch {
	case strings.Contains(h.path, "/search"):
		_, _ = io.WriteString(w, `{"issues":[]}`)
	case strings.HasSuffix(h.path, "/issue"):
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id":"10000","key":"ML-24"}`)
	case h.method == http.MethodGet:
		_, _ = io.WriteString(w, `{"transitions":[{"id":"31","name":"Done","to":{"statusCategory":{"key":"done"}}}]}`)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func state(resolved bool) []string {
	if resolved {
		return []string{"group resolved"}
	}
	return []string{"group firing"}
}

func readSlack(t *testing.T, h hit) []string {
	return state(strings.HasPrefix(fmt.Sprint(h.json(t)["text"]), "*Resolved*"))
}

func readJira(_ *testing.T, h hit) []string {
	for end, said := range map[string]string{"/issue": "issue", "/comment": "comment", "/transitions": "transition"} {
		if h.method == http.MethodPost && strings.HasSuffix(h.path, end) {
			return []string{said}
		}
	}
	return nil
}

func readPagerDuty(t *testing.T, h hit) []string {
	return state(h.json(t)["event_action"] == "resolve")
}

func readTeams(t *testing.T, h hit) []string {
	return state(strings.Contains(string(h.body), "[RESOLVED"))
}

func readOpsGenie(_ *testing.T, h hit) []string { return state(strings.HasSuffix(h.path, "/close")) }

// newPlace starts a destination with an illness: one of "500", "429", "hang", "key",
// "down", "part".
func newPlace(t *testing.T, kind placeKind, illness string) *place {
	t.Helper()
	p := &place{kind: kind, illness: illness, gone: make(chan struct{})}
	p.addr, p.open = deadport.Reserve(t)
	if illness != "down" {
		p.serve(t)
	}
	t.Cleanup(func() { close(p.gone) })
	return p
}

// serve begins to listen.
func (p *place) serve(t *testing.T) {
	l := p.open()
	if p.kind.ok == nil {
		s := smtp.NewServer(p)
		s.Domain, s.AllowInsecureAuth, s.MaxLineLength = "mail.example", true, 1000
		go func() { _ = s.Serve(l) }()
		t.Cleanup(func() { _ = s.Close() })
		return
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		h := hit{r.Method, r.URL.Path, r.Header, b, time.Now(), r.Context().Done()}
		said := p.kind.read(t, h)
		if p.ill(said...) {
			switch p.illness {
			case "500", "part":
				w.WriteHeader(http.StatusInternalServerError)
			case "429":
				w.Header().Set("Retry-After", "2")
				w.WriteHeader(http.StatusTooManyRequests)
			case "key":
				w.WriteHeader(p.kind.refuse)
			case "hang":
				select {
				case <-h.given:
				case <-p.gone:
				}
			}
			return
		}
		p.took(said...)
		p.kind.ok(w, h)
	}))
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
}

// ill notes a request, and says whether it is to be refused.
func (p *place) ill(said ...string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, time.Now())
	if p.illness == "part" {
		return !p.well && slices.ContainsFunc(said, p.kind.part)
	}
	return !p.well
}

func (p *place) took(said ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accepted = append(p.accepted, said...)
}

func (p *place) heal(t *testing.T) {
	p.mu.Lock()
	p.well = true
	p.mu.Unlock()
	if p.illness == "down" {
		p.serve(t)
	}
}

// taken is how often each thing was said, of those named.
func (p *place) taken(what []string) []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := make([]int, len(what))
	for i, w := range what {
		for _, a := range p.accepted {
			if a == w {
				n[i]++
			}
		}
	}
	return n
}

// NewSession implements smtp.Backend: the place is a mail server.
func (p *place) NewSession(*smtp.Conn) (smtp.Session, error) { return &mailSession{p: p}, nil }

type mailSession struct {
	p  *place
	to []string
}

// AuthMechanisms implements smtp.AuthSession.
func (*mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth implements smtp.AuthSession.
func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "me" || password != "secret" || s.p.illness == "key" && s.p.ill() {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "Authentication credentials invalid"}
		}
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (s *mailSession) Mail(string, *smtp.MailOptions) error {
	if s.p.illness == "hang" && s.p.ill() {
		<-s.p.gone
		return errors.New("gone")
	}
	return nil
}

// Rcpt implements smtp.Session.
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.p.illness == "part" && s.p.ill(to) {
		return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 1}, Message: "mailbox busy"}
	}
	s.to = append(s.to, to)
	return nil
}

// Data implements smtp.Session.
func (s *mailSession) Data(r io.Reader) error {
	if i := s.p.illness; (i == "500" || i == "429") && s.p.ill() {
		return &smtp.SMTPError{Code: map[string]int{"500": 554, "429": 450}[i], EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "not now"}
	}
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	if m.Header.Get("Bcc") != "" {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "a header was smuggled in"}
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, m.Body)
	for _, to := range s.to {
		if strings.HasPrefix(subject, "[RESOLVED") {
			s.p.took(to + " resolved")
		} else {
			s.p.took(to + " firing")
		}
	}
	return err
}

// Reset implements smtp.Session.
func (s *mailSession) Reset() { s.to = nil }

// Logout implements smtp.Session.
func (*mailSession) Logout() error { return nil }
