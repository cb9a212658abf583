package record

// Window returns the start of the window that holds t, of windows of size; all in
// nanoseconds, t since the Unix epoch. Windows are aligned to UTC.
func Window(t, size int64) int64 {
	m := t % size
	if m < 0 {
		m += size
	}
	return t - m
}
