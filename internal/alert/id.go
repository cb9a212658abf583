package alert

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/zeebo/xxh3"
)

// ID returns the identity of an alert: 32 hexadecimal digits, the XXH3-128 of its
// parts, each after its length. Nothing measured is a part, or one alert would be
// a new one each time its value moves.
func ID(monitor, model, version, segment, segmentValue, field string) string {
	var b []byte
	for _, s := range []string{monitor, model, version, segment, segmentValue, field} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	sum := xxh3.Hash128(b).Bytes()
	return hex.EncodeToString(sum[:])
}

// Identify sets a's ID to that of its parts.
func (a *Alert) Identify() {
	a.ID = ID(a.Monitor.ID, a.Model, a.Version, a.Segment, a.SegmentValue, a.Field)
}
