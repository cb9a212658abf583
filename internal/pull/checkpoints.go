package pull

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// Checkpoints are how far each source has been read, as small byte strings in a
// storage extension of the Collector. docs/formats/checkpoints.md describes the
// bytes.
type Checkpoints struct{ client storage.Client }

// OpenCheckpoints opens those of a receiver in the storage extension that its
// configuration names.
func OpenCheckpoints(ctx context.Context, host component.Host, id component.ID, in *component.ID) (*Checkpoints, error) {
	if in == nil {
		return nil, errors.New("storage is missing")
	}
	client, err := OpenStorage(ctx, host, component.KindReceiver, id, in)
	if err != nil {
		return nil, err
	}
	return &Checkpoints{client}, nil
}

// OpenStorage opens what a component keeps in the storage extension that its
// configuration names.
func OpenStorage(ctx context.Context, host component.Host, kind component.Kind, id component.ID, in *component.ID) (storage.Client, error) {
	c, ok := host.GetExtensions()[*in]
	if !ok {
		return nil, fmt.Errorf("storage=%s is not among the extensions of the service; add it to service::extensions", in)
	}
	ext, ok := c.(storage.Extension)
	if !ok {
		return nil, fmt.Errorf("storage=%s is no storage extension; file_storage is one", in)
	}
	client, err := ext.GetClient(ctx, kind, id, "")
	if err != nil {
		return nil, fmt.Errorf("storage=%s cannot be opened: %w (is another process using it?)", in, err)
	}
	return client, nil
}

// A value is a byte with the version, what the receiver says, and a CRC-32C of
// both, big-endian.
const checkpointVersion = 1

// maxCheckpoint bounds what one source may keep.
const maxCheckpoint = 64 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Get returns what was set last under a key, nil if nothing was.
func (c *Checkpoints) Get(ctx context.Context, key string) ([]byte, error) {
	b, err := c.client.Get(ctx, key)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the checkpoint %q cannot be read: %w", key, err)
	case b == nil:
		return nil, nil
	}
	return unframed(key, b)
}

// unframed is what stands between version and checksum.
func unframed(key string, b []byte) ([]byte, error) {
	switch {
	case len(b) < 5 || crc32.Checksum(b[:len(b)-4], castagnoli) != binary.BigEndian.Uint32(b[len(b)-4:]):
		return nil, fmt.Errorf("the checkpoint %q is damaged; remove the storage of this receiver to read everything again", key)
	case b[0] != checkpointVersion:
		return nil, fmt.Errorf("the checkpoint %q is of version %d, written by a newer build; this one reads version %d", key, b[0], checkpointVersion)
	}
	return b[1 : len(b)-4], nil
}

// Set keeps a value. It is on disk when Set returns if the extension syncs
// (`fsync: true` of file_storage), and else survives a crash of the process, not
// one of the machine.
func (c *Checkpoints) Set(ctx context.Context, key string, value []byte) error {
	return c.Update(ctx, map[string][]byte{key: value}, nil)
}

// Update sets and deletes several keys in one step, as far as the storage has such:
// file_storage does.
func (c *Checkpoints) Update(ctx context.Context, set map[string][]byte, remove []string) error {
	var ops []*storage.Operation
	for key, value := range set {
		if len(value) > maxCheckpoint {
			return fmt.Errorf("the checkpoint %q has %d bytes; at most %d are allowed", key, len(value), maxCheckpoint)
		}
		ops = append(ops, storage.SetOperation(key, framed(value)))
	}
	for _, key := range remove {
		ops = append(ops, storage.DeleteOperation(key))
	}
	if err := c.client.Batch(ctx, ops...); err != nil {
		return fmt.Errorf("the checkpoints cannot be written: %w", err)
	}
	return nil
}

// framed puts a value between its version and its checksum.
func framed(value []byte) []byte {
	b := append(make([]byte, 0, len(value)+5), checkpointVersion)
	b = append(b, value...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// Delete forgets a key.
func (c *Checkpoints) Delete(ctx context.Context, key string) error { return c.client.Delete(ctx, key) }

// Review calls fn for each key that begins with prefix, in one step, as far as the
// storage can name its keys: file_storage can. What fn returns is kept instead of the
// value; the key is removed if it is nil. Damaged values are left to those who read
// them.
func (c *Checkpoints) Review(ctx context.Context, prefix string, fn func(key string, value []byte) []byte) error {
	w, ok := c.client.(storage.Walker)
	if !ok {
		return nil
	}
	err := w.Walk(ctx, func(key string, b []byte) ([]*storage.Operation, error) {
		if !strings.HasPrefix(key, prefix) {
			return nil, nil
		}
		value, err := unframed(key, b)
		if err != nil {
			return nil, nil
		}
		switch now := fn(key, value); {
		case now == nil:
			return []*storage.Operation{storage.DeleteOperation(key)}, nil
		case !bytes.Equal(now, value):
			return []*storage.Operation{storage.SetOperation(key, framed(now))}, nil
		}
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("the checkpoints cannot be looked through: %w", err)
	}
	return nil
}

// Close releases the storage.
func (c *Checkpoints) Close(ctx context.Context) error {
	if c == nil {
		return nil
	}
	return c.client.Close(ctx)
}
