package full

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"gocloud.dev/blob"

	"github.com/driftmeter/driftmeter/receiver/datasetreceiver"
	"github.com/driftmeter/driftmeter/receiver/datasetreceiver/internal/place"
	"github.com/driftmeter/driftmeter/testbed/ports"
	"github.com/driftmeter/driftmeter/testbed/servers"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serve runs a server until the test ends, and returns when it listens.
func serve(t *testing.T, address, command string, args ...string) {
	t.Helper()
	server, err := servers.Listening(exec.Command(command, args...), address)
	check(t, err)
	t.Cleanup(server.Stop)
}

// free returns an address that nobody listens on.
func free(t *testing.T) (address, port string) {
	t.Helper()
	address, err := ports.Address()
	check(t, err)
	_, port, err = net.SplitHostPort(address)
	check(t, err)
	return address, port
}

// readable writes files into a bucket, and reads them through a place.
func readable(t *testing.T, where string) {
	t.Helper()
	u, err := url.Parse(where)
	check(t, err)
	b, err := blob.OpenBucket(t.Context(), u.Scheme+"://"+u.Host+"?"+u.RawQuery)
	check(t, err)
	defer b.Close()
	for name, content := range map[string]string{"fraud/dt=2026-01-01/a.csv": "id\n1\n", "fraud/b.csv": "id\n2\n", "other/c.csv": "id\n3\n"} {
		check(t, b.WriteAll(t.Context(), name, []byte(content), nil))
	}
	p, err := open(t.Context(), u, place.Limits{File: 1 << 20})
	check(t, err)
	defer p.Close()
	var found []string
	for _, prefix := range []string{"", "dt="} {
		check(t, p.List(t.Context(), prefix, func(o place.Object) error {
			if time.Since(o.Modified) > time.Hour {
				t.Errorf("%s is of %s", o.Path, o.Modified)
			}
			f, err := p.Open(t.Context(), o.Path)
			if err != nil {
				return err
			}
			text := make([]byte, o.Size)
			_, err = f.ReadAt(text, 0)
			found = append(found, fmt.Sprintf("%s %q", o.Path, text))
			return errors.Join(err, f.Closer())
		}, func(name string, err error) { t.Error(name, err) }))
	}
	slices.Sort(found)
	if want := []string{`b.csv "id\n2\n"`, `dt=2026-01-01/a.csv "id\n1\n"`, `dt=2026-01-01/a.csv "id\n1\n"`}; !slices.Equal(found, want) {
		t.Errorf("%q", found)
	}
	if _, err := p.Open(context.Background(), "none.csv"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	small, err := open(t.Context(), u, place.Limits{File: 2})
	check(t, err)
	defer small.Close()
	if _, err := small.Open(t.Context(), "b.csv"); err == nil || !strings.Contains(err.Error(), "max_file_mib") {
		t.Error(err)
	}
}

// azurite returns Azure's emulator, which is installed if it is not there yet, or
// another version: in dist, where the next run finds it again.
func azurite(t *testing.T) string {
	t.Helper()
	want, err := os.ReadFile("testdata/package.json")
	check(t, err)
	into, err := filepath.Abs("../../../dist/azurite")
	check(t, err)
	mark, program := filepath.Join(into, "installed"), filepath.Join(into, "node_modules", ".bin", "azurite-blob")
	if have, err := os.ReadFile(mark); err == nil && string(have) == string(want) {
		return program
	}
	check(t, os.MkdirAll(into, 0o750))
	check(t, os.WriteFile(filepath.Join(into, "package.json"), want, 0o600))
	if out, err := exec.Command("npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", into).CombinedOutput(); err != nil {
		t.Fatalf("npm install: %v\n%s", err, out)
	}
	check(t, os.WriteFile(mark, want, 0o600))
	return program
}

func TestAzure(t *testing.T) {
	program := azurite(t)
	address, port := free(t)
	key := base64.StdEncoding.EncodeToString([]byte("a key of this test alone"))
	t.Setenv("AZURITE_ACCOUNTS", "scores:"+key)
	serve(t, address, program, "--blobHost", "127.0.0.1", "--blobPort", port, "--inMemoryPersistence", "--silent", "--skipApiVersionCheck")
	t.Setenv("AZURE_STORAGE_ACCOUNT", "scores")
	t.Setenv("AZURE_STORAGE_KEY", key)
	credential, err := azblob.NewSharedKeyCredential("scores", key)
	check(t, err)
	client, err := azblob.NewClientWithSharedKeyCredential("http://"+address+"/scores", credential, nil)
	check(t, err)
	_, err = client.CreateContainer(t.Context(), "daily", nil)
	check(t, err)
	readable(t, "azblob://daily/fraud?localemu=true&protocol=http&domain="+address)
}

func TestGoogleCloudStorage(t *testing.T) {
	wanted, err := os.ReadFile("testdata/requirements.txt")
	check(t, err)
	bin, err := servers.Python("../../../dist/emulators-python", wanted)
	check(t, err)
	address, port := free(t)
	serve(t, address, filepath.Join(bin, "gcp-storage-emulator"), "start", "--host=127.0.0.1", "--port="+port, "--in-memory", "--default-bucket=daily")
	t.Setenv("STORAGE_EMULATOR_HOST", address)
	readable(t, "gs://daily/fraud")
}

// The factory is that of the receiver, with more places.
func TestPlacesOfTheFullBuild(t *testing.T) {
	for _, c := range []struct {
		cfg  any
		want string
	}{
		{NewFactory().CreateDefaultConfig(), ""},
		{datasetreceiver.NewFactory().CreateDefaultConfig(), "not in this build"},
	} {
		cfg := c.cfg.(*datasetreceiver.Config)
		cfg.Sources = []datasetreceiver.SourceConfig{{URL: "gs://bucket/x"}, {URL: "azblob://container/x"}, {URL: "glue://database/table"}, {URL: "s3://bucket/x"}}
		err := cfg.Validate()
		if err == nil || strings.Contains(err.Error(), "not in this build") != (c.want != "") { // the storage is missing in both
			t.Error(err)
		}
	}
}
