package athena

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/driver"
	"github.com/driftmeter/driftmeter/receiver/warehousereceiver/internal/sqlpage"
)

// patience is how long an emulator may take to start on a busy machine.
const patience = 2 * time.Minute

// installed returns moto's server, which is installed if it is not there yet, or
// another version: in dist, where the next run finds it again.
func installed(t *testing.T) string {
	t.Helper()
	const wanted = "testdata/requirements.txt"
	want, err := os.ReadFile(wanted)
	check(t, err)
	into, err := filepath.Abs("../../../../dist/emulator-athena")
	check(t, err)
	mark := filepath.Join(into, "installed")
	server := filepath.Join(into, "bin", "moto_server")
	if have, err := os.ReadFile(mark); err == nil && string(have) == string(want) {
		return server
	}
	for _, c := range [][]string{{"python3", "-m", "venv", into}, {filepath.Join(into, "bin", "pip"), "install", "-q", "--disable-pip-version-check", "-r", wanted}} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", c, err, out)
		}
	}
	check(t, os.WriteFile(mark, want, 0o600))
	return server
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// moto runs the server until the test ends, and returns its address when it listens.
func moto(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	address := l.Addr().String()
	_, port, err := net.SplitHostPort(address)
	check(t, err)
	check(t, l.Close())
	var said strings.Builder
	cmd := exec.Command(installed(t), "-H", "127.0.0.1", "-p", port)
	cmd.Stdout, cmd.Stderr = &said, &said
	check(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ends does not matter
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has nothing to save
		<-ended
	})
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			_ = c.Close()
			return "http://" + address
		}
		select {
		case <-ended:
			t.Fatalf("moto has ended: %s", &said)
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("moto does not listen on %s after %v", address, patience)
		}
	}
}

// The interface of AWS as moto has it. It runs no SQL: it gives rows that it was told.
func TestMoto(t *testing.T) {
	server := moto(t)
	environment(t, server)
	cell := func(s string) map[string]string { return map[string]string{"VarCharValue": s} }
	data := func(cells ...any) map[string]any { return map[string]any{"Data": cells} }
	column := func(name, kind string) map[string]any { return map[string]any{"Name": name, "Type": kind} }
	told, err := json.Marshal(map[string]any{"region": "eu-central-1", "results": []any{map[string]any{
		"rows":        []any{data(cell("at"), cell("id"), cell("score")), data(cell("2026-11-01 10:00:00.000"), cell("1"), cell("0.5")), data(cell("2026-11-01 10:00:00.000"), cell("2"), map[string]any{})},
		"column_info": []any{column("at", "timestamp"), column("id", "bigint"), column("score", "double")},
	}}})
	check(t, err)
	answer, err := http.Post(server+"/moto-api/static/athena/query-results", "application/json", bytes.NewReader(told))
	check(t, err)
	check(t, answer.Body.Close())
	d, err := Driver().Open(&driver.Connection{Database: "ml", OutputLocation: "s3://results/", Region: "eu-central-1"}, driver.Options{Timeout: time.Minute})
	check(t, err)
	defer d.Close()
	rows, err := rowsOf(t, d, sqlpage.Page{SQL: "SELECT * FROM scores WHERE id >= ?", Args: []any{int64(1)}})
	want := []string{
		"[{at TIMESTAMP} {id BIGINT} {score DOUBLE}] [2026-11-01 10:00:00.000 1 0.5]",
		"[{at TIMESTAMP} {id BIGINT} {score DOUBLE}] [2026-11-01 10:00:00.000 2 <nil>]",
	}
	if err != nil || !slices.Equal(rows, want) {
		t.Errorf("%v\n%s", err, strings.Join(rows, "\n"))
	}
}
