package halves

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"go.opentelemetry.io/collector/extension/xextension/storage"

	"github.com/driftmeter/driftmeter/internal/inference"
	"github.com/driftmeter/driftmeter/internal/tree"
)

// Keys of the storage.
const slotsKey = "halves"

func keyOf(slot int) string { return fmt.Sprintf("half/%06x", slot) }

// slotsAtOnce is by how many the number of slots grows that the storage is told, so
// that it is seldom written, and how many are read at a time.
const (
	slotsAtOnce = 64
	readAtOnce  = 1024
)

// Flush writes what is not yet on disk, or waits until somebody has. It is on disk
// when Flush returns if the storage syncs (`fsync: true` of file_storage), and else
// survives a crash of the process, not one of the machine.
func (k *Keeper) Flush(ctx context.Context) error {
	if k.disk == nil {
		return nil
	}
	k.writing <- struct{}{}
	defer func() { <-k.writing }()
	ops, written, told := k.changes()
	if len(ops) == 0 {
		return nil
	}
	err := k.disk.Batch(context.WithoutCancel(ctx), ops...) // also for others that wait
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		for slot := range written {
			k.dirty[slot] = true
		}
		return fmt.Errorf("the storage cannot be written: %w", err)
	}
	k.told = told
	for _, e := range written {
		if e != nil {
			e.written = nil
		}
	}
	return nil
}

// changes returns what makes the storage say what memory does.
func (k *Keeper) changes() (ops []*storage.Operation, written map[int]*entry, told int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	written = make(map[int]*entry, len(k.dirty))
	for slot := range k.dirty {
		e := k.slots[slot]
		if written[slot] = e; e == nil {
			ops = append(ops, storage.DeleteOperation(keyOf(slot)))
		} else {
			ops = append(ops, storage.SetOperation(keyOf(slot), e.bytes()))
		}
	}
	clear(k.dirty)
	if told = k.told; len(k.slots) > told {
		told = (len(k.slots) + slotsAtOnce - 1) / slotsAtOnce * slotsAtOnce
		ops = append(ops, storage.SetOperation(slotsKey, sealed(binary.AppendUvarint([]byte{version}, uint64(told)))))
	}
	return ops, written, told
}

// A value is a byte with the version, what is said below, and a CRC-32C of both.
const version = 1

// Kinds of entries.
const (
	kindHalf  = 1
	kindMet   = 2 // a half in a queue that was part of an inference
	kindTrace = 3
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sealed(b []byte) []byte { return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)) }

// opened returns what sealed had been given, without its version.
func opened(b []byte) ([]byte, error) {
	if len(b) < 5 || crc32.Checksum(b[:len(b)-4], castagnoli) != binary.BigEndian.Uint32(b[len(b)-4:]) {
		return nil, fmt.Errorf("%w: its checksum is wrong", tree.ErrCorrupt)
	}
	if b[0] != version {
		return nil, errVersion(b[0])
	}
	return b[1 : len(b)-4], nil
}

// errVersion says that a newer build has written it.
type errVersion byte

func (e errVersion) Error() string {
	return fmt.Sprintf("what the storage holds is of version %d, written by a newer build; this one reads version %d", byte(e), version)
}

// bytes returns an entry as docs/formats/halves.md describes it.
func (e *entry) bytes() []byte {
	kind := byte(kindHalf)
	switch {
	case e.half == nil:
		kind = kindTrace
	case e.met:
		kind = kindMet
	}
	b := binary.AppendVarint([]byte{version, kind}, e.at.UnixNano())
	if e.half != nil {
		if e.written != nil {
			return sealed(append(b, e.written...))
		}
		return sealed(e.half.Append(b))
	}
	b = tree.AppendText(b, e.key)
	b = append(append(b, e.trace.prints[0][:]...), e.trace.prints[1][:]...)
	return sealed(binary.AppendUvarint(b, uint64(e.trace.accepted)))
}

// readEntry reads what bytes has written. It came at now at the latest, whatever
// the clock said then.
func readEntry(b []byte, now time.Time) (*entry, error) {
	b, err := opened(b)
	if err != nil {
		return nil, err
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: no kind", tree.ErrCorrupt)
	}
	kind := b[0]
	ns, size := binary.Varint(b[1:])
	if size <= 0 {
		return nil, fmt.Errorf("%w: no time", tree.ErrCorrupt)
	}
	e := &entry{at: time.Unix(0, ns)}
	if e.at.After(now) {
		e.at = now
	}
	b = b[1+size:]
	switch kind {
	case kindHalf, kindMet:
		e.met = kind == kindMet
		said := b
		if e.half, b, err = inference.ReadHalf(b, e.at); err != nil {
			return nil, err
		}
		e.key, e.print = e.half.Key(), inference.PrintOf(said)
	case kindTrace:
		if e.key, b, err = tree.ReadText(b); err != nil {
			return nil, err
		}
		if len(b) < 32 {
			return nil, fmt.Errorf("%w: a trace of %d bytes", tree.ErrCorrupt, len(b))
		}
		b = b[copy(e.trace.prints[0][:], b):]
		b = b[copy(e.trace.prints[1][:], b):]
		n, size := binary.Uvarint(b)
		if size <= 0 || n > 1<<31 {
			return nil, fmt.Errorf("%w: no number of predictions", tree.ErrCorrupt)
		}
		e.trace.accepted, b = int(n), b[size:]
	default:
		return nil, fmt.Errorf("%w: kind %d", tree.ErrCorrupt, kind)
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", tree.ErrCorrupt, len(b))
	}
	return e, nil
}

// read reads all slots: those that can be, by age, and how many cannot.
func (k *Keeper) read(ctx context.Context, now time.Time) (entries []*entry, damaged int, err error) {
	b, err := k.disk.Get(ctx, slotsKey)
	if err != nil || b == nil {
		return nil, 0, err
	}
	if b, err = opened(b); err != nil {
		return nil, 0, err
	}
	n, size := binary.Uvarint(b)
	if size <= 0 || n > 1<<24 {
		return nil, 0, fmt.Errorf("%w: %d slots", tree.ErrCorrupt, n)
	}
	k.told, k.slots = int(n), make([]*entry, n)
	for from := 0; from < k.told; from += readAtOnce {
		var ops []*storage.Operation
		for slot := from; slot < min(from+readAtOnce, k.told); slot++ {
			ops = append(ops, storage.GetOperation(keyOf(slot)))
		}
		if err := k.disk.Batch(ctx, ops...); err != nil {
			return nil, 0, err
		}
		for i, op := range ops {
			if op.Value == nil {
				continue
			}
			e, err := readEntry(op.Value, now)
			if _, newer := errors.AsType[errVersion](err); newer {
				return nil, 0, err
			}
			if err != nil {
				k.dirty[from+i] = true // it is removed
				damaged++
				continue
			}
			e.slot = from + i
			entries = append(entries, e)
		}
	}
	slices.SortStableFunc(entries, func(a, b *entry) int { return a.at.Compare(b.at) })
	return entries, damaged, nil
}
