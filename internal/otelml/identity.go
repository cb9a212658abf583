package otelml

import (
	"encoding/binary"
	"math/bits"

	"github.com/zeebo/xxh3"
	"google.golang.org/protobuf/encoding/protowire"
)

// Fields of the messages of OTLP between a request and its log records.
const (
	fieldResourceLogs = 1 // of LogsData
	fieldResource     = 1 // of ResourceLogs
	fieldScopeLogs    = 2 // of ResourceLogs
	fieldLogRecords   = 2 // of ScopeLogs
)

// Identity names a batch of logs by what is in it: the sum, modulo 2¹²⁸, of a hash
// of each record with its resource. The same records have the same identity in
// whatever order they come, since contrib's load_balancing arranges those of one
// batch anew each time that it is sent. b is the batch as ProtoMarshaler writes it.
func Identity(b []byte) (id [16]byte) {
	var hi, lo uint64
	each(b, fieldResourceLogs, func(rl []byte) {
		var resource uint64
		each(rl, fieldResource, func(r []byte) { resource = xxh3.Hash(r) })
		each(rl, fieldScopeLogs, func(sl []byte) {
			each(sl, fieldLogRecords, func(lr []byte) {
				h := xxh3.Hash128Seed(lr, resource)
				var carry uint64
				lo, carry = bits.Add64(lo, h.Lo, 0)
				hi, _ = bits.Add64(hi, h.Hi, carry)
			})
		})
	})
	binary.BigEndian.PutUint64(id[:8], hi)
	binary.BigEndian.PutUint64(id[8:], lo)
	return id
}

// each calls fn for the messages in a field of the message b. It ends at what is
// no message, which nothing that was just marshalled has.
func each(b []byte, field protowire.Number, fn func([]byte)) {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return
		}
		b = b[n:]
		if number == field && kind == protowire.BytesType {
			m, n := protowire.ConsumeBytes(b)
			if n < 0 {
				return
			}
			fn(m)
			b = b[n:]
			continue
		}
		if n = protowire.ConsumeFieldValue(number, kind, b); n < 0 {
			return
		}
		b = b[n:]
	}
}
