package store

import "testing"

// TestCutLogIsNotWrittenToTables is about the cost of the log: nearly all bytes
// that the store takes are its entries, and they live for seconds.
func TestCutLogIsNotWrittenToTables(t *testing.T) {
	s := open(t, t.TempDir(), Options{MemTableBytes: 4 << 20})
	defer s.Close()
	entry := make([]byte, 64<<10)
	var put, since int64
	for seq := uint64(1); put < 64<<20; seq++ {
		tx := s.Begin()
		tx.PutLog(seq, entry)
		if since += int64(len(entry)); since > s.LogRoom() {
			tx.DeleteLogThrough(seq)
			since = 0
		}
		if err := tx.Commit(NoSync); err != nil {
			t.Fatal(err)
		}
		put += int64(len(entry))
	}
	if m := s.engine.db.Metrics(); m.Flush.Count < 20 || m.Levels[0].TableBytesFlushed > uint64(put)/20 {
		t.Errorf("%d of %d bytes of the log were written to tables in %d flushes", m.Levels[0].TableBytesFlushed, put, m.Flush.Count)
	}
}
