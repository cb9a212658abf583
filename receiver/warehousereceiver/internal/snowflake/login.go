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
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
)

// lifetime of what is signed with a key. Each request has its own.
const lifetime = 10 * time.Minute

// login tells who asks: by a key of the user, or a token.
type login struct {
	key           *rsa.PrivateKey
	issuer, owner string
	token, file   string
}

func newLogin(c *driver.Connection) (l login, err error) {
	l = login{token: string(c.Token), file: c.TokenFile}
	text := []byte(c.PrivateKey)
	if c.PrivateKeyFile != "" {
		if text, err = os.ReadFile(c.PrivateKeyFile); err != nil {
			return l, fmt.Errorf("connection.private_key_file: %w", err)
		}
	}
	if len(text) == 0 {
		return l, nil
	}
	if l.key, err = privateKey(text); err != nil {
		return l, fmt.Errorf("connection.private_key %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(l.key.Public())
	if err != nil {
		return l, err
	}
	hash := sha256.Sum256(public)
	l.owner = subject(c.Account) + "." + stored(c.User)
	l.issuer = l.owner + ".SHA256:" + base64.StdEncoding.EncodeToString(hash[:])
	return l, nil
}

// subject is the account without the region behind its locator.
func subject(account string) string {
	end := "."
	if strings.Contains(account, ".global") {
		end = "-"
	}
	name, _, _ := strings.Cut(account, end)
	return strings.ToUpper(name)
}

func privateKey(text []byte) (*rsa.PrivateKey, error) {
	s := string(text)
	if !strings.Contains(strings.TrimSpace(s), "\n") {
		s = strings.ReplaceAll(s, `\n`, "\n") // as it comes from many an environment
	}
	block, _ := pem.Decode([]byte(s))
	if block == nil {
		return nil, errors.New("is no PEM; it begins with -----BEGIN PRIVATE KEY-----")
	}
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("is encrypted; decrypt it with: openssl pkcs8 -in FILE -out NEW, and let none but the collector read that")
	default:
		return nil, fmt.Errorf("is a %s; write the private key", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	own, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("is no key of RSA, which Snowflake wants")
	}
	return own, nil
}

// bearer returns what stands in the header of a request, and of what type it is; ""
// lets Snowflake look.
func (l *login) bearer(now time.Time) (token, kind string, err error) {
	switch {
	case l.key != nil:
		token, err = l.sign(now)
		return token, "KEYPAIR_JWT", err
	case l.file != "":
		b, err := os.ReadFile(l.file)
		if err != nil {
			return "", "", fmt.Errorf("connection.token_file: %w", err)
		}
		return strings.TrimSpace(string(b)), "", nil
	}
	return l.token, "", nil
}

// sign makes a JSON web token.
func (l *login) sign(now time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{"iss": l.issuer, "sub": l.owner, "iat": now.Unix(), "exp": now.Add(lifetime).Unix()})
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	hash := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, l.key, crypto.SHA256, hash[:])
	if err != nil {
		return "", err
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
