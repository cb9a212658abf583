package bigquery

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	"cloud.google.com/go/auth/httptransport"
	"google.golang.org/api/bigquery/v2"
	"google.golang.org/api/option"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/rest"
)

const home = "bigquery.googleapis.com"

// connect finds credentials and makes the client.
func (d *database) connect(ctx context.Context) error {
	c := *d.c
	if c.Endpoint == "" {
		c.Endpoint = home
	}
	address, transport, err := rest.Address(ctx, c)
	if err != nil {
		return err
	}
	transport.Transient = limited
	client := &http.Client{Transport: transport}
	key := []byte(c.Credentials)
	if c.CredentialsFile != "" {
		if key, err = os.ReadFile(c.CredentialsFile); err != nil {
			return fmt.Errorf("connection.credentials_file: %w", err)
		}
	}
	// Nothing secret is sent without TLS, unless it was asked for by name: an emulator wants none.
	if len(key) > 0 || c.TLS == nil || !c.TLS.Insecure {
		own, err := found(key)
		if err != nil {
			return fmt.Errorf("there are no credentials of Google Cloud; set connection.credentials_file, or log in with gcloud auth application-default login: %w", err)
		}
		if err := httptransport.AddAuthorizationMiddleware(client, own); err != nil {
			return err
		}
	}
	service, err := bigquery.NewService(ctx, option.WithHTTPClient(client), option.WithEndpoint(address+"/bigquery/v2/"))
	if err != nil {
		return err
	}
	service.UserAgent = "driftmeter"
	d.service, d.idle = service, client.CloseIdleConnections
	return nil
}

// found returns the credentials of a key, or those that Google's own tools would use.
func found(key []byte) (*auth.Credentials, error) {
	options := &credentials.DetectOptions{Scopes: []string{bigquery.BigqueryScope}}
	if len(key) == 0 {
		return credentials.DetectDefault(options)
	}
	kind, key, err := parseCredentials(key)
	if err != nil {
		return nil, err
	}
	return credentials.NewCredentialsFromJSON(kind, key, options)
}

// parseCredentials returns the JSON that was given, or whose base64 was, and what
// it is. It never shows it.
func parseCredentials(key []byte) (credentials.CredType, []byte, error) {
	key = bytes.TrimSpace(key)
	if !bytes.HasPrefix(key, []byte("{")) {
		decoded, err := base64.StdEncoding.DecodeString(string(key))
		if err != nil {
			return "", nil, errors.New("is neither the JSON of a key nor base64 of it")
		}
		key = decoded
	}
	var of struct {
		Type credentials.CredType `json:"type"`
	}
	if err := json.Unmarshal(key, &of); err != nil || of.Type == "" {
		return "", nil, errors.New("is no JSON with a type, such as service_account, in it")
	}
	return of.Type, key, nil
}
