package demo

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	testports "github.com/driftmeter/driftmeter/testbed/ports"
)

// binary returns the path of driftmeter: the one to test, or one built now.
func binary(t *testing.T) string {
	t.Helper()
	if bin := os.Getenv("DRIFTMETER_BIN"); bin != "" {
		return bin
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("DRIFTMETER_BIN does not name the binary to test; `make test` sets it")
	}
	bin := filepath.Join(t.TempDir(), "driftmeter")
	cmd := exec.Command("go", "build", "-o", bin, ".")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return bin
}

// ports are free ones for the demo to listen on.
type ports struct{ grpc, prometheus string }

// args are the flags that make the demo listen on free ports only.
func (p *ports) args(t *testing.T) []string {
	t.Helper()
	free := func() string {
		address, err := testports.Address()
		if err != nil {
			t.Fatal(err)
		}
		return address
	}
	p.grpc, p.prometheus = free(), free()
	return []string{
		"--set=receivers.otlp.protocols.grpc.endpoint=" + p.grpc,
		"--set=receivers.otlp.protocols.http.endpoint=" + free(),
		"--set=extensions.healthcheckv2.http.endpoint=" + free(),
		"--set=exporters.prometheus.endpoint=" + p.prometheus,
		"--set=service.telemetry.metrics.level=none",
	}
}

// text that a process writes while others read it.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// expected is what the data says about a window.
type expected struct{ rows, right int }

// tally counts the data of a replay by window.
func tally(t *testing.T, r Replay) map[int64]*expected {
	t.Helper()
	all := map[int64]*expected{}
	labels := collect(t, Labels())
	for i, row := range collect(t, Predictions()) {
		start := r.Time(i).Truncate(window).UnixNano()
		if all[start] == nil {
			all[start] = &expected{}
		}
		all[start].rows++
		if (row.Probability >= 0.5) == labels[i].Employed {
			all[start].right++
		}
	}
	return all
}

// The built binary shows the demo, although it was killed once: every prediction
// counts once in its window, the numbers are those of the data, they are on the
// Prometheus endpoint, and another start has them still.
func TestDemo(t *testing.T) {
	bin, dir := binary(t), t.TempDir()
	state := filepath.Join(dir, "driftmeter-data", "demo")
	var p ports

	interrupt(t, bin, dir, p.args(t), func(r Replay) bool { return r.Sent > 10*batchRows })
	interrupt(t, bin, dir, p.args(t), func(r Replay) bool { return r.Labels > 10*batchRows })
	var screen buffer
	first := exec.CommandContext(t.Context(), bin, append([]string{"demo"}, p.args(t)...)...)
	first.Dir, first.Stdout, first.Stderr = dir, &screen, &screen
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- first.Wait() }()
	for deadline := time.Now().Add(3 * time.Minute); !strings.Contains(screen.String(), "Ctrl-C stops it"); time.Sleep(100 * time.Millisecond) {
		select {
		case err := <-ended:
			t.Fatalf("the demo ended: %v\n%s", err, &screen)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("the demo is not done\n%s", &screen)
		}
	}
	scraped := get(t, "http://"+p.prometheus+"/metrics")
	if err := first.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatalf("after Ctrl-C: %v\n%s", err, &screen)
	}

	rec, err := openRecord(state)
	if err != nil {
		t.Fatal(err)
	}
	windows := map[int64]Window{}
	if err := readJSON(filepath.Join(state, "windows.json"), &windows); err != nil {
		t.Fatal(err)
	}
	if len(rec.Replays) != 1 || !rec.Replays[0].Done() || rec.Reference != ReferenceRows {
		t.Fatalf("sent %+v", rec)
	}
	compare(t, tally(t, rec.Replays[0]), windows)

	// The files of 2017 and 2018 have the people of group quarters in one block, so
	// that the latest window has none: nothing drifts as RELP does.
	latest := windows[last(windows)]
	for field, d := range latest.Drift {
		if field != "features.RELP" && d["psi"] >= latest.Drift["features.RELP"]["psi"] {
			t.Errorf("the psi of %s is %v, that of RELP %v", field, d["psi"], latest.Drift["features.RELP"]["psi"])
		}
	}
	if len(latest.Drift) != len(features)+2 || latest.Drift["features.RELP"]["detected"] != 1 || latest.Drift["features.ANC"]["detected"] != 0 {
		t.Errorf("drift of the latest window: %v", latest.Drift)
	}
	for _, want := range []string{"RELP, place in household", "labels, 2016–2018", "apart", "What a person is told", "http://" + p.prometheus + "/metrics", "ml.features.age"} {
		if !strings.Contains(screen.String(), want) {
			t.Errorf("the screen does not show %s\n%s", want, &screen)
		}
	}
	alarmed(t, state)
	for metric, want := range map[string]float64{
		`ml_model_predictions{`: latest.Predictions, `ml_drift_psi{.*ml_field_name="RELP"`: latest.Drift["features.RELP"]["psi"],
		`ml_drift_detected{.*ml_field_name="RELP"`: 1, `ml_drift_detected_ratio{`: *latest.Drifted,
		`ml_performance_accuracy_ratio{`:                  latest.Performance["accuracy"],
		`ml_performance_estimated_accuracy_ratio{`:        latest.Performance["estimated.accuracy"],
		`ml_performance_estimation_error_accuracy_ratio{`: latest.Performance["estimation_error.accuracy"],
	} {
		if got := sample(t, scraped, metric); got != want {
			t.Errorf("%s is %v on the endpoint, want %v", metric, got, want)
		}
	}

	again, err := run(t, bin, dir, append([]string{"demo", "--exit"}, p.args(t)...)...)
	if err != nil || !strings.Contains(again, "nothing is sent now") || !strings.Contains(again, "RELP") {
		t.Fatalf("the second start: %v\n%s", err, again)
	}
	kept := map[int64]Window{}
	if err := readJSON(filepath.Join(state, "windows.json"), &kept); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(kept, func(start int64, _ Window) bool { return start > last(windows) }) // an hour may have ended
	if !reflect.DeepEqual(kept, windows) {
		t.Error("the second start counted otherwise")
	}
}

// alarmed checks that the monitors have seen it: RELP drifts since 2017; in the
// hours of the block f1 was low, and is not any more.
func alarmed(t *testing.T, state string) {
	t.Helper()
	in, err := openInbox(state)
	if err != nil {
		t.Fatal(err)
	}
	drifts, falls := 0, 0
	for _, a := range in.all() {
		if a.Fired.Field == "RELP" && a.Resolved == nil {
			drifts++
		}
		if a.Fired.Monitor.Name == "f1 falls" && a.Resolved != nil && *a.Fired.Value < 0.75 && *a.Resolved.Value > 0.75 {
			falls++
		}
	}
	if drifts != 1 || falls != 1 {
		t.Errorf("alerts: %+v", in.all())
	}
}

// interrupt starts the demo and kills it when so much was sent.
func interrupt(t *testing.T, bin, dir string, args []string, sent func(Replay) bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin, append([]string{"demo"}, args...)...)
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		rec, err := openRecord(filepath.Join(dir, "driftmeter-data", "demo"))
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("nothing is sent: %v", err)
		}
		if len(rec.Replays) > 0 && sent(rec.Replays[0]) {
			break
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
}

// compare compares the windows that were evaluated with the data.
func compare(t *testing.T, want map[int64]*expected, windows map[int64]Window) {
	t.Helper()
	rows, unended := 0, 0
	for start, e := range want {
		w, ok := windows[start]
		if !ok {
			if start <= last(windows) {
				t.Errorf("window %s is missing", time.Unix(0, start))
			}
			unended += e.rows
			continue
		}
		if w.Predictions != float64(e.rows) {
			t.Errorf("window %s has %v predictions, want %d", time.Unix(0, start), w.Predictions, e.rows)
		}
		if w.Labels != float64(e.rows) {
			t.Errorf("window %s has %v labels, want %d", time.Unix(0, start), w.Labels, e.rows)
		}
		if accuracy, ok := w.Performance["accuracy"]; e.rows >= 30 && (!ok || accuracy != float64(e.right)/float64(e.rows)) {
			t.Errorf("window %s has the accuracy %v, want %d/%d", time.Unix(0, start), accuracy, e.right, e.rows)
		}
		rows += int(w.Predictions)
	}
	if rows+unended != PredictionRows || unended > perHour || len(windows) < 41 {
		t.Errorf("%d predictions in %d windows, and %d in the hour that runs", rows, len(windows), unended)
	}
}

func last(windows map[int64]Window) (start int64) {
	for s := range windows {
		start = max(start, s)
	}
	return start
}

func run(t *testing.T, bin, dir string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sample returns the value of the series of the whole model that matches.
func sample(t *testing.T, text, pattern string) float64 {
	t.Helper()
	match := regexp.MustCompile("^" + strings.Replace(pattern, "{", `\{`, 1))
	for line := range strings.Lines(text) {
		if match.MatchString(line) && !strings.Contains(line, "ml_segment_name") {
			v, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndex(line, " "):]), 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Errorf("no series %s", pattern)
	return 0
}

// Ctrl-C while the collector starts is no error.
func TestInterruptAtStart(t *testing.T) {
	bin, dir := binary(t), t.TempDir()
	var p ports
	var screen buffer
	cmd := exec.CommandContext(t.Context(), bin, append([]string{"demo"}, p.args(t)...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &screen, &screen
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); screen.String() == "" && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(screen.String(), "Stopped.") {
		t.Errorf("%v: %s", err, &screen)
	}
}

// A port that another program has is named, with the key that changes it.
func TestPortInUse(t *testing.T) {
	bin, dir := binary(t), t.TempDir()
	var p ports
	args := p.args(t)
	l, err := net.Listen("tcp", p.grpc)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	out, err := run(t, bin, dir, append([]string{"demo", "--exit"}, args...)...)
	want := "Error: " + p.grpc + " is in use (receivers.otlp.protocols.grpc.endpoint)"
	if err == nil || !strings.HasPrefix(out, want) || strings.Count(out, "\n") != 1 {
		t.Errorf("%v: %s", err, out)
	}
	if out, err = run(t, bin, dir, "demo", "--set=nonsense"); err == nil || !strings.Contains(out, "--set=nonsense has the form") {
		t.Errorf("%v: %s", err, out)
	}
}
