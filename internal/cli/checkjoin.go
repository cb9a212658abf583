package cli

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/join"
	"github.com/driftmeter/driftmeter/internal/otelml"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/truth"
)

// names is the table that the states of awaited predictions refer to.
type names struct {
	table join.Table
	all   bool // false when an entry is lost: those behind it have no number
}

// entry reads an entry of the table. It can be used when all before it can.
func (n *names) entry(key, value []byte) error {
	if n.all && n.table.Load(binary.BigEndian.Uint32(key[1:]), value) == nil {
		return nil
	}
	n.all = false
	var alone join.Table
	if err := alone.Load(1, value); err != nil {
		return err
	}
	return fmt.Errorf("%w: an entry before it", store.ErrNeedsLost)
}

// awaited reads the state of an id.
func (ls *layouts) awaited(_, value []byte) error {
	var s join.State
	err := ls.names.table.Read(string(value), &s)
	if err != nil && !ls.names.all { // what it refers to may be in the part that cannot be read
		return fmt.Errorf("%w: %w", store.ErrNeedsLost, err)
	}
	return err
}

// checkJoined reads what waits for the component after groundtruth.
func checkJoined(_, value []byte) error {
	e, err := truth.ReadEntry(value)
	if err != nil {
		return err
	}
	_, err = otelml.Unpack(e.Batch)
	_, err2 := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(e.Said)
	return errors.Join(err, err2)
}
