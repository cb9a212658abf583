package otelml

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/s2"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Pack compresses a batch that ProtoMarshaler has written, to be kept on disk for
// a moment: keys of attributes are most of it, and each record repeats them. It
// costs less than writing what it saves.
func Pack(b []byte) []byte { return s2.Encode(nil, b) }

// maxUnpacked bounds what a packed batch can become, so that a few damaged bytes
// do not fill the memory.
const maxUnpacked = 1 << 30

// Unpack reads a packed batch. An empty one has no records.
func Unpack(b []byte) (plog.Logs, error) {
	if len(b) == 0 {
		return plog.NewLogs(), nil
	}
	n, err := s2.DecodedLen(b)
	if err == nil && n > maxUnpacked {
		err = errors.New("it is too large")
	}
	if err == nil {
		b, err = s2.Decode(nil, b)
	}
	if err != nil {
		return plog.Logs{}, fmt.Errorf("packed batch: %w", err)
	}
	var u plog.ProtoUnmarshaler
	ld, err := u.UnmarshalLogs(b)
	if err != nil {
		return plog.Logs{}, fmt.Errorf("packed batch: %w", err)
	}
	return ld, nil
}
