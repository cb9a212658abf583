package channel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/notify"
)

// mailHeader is how many characters of a header are sent that is no list of
// addresses.
const mailHeader = 200

// fold breaks a header where it may be broken: a line of a mail has at most 998
// bytes.
var fold = strings.NewReplacer("?= =?", "?=\r\n =?", ", ", ",\r\n ")

// text writes the mail: headers, and the text and the HTML that are configured.
func (n *mailer) text(ctx context.Context, m *message) ([]byte, error) {
	now, ok := notify.Now(ctx)
	if !ok {
		now = time.Now()
	}
	headers := map[string]string{"Subject": `{{ template "email.default.subject" . }}`, "From": n.c.From, "To": n.c.To}
	maps.Copy(headers, n.c.Headers)
	var b bytes.Buffer
	for _, k := range slices.Sorted(maps.Keys(headers)) {
		v := m.text(headers[k])
		if k != "To" && k != "Cc" && k != "Bcc" && k != "From" {
			v = cut(oneLine(v), mailHeader)
		}
		if v = mime.QEncoding.Encode("utf-8", v); len(v) > mailHeader {
			v = fold.Replace(v)
		}
		fmt.Fprintf(&b, "%s: %s\r\n", k, v)
	}
	if _, ok := headers["Message-Id"]; !ok {
		fmt.Fprintf(&b, "Message-Id: <%s@%s>\r\n", mailID(&m.group, now), hostname())
	}
	if n.c.Threading.Enabled {
		day := ""
		if n.c.Threading.ThreadByDate != "none" {
			day = now.Format("2006-01-02")
		}
		root := fmt.Sprintf("<alert-%s-%s@driftmeter>", m.key.Hash()[:16], day)
		fmt.Fprintf(&b, "References: %s\r\nIn-Reply-To: %s\r\n", root, root)
	}
	var parts bytes.Buffer
	w := multipart.NewWriter(&parts)
	fmt.Fprintf(&b, "Date: %s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=%s\r\n\r\n", now.Format(time.RFC1123Z), w.Boundary())
	if n.c.Text != "" {
		if err := mailPart(w, "text/plain", m.text(n.c.Text)); err != nil {
			return nil, err
		}
	}
	if n.c.HTML != "" {
		html, err := m.tmpl.ExecuteHTMLString(n.c.HTML, m.data)
		if err != nil {
			return nil, fmt.Errorf("html: a template cannot be executed: %w", err)
		}
		if err := mailPart(w, "text/html", html); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return append(b.Bytes(), parts.Bytes()...), m.err
}

func mailPart(w *multipart.Writer, kind, text string) error {
	p, err := w.CreatePart(textproto.MIMEHeader{"Content-Transfer-Encoding": {"quoted-printable"}, "Content-Type": {kind + "; charset=UTF-8"}})
	if err != nil {
		return err
	}
	q := quotedprintable.NewWriter(p)
	if _, err := q.Write([]byte(text)); err != nil {
		return err
	}
	return q.Close()
}

// mailID is the same however often a mail is sent, so that whoever gets it twice can
// tell. That of a repetition has its time.
func mailID(g *group, now time.Time) string {
	what := []string{g.receiver, string(g.key), statements(g)}
	if g.reason == notify.ReasonRepeatIntervalElapsed {
		what = append(what, now.UTC().Format(time.RFC3339))
	}
	sum := sha256.Sum256([]byte(strings.Join(what, "\x00")))
	return hex.EncodeToString(sum[:16])
}

func hostname() string {
	if h, err := os.Hostname(); err == nil && h != "" {
		return h
	}
	return "localhost.localdomain"
}
