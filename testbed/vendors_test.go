package testbed

import (
	"io"
	"net"
	"net/mail"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// vendors are the schemas of the requests that the channels may send, made from
// what their vendors document; the exporter's own tests hold long and hostile
// texts against the same files.
var vendors = []struct{ channel, begins, schema string }{
	{"slack", "POST ", "slack-message"},
	{"jira", "GET ", ""},
	{"jira", "POST rest/api/2/search", "jira-search"},
	{"jira", "POST rest/api/2/issue {", "jira-issue-datacenter"},
	{"jira", "POST rest/api/2/issue/ML-1/comment", "jira-comment-datacenter"},
	{"jira", "POST rest/api/2/issue/ML-2/comment", "jira-comment-datacenter"},
	{"jira", "POST rest/api/2/issue/ML-1/transitions", "jira-transition"},
	{"jira", "POST rest/api/2/issue/ML-2/transitions", "jira-transition"},
	{"newrelic", "POST ", "newrelic-incidents"},
	{"pagerduty", "POST ", "pagerduty-event"},
	{"teams", "POST ", "teams-message"},
	{"opsgenie", "POST v2/alerts {", "opsgenie-alert"},
	{"opsgenie", "POST v2/alerts/", "opsgenie-close"},
}

// asDocumented checks what a destination got against the schemas of the vendors.
func (d *destination) asDocumented(t *testing.T) {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	dir, err := filepath.Abs("../exporter/alertexporter/testdata/schemas")
	if err != nil {
		t.Fatal(err)
	}
	for channel := range told {
		if channel == "webhook" || channel == "email" { // ours, and no JSON
			continue
		}
		for _, got := range d.all(channel) {
			schema, known := "", false
			for _, v := range vendors {
				if v.channel == channel && strings.HasPrefix(got, v.begins) {
					schema, known = v.schema, true
				}
			}
			if !known {
				t.Errorf("%s: nobody knows this request: %s", channel, got)
			}
			if schema == "" {
				continue
			}
			s, err := c.Compile("file://" + dir + "/" + schema + ".json")
			if err != nil {
				t.Fatal(err)
			}
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(got[strings.IndexAny(got, "{["):]))
			if err == nil {
				err = s.Validate(v)
			}
			if err != nil {
				t.Errorf("%s: %v\n%s", channel, err, got)
			}
		}
	}
}

// mailServer serves SMTP until the test ends, and keeps mails as a destination
// keeps requests.
func (d *destination) mailServer(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return mails{d}, nil }))
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// mails is a session that takes every mail.
type mails struct{ d *destination }

func (mails) Mail(string, *smtp.MailOptions) error { return nil }
func (mails) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (mails) Reset()                               {}
func (mails) Logout() error                        { return nil }

func (m mails) Data(r io.Reader) error {
	msg, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(msg.Body)
	if err != nil {
		return err
	}
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	m.d.got["email"] = append(m.d.got["email"], msg.Header.Get("Subject")+"\n"+string(b))
	return nil
}
