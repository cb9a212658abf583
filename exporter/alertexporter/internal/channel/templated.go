package channel

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	am "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	commoncfg "github.com/prometheus/common/config"
)

// Templated is what the channels need that are configured as Alertmanager has them,
// and delivered by us: its own know neither Retry-After nor the limits of all
// fields, wait for an answer as long as the notification may take, and e-mail for
// ever.
type Templated struct {
	Templates *template.Template
	Logger    *slog.Logger
	Timeout   time.Duration // of an attempt; 0 is DefaultTimeout
}

// a message is a group and what a configuration's templates make of it.
type message struct {
	group
	data *template.Data
	tmpl *template.Template
	err  error // of the first template that failed
}

func (t *Templated) message(ctx context.Context, alerts []*am.Alert) (*message, error) {
	g, err := newGroup(ctx, alerts)
	if err != nil {
		return nil, err
	}
	return &message{group: g, data: notify.GetTemplateData(ctx, t.Templates, alerts, t.Logger), tmpl: t.Templates}, nil
}

// text runs a template. After one has failed, none has a result.
func (m *message) text(of string) string {
	if m.err != nil {
		return ""
	}
	s, err := m.tmpl.ExecuteTextString(of, m.data)
	if err != nil {
		m.err = fmt.Errorf("a template cannot be executed: %w", err)
	}
	return s
}

// upTo is text of at most n characters.
func (m *message) upTo(n int, of string) string { return cut(m.text(of), n) }

// list is text cut at commas, of at most n entries of at most length characters.
func (m *message) list(n, length int, of string) []string {
	var all []string
	for s := range strings.SplitSeq(m.text(of), ",") {
		if s = strings.TrimSpace(s); s != "" && len(all) < n {
			all = append(all, cut(s, length))
		}
	}
	return all
}

// fromFile is a secret, or what is in its file.
func fromFile(key string, value commoncfg.Secret, file string) (string, error) {
	if value != "" {
		return string(value), nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s_file: %w", key, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// tell sends the group as a whole.
func (p *post) tell(ctx context.Context, g *group, r request) (retry bool, err error) {
	a, retry, err := p.send(ctx, r)
	if err != nil {
		whole(ctx, g, a)
	}
	return retry, err
}
