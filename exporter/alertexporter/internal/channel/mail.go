package channel

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"

	am "github.com/prometheus/alertmanager/alert"
	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/notify/email"
	commoncfg "github.com/prometheus/common/config"
)

type mailer struct {
	Templated
	c *amconfig.EmailConfig
}

// NewMail returns a notifier that sends e-mail. What the server says to one
// recipient does not keep the others from it, and who has a mail gets no second one
// while another recipient is refused.
func NewMail(c *amconfig.EmailConfig, t Templated) notify.Notifier {
	if t.Timeout <= 0 {
		t.Timeout = DefaultTimeout
	}
	return &mailer{t, c}
}

// mailKey begins, in the progress, who has which statements.
const mailKey = "mail/" // + address

// Notify implements notify.Notifier.
func (n *mailer) Notify(ctx context.Context, alerts ...*am.Alert) (bool, error) {
	m, err := n.message(ctx, alerts)
	if err != nil {
		return false, err
	}
	from, err := n.addresses(m, "from", n.c.From)
	if err != nil {
		return false, err
	}
	to, err := n.addresses(m, "to", n.c.To)
	if err != nil {
		return false, err
	}
	text, err := n.text(ctx, m)
	if err != nil {
		return false, err
	}
	done, what := progress(ctx), statements(&m.group)
	has := done.Values()
	var left []string
	for _, a := range to {
		if has[mailKey+a] != what {
			left = append(left, a)
		}
	}
	if len(left) == 0 {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, n.Timeout)
	defer cancel()
	s, err := n.dial(ctx)
	if err != nil {
		return n.judged(ctx, err)
	}
	defer s.close()
	taken, refused, err := s.send(from[0], left, text)
	if err != nil {
		if s.sent {
			whole(ctx, &m.group, answer{})
		}
		return n.judged(ctx, err)
	}
	if len(refused) == 0 {
		return false, nil
	}
	changes := map[string]string{}
	for _, a := range taken {
		changes[mailKey+a] = what
	}
	done.Set(changes)
	return n.judged(ctx, errors.Join(refused...))
}

func (n *mailer) addresses(m *message, key, of string) ([]string, error) {
	text := m.text(of)
	if m.err != nil {
		return nil, m.err
	}
	list, err := mail.ParseAddressList(text)
	if err != nil {
		return nil, fmt.Errorf("%s=%q is no list of addresses: %w", key, text, err)
	}
	var all []string
	for _, a := range list {
		all = append(all, a.Address)
	}
	if key == "from" && len(all) != 1 {
		return nil, fmt.Errorf("from=%q must be one address", text)
	}
	return all, nil
}

// step is a failure, and what to look at.
type step struct {
	check string
	err   error
}

func (s *step) Error() string { return s.err.Error() + "; check " + s.check }
func (s *step) Unwrap() error { return s.err }

// judged says whether another attempt would help: the server says so by its code
// (4xx or 5xx), and after a time-out or a broken connection it would.
func (n *mailer) judged(ctx context.Context, err error) (bool, error) {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return true, fmt.Errorf("the mail server %s did not answer in %s; raise timeout if it needs longer", n.c.Smarthost, n.Timeout)
	}
	err = fmt.Errorf("the mail server %s: %w", n.c.Smarthost, err)
	said, ok := errors.AsType[*textproto.Error](err)
	switch {
	case !ok:
		return true, notify.NewErrorWithReason(notify.ServerErrorReason, err)
	case said.Code/100 == 4:
		return true, notify.NewErrorWithReason(notify.ServerErrorReason, err)
	case said.Code == 530 || said.Code == 534 || said.Code == 535:
		return false, notify.NewErrorWithReason(notify.AuthErrorReason, err)
	default:
		return false, notify.NewErrorWithReason(notify.ClientErrorReason, err)
	}
}

// session is a connection to a mail server that is ready to take mails.
type session struct {
	c    *smtp.Client
	stop func() bool
	sent bool // all of a mail went out
}

// dial connects, encrypts and logs in. Whatever the server does, all of it ends
// with ctx.
func (n *mailer) dial(ctx context.Context) (_ *session, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", n.c.Smarthost.String())
	if err != nil {
		return nil, &step{"smarthost", fmt.Errorf("cannot be reached: %w", err)}
	}
	raw := conn
	s := &session{stop: context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })}
	defer func() {
		if err != nil {
			s.stop()
			_ = raw.Close()
		}
	}()
	implicit := n.c.Smarthost.Port == "465"
	if n.c.ForceImplicitTLS != nil {
		implicit = *n.c.ForceImplicitTLS
	}
	secure, err := n.tls()
	if err != nil {
		return nil, &step{"tls_config", err}
	}
	if implicit {
		conn = tls.Client(conn, secure)
	}
	if s.c, err = smtp.NewClient(conn, n.c.Smarthost.Host); err != nil {
		return nil, &step{"smarthost, and force_implicit_tls", err}
	}
	if n.c.Hello != "" {
		if err = s.c.Hello(n.c.Hello); err != nil {
			return nil, &step{"hello", err}
		}
	}
	if *n.c.RequireTLS && !implicit {
		if ok, _ := s.c.Extension("STARTTLS"); !ok {
			return nil, &step{"require_tls", errors.New("offers no encryption (STARTTLS)")}
		}
		if err = s.c.StartTLS(secure); err != nil {
			return nil, &step{"tls_config", fmt.Errorf("no encryption: %w", err)}
		}
	}
	if err = n.login(s.c); err != nil {
		return nil, &step{"auth_username and auth_password, or smtp_auth_username and smtp_auth_password of global", fmt.Errorf("refuses the login: %w", err)}
	}
	return s, nil
}

func (n *mailer) tls() (*tls.Config, error) {
	c, err := commoncfg.NewTLSConfig(n.c.TLSConfig)
	if err == nil && c.ServerName == "" {
		c.ServerName = n.c.Smarthost.Host
	}
	return c, err
}

// login uses the first way to log in that both sides know.
func (n *mailer) login(c *smtp.Client) error {
	offered, ways := c.Extension("AUTH")
	if !offered || n.c.AuthUsername == "" {
		return nil
	}
	for way := range strings.FieldsSeq(ways) {
		value, file := n.c.AuthPassword, n.c.AuthPasswordFile
		if way == "CRAM-MD5" {
			value, file = n.c.AuthSecret, n.c.AuthSecretFile
		}
		if value == "" && file == "" {
			continue
		}
		secret, err := fromFile("auth_password", value, file)
		if err != nil {
			return err
		}
		switch way {
		case "CRAM-MD5":
			return c.Auth(smtp.CRAMMD5Auth(n.c.AuthUsername, secret))
		case "PLAIN":
			return c.Auth(smtp.PlainAuth(n.c.AuthIdentity, n.c.AuthUsername, secret, n.c.Smarthost.Host))
		case "LOGIN":
			return c.Auth(email.LoginAuth(n.c.AuthUsername, secret))
		}
	}
	return fmt.Errorf("no way to log in that fits what is configured; it offers %s", ways)
}

// send sends a mail to those whom the server takes.
func (s *session) send(from string, to []string, text []byte) (taken []string, refused []error, err error) {
	if err := s.c.Mail(from); err != nil {
		return nil, nil, &step{"from", fmt.Errorf("refuses the sender %s: %w", from, err)}
	}
	for _, a := range to {
		if err := s.c.Rcpt(a); err != nil {
			if _, ok := errors.AsType[*textproto.Error](err); !ok {
				return nil, nil, err // the connection is gone
			}
			refused = append(refused, &step{"to", fmt.Errorf("refuses the recipient %s: %w", a, err)})
			continue
		}
		taken = append(taken, a)
	}
	if len(taken) == 0 {
		return nil, refused, errors.Join(refused...)
	}
	w, err := s.c.Data()
	if err != nil {
		return nil, nil, fmt.Errorf("takes no message: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return nil, nil, err
	}
	s.sent = true
	if err := w.Close(); err != nil {
		_, answered := errors.AsType[*textproto.Error](err)
		s.sent = !answered
		return nil, nil, fmt.Errorf("refuses the message: %w", err)
	}
	return taken, refused, nil
}

func (s *session) close() {
	_ = s.c.Quit() // the mail is taken, or is not
	s.stop()
	_ = s.c.Close()
}
