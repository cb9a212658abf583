package store

// Metrics are the numbers that tell how the store is doing.
type Metrics struct {
	DiskBytes     uint64 // all files of the directory that Pebble keeps
	LogBytes      uint64 // of them the write-ahead log
	AvailBytes    uint64 // left on the disk; 0 when unknown
	MemTableBytes uint64 // recent commits in memory
	CacheBytes    int64  // table blocks in memory
	CacheHits     int64
	CacheMisses   int64
	Tables        int64 // files
	Flushes       int64
	Compactions   int64
	Debt          uint64 // bytes that compactions have yet to rewrite
	Generation    uint64 // see Store.Generation
}

// Metrics returns the present numbers.
func (s *Store) Metrics() (Metrics, error) {
	e, generation, err := s.use()
	if err != nil {
		return Metrics{}, err
	}
	defer s.release()
	m := e.db.Metrics()
	log := max(m.WAL.Size, m.WAL.PhysicalSize) // the second leaves out the file in use
	out := Metrics{
		DiskBytes:     m.DiskSpaceUsage() - m.WAL.PhysicalSize + log,
		LogBytes:      log + m.WAL.ObsoletePhysicalSize,
		MemTableBytes: m.MemTable.Size,
		CacheBytes:    m.BlockCache.Size,
		CacheHits:     m.BlockCache.Hits,
		CacheMisses:   m.BlockCache.Misses,
		Tables:        m.Total().TablesCount,
		Flushes:       m.Flush.Count,
		Compactions:   m.Compact.Count,
		Debt:          m.Compact.EstimatedDebt,
		Generation:    generation,
	}
	if u, err := s.opts.FS.GetDiskUsage(s.dir); err == nil {
		out.AvailBytes = u.AvailBytes
	}
	return out, nil
}

// DiskBytes returns the size of the files that Pebble keeps, obsolete ones
// included until they are removed.
func (s *Store) DiskBytes() (uint64, error) {
	m, err := s.Metrics()
	return m.DiskBytes, err
}
