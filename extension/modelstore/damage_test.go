package modelstore

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/driftmeter/driftmeter/internal/model"
)

// opened starts a modelstore whose models have a reference from a file.
func opened(t *testing.T, dir, file string) (m *modelstore, said *observer.ObservedLogs, err error) {
	t.Helper()
	f := NewFactory()
	cfg := f.CreateDefaultConfig().(*Config)
	cfg.Directory = dir
	for i := range 6 { // so many that some blocks are of references alone
		cfg.Models = append(cfg.Models, model.Definition{Name: fmt.Sprint("m", i), Reference: model.Reference{Path: file}})
	}
	core, said := observer.New(zap.InfoLevel)
	set := extensiontest.NewNopSettings(f.Type())
	set.Logger = zap.New(core)
	ext, err := f.Create(t.Context(), set, cfg)
	if err != nil {
		t.Fatal(err)
	}
	m = ext.(*modelstore)
	return m, said, m.Start(t.Context(), componenttest.NewNopHost())
}

func closed(t *testing.T, m *modelstore) {
	t.Helper()
	if err := m.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A reference from a file that is damaged in the store is read from the file again.
func TestDamagedReferenceIsReadAgain(t *testing.T) {
	file, dir := filepath.Join(t.TempDir(), "train.csv"), filepath.Join(t.TempDir(), "state")
	var rows strings.Builder
	rows.WriteString("features.x,features.y\n")
	for i := range 3000 {
		fmt.Fprintf(&rows, "%d,%d\n", i*i%997, i*7%991)
	}
	if err := os.WriteFile(file, []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	m, _, err := opened(t, dir, file)
	if err != nil {
		t.Fatal(err)
	}
	closed(t, m)
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) != 1 {
		t.Fatal(tables, err)
	}
	table, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(table); at += 1024 {
		other := filepath.Join(t.TempDir(), "state")
		if err := os.CopyFS(other, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		b := append([]byte(nil), table...)
		for i := at; i < min(at+8, len(b)); i++ {
			b[i] ^= 0xff
		}
		if err := os.WriteFile(filepath.Join(other, filepath.Base(tables[0])), b, 0o600); err != nil {
			t.Fatal(err)
		}
		m, said, err := opened(t, other, file)
		if err != nil {
			continue // that byte was of something else
		}
		again := said.FilterMessageSnippet("reading its file again").Len() > 0
		for i := range 6 {
			if _, ok, err := m.Catalog().Reference(fmt.Sprint("m", i), "", model.Training); !ok || err != nil {
				t.Errorf("the reference is not there: %v", err)
			}
		}
		closed(t, m)
		if !again {
			continue
		}
		if m, said, err = opened(t, other, file); err != nil || said.FilterMessageSnippet("Reading a reference").Len() > 0 {
			t.Errorf("at the next start: %v, %v", err, said.All())
		}
		closed(t, m)
		return
	}
	t.Error("no byte is of the reference")
}
