package warehousereceiver

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/redshift"

	"github.com/driftmeter/driftmeter/testbed/servers"
)

// Redshift's way in: what is said to its protocol is understood by PostgreSQL.
// Credentials of a cluster come from moto, those of a workgroup, which moto does not
// know, from an AWS that answers as its documentation says.
func redshiftCredentials(t *testing.T) {
	name := table(t)
	exec(t, "INSERT INTO "+name+" VALUES "+rowA)
	for key, v := range map[string]string{"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "key", "AWS_REGION": "eu-central-1"} {
		t.Setenv(key, v)
	}
	t.Run("of a cluster", func(t *testing.T) {
		t.Setenv("AWS_ENDPOINT_URL", redshiftAsMoto(t))
		r := redshiftRig(t, name, "user: reader, cluster: ml")
		r.want(r.run(), sentA)
		r = redshiftRig(t, name, "user: reader, cluster: none")
		r.open()
		defer r.close()
		if err := r.source.run(t.Context()); err == nil || !strings.Contains(err.Error(), "AWS gives no credentials for the database") || !strings.Contains(err.Error(), "ClusterNotFound") {
			t.Errorf("of no cluster: %v", err)
		}
	})
	t.Run("of a workgroup", func(t *testing.T) {
		asked := ""
		vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			asked = r.Header.Get("X-Amz-Target") + string(body)
			if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKID/") {
				http.Error(w, "who is it?", http.StatusForbidden)
				return
			}
			fmt.Fprint(w, `{"dbUser": "driftmeter", "dbPassword": "secret", "expiration": 1793527200}`)
		}))
		defer vendor.Close()
		t.Setenv("AWS_ENDPOINT_URL", vendor.URL)
		r := redshiftRig(t, name, "workgroup: ml")
		r.want(r.run(), sentA)
		if !strings.HasPrefix(asked, "RedshiftServerless.GetCredentials") || !strings.Contains(asked, `"workgroupName":"ml"`) {
			t.Errorf("AWS was asked %s", asked)
		}
	})
	for connection, want := range map[string]string{
		"":                                  "connection.user and connection.password are missing; or write cluster, or workgroup",
		", cluster: ml":                     "connection.user is missing; name the database user",
		", cluster: ml, workgroup: ml":      "are both there",
		", workgroup: ml, password: secret": "connection.password is there beside cluster or workgroup",
	} {
		text := strings.Replace(right, "driver: postgres", "driver: redshift", 1)
		err := parse(t, strings.Replace(text, "database: ml", "database: ml"+connection, 1)).Validate()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", connection, err)
		}
	}
}

func redshiftRig(t *testing.T, name, connection string) *rig {
	t.Helper()
	r := newRig(t, name, "incremental: {column: at}\n")
	r.config = strings.Replace(r.config, "driver: postgres", "driver: redshift", 1)
	r.config = strings.Replace(r.config, "endpoint: "+socket(t)+", user: driftmeter", fmt.Sprintf("endpoint: '127.0.0.1:%d', tls: {insecure: true}, %s", running(t).Port, connection), 1)
	return r
}

// redshiftAsMoto returns the address of moto with a cluster. What it gives as a user
// and a password holds in the database, as Redshift has it.
func redshiftAsMoto(t *testing.T) string {
	t.Helper()
	moto, err := servers.StartMoto("../../dist/moto")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(moto.Stop)
	to, err := url.Parse(moto.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ModifyResponse = func(resp *http.Response) error {
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		resp.Body = io.NopCloser(bytes.NewReader(b))
		var given struct {
			User     string `xml:"GetClusterCredentialsResult>DbUser"`
			Password string `xml:"GetClusterCredentialsResult>DbPassword"`
		}
		if err := xml.Unmarshal(b, &given); err != nil || given.User == "" {
			return err
		}
		if given.User != "IAM:reader" {
			return fmt.Errorf("a user %s was asked for", given.User)
		}
		return running(t).Exec(context.Background(), `DROP ROLE IF EXISTS "IAM:reader"`,
			fmt.Sprintf(`CREATE ROLE "IAM:reader" LOGIN PASSWORD '%s' IN ROLE pg_read_all_data`, given.Password))
	}
	before := httptest.NewServer(proxy)
	t.Cleanup(before.Close)
	t.Setenv("AWS_ENDPOINT_URL", moto.URL)
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = redshift.NewFromConfig(cfg).CreateCluster(t.Context(), &redshift.CreateClusterInput{
		ClusterIdentifier: aws.String("ml"), NodeType: aws.String("ra3.large"), MasterUsername: aws.String("owner"), MasterUserPassword: aws.String("Secret-123"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return before.URL
}
