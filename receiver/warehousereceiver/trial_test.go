package warehousereceiver

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/driftmeter/driftmeter/internal/trial/trialtest"
)

// What is tried on an export is what is sent of the table.
func trialIsWhatIsSent(t *testing.T) {
	name := table(t)
	exec(t, "INSERT INTO "+name+" VALUES "+rowA+", "+rowB)
	r := newRig(t, name, "incremental: {column: at}\n")
	path := filepath.Join(t.TempDir(), "export.csv")
	if err := os.WriteFile(path, []byte("id,at,amount,country,proba,fraud\na,2026-11-01 10:00:00+00,1.5,DE,0.9,\nb,2026-11-01 10:01:00+00,2.5,FR,0.1,true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	told := trialtest.Read(t, parse(t, r.config).Trials()[0], path)
	var tried []string
	for _, lr := range told.Logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		tried = append(tried, shown(lr)+" "+lr.Timestamp().String())
	}
	slices.Sort(tried)
	r.sink.precise = true
	r.want(r.run(), tried...)
}
