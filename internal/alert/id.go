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

// Identify sets a's ID to that of its parts. The field counts with its group: a
// monitor of all features and raw inputs may have two of one name.
func (a *Alert) Identify() {
	field := a.Field
	if field != "" && a.FieldGroup != "" {
		field = a.FieldGroup + "." + field
	}
	a.ID = ID(a.Monitor.ID, a.Model, a.Version, a.Segment, a.SegmentValue, field)
}
