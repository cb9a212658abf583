package pull

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/mapping"
)

// What follows is for receivers that make batches of their own: whose rows may be
// others when they are read again, so that a batch is kept before it is sent.

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

// Send passes a batch on until it is taken, or refused for good, which is counted.
// An error ends the run, and the batch has to be sent again, as it is. unit is
// what it is of, for people.
func (s *Sender) Send(ctx context.Context, unit string, logs plog.Logs, rows int64) error {
	return s.send(ctx, unit, logs, rows)
}

// Refused counts a row that cannot be used, and shows the first ones of a run.
func (p *Progress) Refused(ctx context.Context, unit string, row int64, err error) {
	e, ok := errors.AsType[*mapping.RowError](err)
	if !ok {
		e = &mapping.RowError{Reason: "unreadable", Problem: err.Error()}
	}
	p.refused(ctx, unit, row, 1, e)
}
