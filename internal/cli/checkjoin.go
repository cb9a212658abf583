package cli

import (
	"encoding/binary"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/driftmeter/driftmeter/internal/join"
	"github.com/driftmeter/driftmeter/internal/store"
	"github.com/driftmeter/driftmeter/internal/truth"
)

// names is the table that the states of awaited predictions refer to. They stand
// before it, so it is read first.
type names struct {
	table join.Table
	bad   uint32 // the first entry that cannot be read, 0 if all can
}

// read reads the table as far as it can.
func (n *names) read(s *store.Store) error {
	return s.EachName(func(number uint32, b []byte) error {
		if n.bad == 0 && n.table.Load(number, b) != nil {
			n.bad = number
		}
		return nil
	})
}

// awaited reads the state of an id.
func (ls *layouts) awaited(_, value []byte) error {
	var s join.State
	err := ls.names.table.Read(string(value), &s)
	if err != nil && (ls.names.bad > 0 || !ls.all) {
		return nil // what it refers to may be in the part that cannot be read, which is a problem of that
	}
	return err
}

// name reads an entry of the table.
func (ls *layouts) name(key, value []byte) error {
	number := binary.BigEndian.Uint32(key[1:])
	if ls.names.bad == 0 || number < ls.names.bad {
		return nil
	}
	var table join.Table
	if err := table.Load(1, value); err != nil {
		return err
	}
	if number == ls.names.bad {
		return join.ErrCorrupt // its number does not follow the one before
	}
	return nil
}

// checkJoined reads what waits for the component after groundtruth.
func checkJoined(_, value []byte) error {
	e, err := truth.ReadEntry(value)
	if err != nil {
		return err
	}
	for _, b := range [][]byte{e.Batch, e.Said} {
		if _, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(b); err != nil {
			return err
		}
	}
	return nil
}
