package warehousereceiver

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Redshift's way in: what is said to its protocol is understood by PostgreSQL, and
// credentials come from an AWS that answers as its documentation says.
func redshiftCredentials(t *testing.T) {
	name := table(t)
	exec(t, "INSERT INTO "+name+" VALUES "+rowA)
	asked := ""
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = string(body)
		if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKID/") {
			http.Error(w, "who is it?", http.StatusForbidden)
			return
		}
		if r.Header.Get("X-Amz-Target") == "RedshiftServerless.GetCredentials" {
			fmt.Fprint(w, `{"dbUser": "driftmeter", "dbPassword": "secret", "expiration": 1793527200}`)
			return
		}
		fmt.Fprint(w, `<GetClusterCredentialsResponse xmlns="http://redshift.amazonaws.com/doc/2012-12-01/"><GetClusterCredentialsResult>
			<DbUser>driftmeter</DbUser><DbPassword>secret</DbPassword><Expiration>2026-11-01T10:00:00Z</Expiration></GetClusterCredentialsResult></GetClusterCredentialsResponse>`)
	}))
	defer aws.Close()
	for key, v := range map[string]string{"AWS_ENDPOINT_URL": aws.URL, "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "key", "AWS_REGION": "eu-central-1"} {
		t.Setenv(key, v)
	}
	for connection, want := range map[string]string{
		"user: reader, cluster: ml": "ClusterIdentifier=ml&DbName=postgres&DbUser=reader",
		"workgroup: ml":             `"workgroupName":"ml"`,
	} {
		r := newRig(t, name, "incremental: {column: at}\n")
		r.config = strings.Replace(r.config, "driver: postgres", "driver: redshift", 1)
		r.config = strings.Replace(r.config, "endpoint: "+socket(t)+", user: driftmeter", fmt.Sprintf("endpoint: '127.0.0.1:%d', tls: {insecure: true}, %s", running(t).Port, connection), 1)
		r.want(r.run(), sentA)
		if !strings.Contains(asked, want) {
			t.Errorf("AWS was asked %s, want %s", asked, want)
		}
	}
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
