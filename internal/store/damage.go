package store

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	cerrors "github.com/cockroachdb/errors"
	"github.com/cockroachdb/pebble/v2"
)

// CorruptError says that files of the directory are damaged or missing.
type CorruptError struct {
	Dir  string
	File string // the file's name in Dir; empty when unknown
	Err  error
}

func (e *CorruptError) Error() string {
	file := ""
	if e.File != "" {
		file = " (file " + e.File + ")"
	}
	return fmt.Sprintf("the state in %s%s is damaged: %s; run `driftmeter check %s` to see what is lost", e.Dir, file, plain(e.Err), e.Dir)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// damage turns an error of Pebble into a CorruptError where the disk's content
// is to blame, and leaves every other error alone.
func damage(dir string, err error) error {
	if err == nil || !spoiled(err) {
		return err
	}
	if _, known := errors.AsType[*CorruptError](err); known {
		return err
	}
	return &CorruptError{Dir: dir, File: damagedFile(err), Err: err}
}

// isDamage reports whether damage has found that the disk's content is to blame.
func isDamage(err error) bool {
	_, ok := errors.AsType[*CorruptError](err)
	return ok
}

// spoiled tells what is wrong with the content of the disk from all else.
func spoiled(err error) bool {
	return pebble.IsCorruptionError(err) || errors.Is(err, ErrCorrupt) ||
		missingManifest.MatchString(err.Error()) || inconsistent.MatchString(err.Error())
}

var (
	fileName  = regexp.MustCompile(`\d{6,}\.(sst|log|blob)|(MANIFEST|OPTIONS)-\d{6,}`)
	tableName = regexp.MustCompile(`(?:L\d: |table |file )(\d{6,})`)
	walName   = regexp.MustCompile(`wal (\d+)`)
)

// damagedFile finds the name of the damaged file in what Pebble says.
func damagedFile(err error) string {
	if b, ok := errors.AsType[*blockError](err); ok {
		return b.File
	}
	if info := pebble.ExtractDataCorruptionInfo(err); info != nil && info.Path != "" {
		return info.Path[strings.LastIndexAny(info.Path, `/\`)+1:]
	}
	text := err.Error() + "\n" + cerrors.FlattenDetails(err)
	if m := fileName.FindString(text); m != "" {
		return m
	}
	if m := tableName.FindStringSubmatch(text); m != nil {
		return m[1] + ".sst"
	}
	if m := walName.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("%06s.log", m[1])
	}
	return ""
}

// What Pebble says of damage, and what it means.
var (
	inconsistent    = regexp.MustCompile(`L\d: (\d{6,}): .*(does not exist|size mismatch .*?: (\d+) \(disk\) != (\d+) \(MANIFEST\))`)
	missingManifest = regexp.MustCompile(`could not open manifest file`)
	optionsDamage   = regexp.MustCompile(`invalid key=value syntax|(comparer|merger) name from file|unknown option`)

	meanings = []struct {
		said *regexp.Regexp
		text string
	}{
		{regexp.MustCompile(`size mismatch .*?: (\d+) \(disk\) != (\d+) \(MANIFEST\)`), "it has $1 bytes, $2 were written"},
		{regexp.MustCompile(`unknown to the objstorage provider: file does not exist`), "it is missing"},
		{missingManifest, "it is missing"},
		{regexp.MustCompile(`footer corrupted|bad magic number|invalid table`), "its end is not that of a table"},
		{regexp.MustCompile(`error when replaying WAL`), "a transaction in it is not whole, and more was written after it"},
		{optionsDamage, "it cannot be read"},
	}
)

// plain says in a sentence what is wrong, without the marks and stacks that
// Pebble's errors carry.
func plain(err error) string {
	if err == nil {
		return ""
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "it is missing"
	}
	text := strings.ReplaceAll(err.Error(), "\n<corruption detail carrier>", "")
	if b, ok := errors.AsType[*blockError](err); ok {
		if at := strings.Index(text, b.Error()); at >= 0 { // with what was added to it
			return text[at:]
		}
		return b.Error()
	}
	for _, m := range meanings {
		if at := m.said.FindStringSubmatchIndex(text); at != nil {
			return string(m.said.ExpandString(nil, m.text, text, at))
		}
	}
	for _, prefix := range []string{"pebble/table: ", "pebble: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return strings.ReplaceAll(text, "\n", "; ")
}
