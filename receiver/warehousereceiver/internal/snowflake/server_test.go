package snowflake

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configtls"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/rest"
)

var signing = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func pemOf(kind string, der []byte) configopaque.String {
	return configopaque.String(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func keyPEM(t *testing.T) configopaque.String {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(signing())
	if err != nil {
		t.Fatal(err)
	}
	return pemOf("PRIVATE KEY", der)
}

// account is a stand-in for Snowflake: it answers what it is told to, as the API is
// documented, to those who have signed with the key, or have the token.
type account struct {
	*httptest.Server
	mu      sync.Mutex
	answers []string // status, a blank, and the body; the last one again and again
	asked   []string // method, path and query
	bodies  []string
	bearers []string
}

func newAccount(t *testing.T, answers ...string) *account {
	t.Helper()
	a := &account{answers: answers}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	a.asked = append(a.asked, r.Method+" "+r.URL.Path+"?"+r.URL.RawQuery)
	a.bodies = append(a.bodies, string(body))
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a.bearers = append(a.bearers, bearer)
	w.Header().Set("Content-Type", "application/json")
	if err := permitted(bearer, r.Header.Get("X-Snowflake-Authorization-Token-Type")); err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"code": "390144", "message": "JWT token is invalid. %v"}`, err)
		return
	}
	if strings.HasSuffix(r.URL.Path, "/cancel") {
		fmt.Fprint(w, `{"code": "000604", "message": "SQL execution canceled"}`)
		return
	}
	status, text, _ := strings.Cut(a.answers[0], " ")
	if len(a.answers) > 1 {
		a.answers = a.answers[1:]
	}
	var code int
	_, _ = fmt.Sscan(status, &code)
	if code == 0 { // the answer gets lost
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text)
}

// requests returns what was asked, with what is random replaced.
func (a *account) requests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []string
	for _, s := range a.asked {
		if before, id, ok := strings.Cut(s, "requestId="); ok {
			s = before + "requestId=" + strings.Replace(id, id[:36], "ID", 1)
		}
		all = append(all, s)
	}
	return all
}

// body returns what was said in a request.
func (a *account) body(t *testing.T, i int) (r request) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := json.Unmarshal([]byte(a.bodies[i]), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// permitted checks who asks, as Snowflake documents it.
func permitted(bearer, kind string) error {
	if kind == "" {
		if bearer != "a-token" && bearer != "another" {
			return fmt.Errorf("a token: %q", bearer)
		}
		return nil
	}
	parts := strings.Split(bearer, ".")
	if len(parts) != 3 || kind != "KEYPAIR_JWT" {
		return fmt.Errorf("%s: %q", kind, bearer)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return err
	}
	hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&signing().PublicKey, crypto.SHA256, hash[:], signature); err != nil {
		return err
	}
	var head struct{ Alg, Typ string }
	var claims struct {
		Iss, Sub string
		Iat, Exp int64
	}
	for i, into := range []any{&head, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, into); err != nil {
			return err
		}
	}
	public, err := x509.MarshalPKIXPublicKey(signing().Public())
	if err != nil {
		return err
	}
	fingerprint := sha256.Sum256(public)
	now := time.Now().Unix()
	if head.Alg != "RS256" || head.Typ != "JWT" || claims.Sub != "ACME-PROD.READER" || claims.Iss != claims.Sub+".SHA256:"+base64.StdEncoding.EncodeToString(fingerprint[:]) ||
		claims.Iat > now || claims.Exp < now || claims.Exp > claims.Iat+3600 {
		return fmt.Errorf("%+v %+v", head, claims)
	}
	return nil
}

// to opens an account as a user with a key, who does not wait long between tries.
func to(t *testing.T, a *account, change ...func(*driver.Connection)) *database {
	t.Helper()
	c := &driver.Connection{Account: "acme-prod", User: "reader", PrivateKey: keyPEM(t), Endpoint: strings.TrimPrefix(a.URL, "http://"),
		TLS: &configtls.ClientConfig{Insecure: true}}
	for _, f := range change {
		f(c)
	}
	if errs := Driver().Check(c); len(errs) > 0 {
		t.Fatal(errs)
	}
	d, err := Driver().Open(c, driver.Options{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	own := d.(*database)
	own.pause = time.Millisecond
	own.client.Transport.(*rest.Transport).First = time.Millisecond
	return own
}
