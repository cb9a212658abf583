package alert

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/driftmeter/driftmeter/internal/sketch/strict"
)

// stateVersion is the first byte of an encoded state: docs/formats/alert.md.
const stateVersion = 1

// maxReason bounds the reason of an encoded state, in bytes.
const maxReason = 200

// ErrState says that bytes are no state.
var ErrState = errors.New("corrupt state of an alert")

var severityCodes = []string{"", Low, Medium, High}

// AppendBinary appends the encoded state. Equal states have equal bytes.
func (s State) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, stateVersion)
	if !s.evaluated {
		b = append(b, 0)
	} else {
		b = binary.LittleEndian.AppendUint64(append(b, 1), uint64(s.End))
	}
	reason := s.Reason
	if len(reason) > maxReason || !utf8.ValidString(reason) {
		reason = "unknown"
	}
	b = append(binary.AppendUvarint(b, uint64(len(reason))), reason...)
	return s.Run.append(s.before.append(b)), nil
}

// MarshalBinary encodes the state.
func (s State) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary reads an encoded state. It refuses what AppendBinary does not
// write, with an error that wraps ErrState, and leaves s as it was.
func (s *State) UnmarshalBinary(b []byte) error {
	r := strict.NewReader(b, ErrState)
	if v := r.Byte(); r.Err == nil && v != stateVersion {
		r.Fail("version %d, and this build knows %d", v, stateVersion)
	}
	var got State
	switch flag := r.Byte(); {
	case flag == 1:
		got.evaluated, got.End = true, int64(r.Uint64())
	case flag > 1:
		r.Fail("flag %d", flag)
	}
	got.Reason = string(r.Bytes(r.Number("bytes of reason", maxReason, 1)))
	if !utf8.ValidString(got.Reason) {
		r.Fail("a reason that is no text")
	}
	got.before, got.Run = readRun(r), readRun(r)
	if err := r.End(); err != nil {
		return err
	}
	*s = got
	return nil
}

// MarshalText encodes the state as base64, for JSON.
func (s State) MarshalText() ([]byte, error) {
	b, err := s.AppendBinary(nil)
	return base64.StdEncoding.AppendEncode(nil, b), err
}

// UnmarshalText reads what MarshalText writes.
func (s *State) UnmarshalText(text []byte) error {
	b, err := base64.StdEncoding.Strict().AppendDecode(nil, text)
	if err != nil {
		return errors.Join(ErrState, err)
	}
	return s.UnmarshalBinary(b)
}

func (r Run) append(b []byte) []byte {
	code := byte(0)
	for i, s := range severityCodes {
		if s == r.Severity {
			code = byte(i)
		}
	}
	b = append(b, byte(r.Phase)|code<<2)
	if r.Phase != PhaseOK {
		b = binary.LittleEndian.AppendUint64(b, uint64(r.Since.UnixNano()))
	}
	if r.Phase == PhaseFiring {
		b = binary.LittleEndian.AppendUint64(b, uint64(r.Started.UnixNano()))
	}
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(r.row)), uint64(r.changes))
}

func readRun(r *strict.Reader) (run Run) {
	head := r.Byte()
	run.Phase, run.Severity = Phase(head&3), ""
	if code := head >> 2; int(code) < len(severityCodes) {
		run.Severity = severityCodes[code]
	} else {
		r.Fail("severity %d", code)
	}
	if run.Phase > PhaseFiring || (run.Severity != "") != (run.Phase == PhaseFiring) {
		r.Fail("phase %d with severity %q", run.Phase, run.Severity)
	}
	if run.Phase != PhaseOK {
		run.Since = time.Unix(0, int64(r.Uint64())).UTC()
	}
	if run.Phase == PhaseFiring {
		run.Started = time.Unix(0, int64(r.Uint64())).UTC()
	}
	row, changes := r.Uvarint(), r.Uvarint()
	if row > 1<<16 || changes >= 1<<memory {
		r.Fail("row %d, changes %x", row, changes)
		return Run{}
	}
	run.row, run.changes = uint32(row), uint32(changes)
	return run
}
