package table

import (
	"strings"
	"testing"
)

// What is sent is read as a file would be.
func TestOpenBytes(t *testing.T) {
	r, err := OpenBytes("body", ".csv", []byte("a,b\n1,x\n2,y\n"))
	if err != nil {
		t.Fatal(err)
	}
	row, n := make([]Cell, len(r.Columns())), int64(0)
	for {
		more, err := r.Next(row)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
		if n++; row[0].Int != n || row[1].Text == "" {
			t.Errorf("row %d is %+v", n, row)
		}
	}
	if n != 2 || r.Close() != nil {
		t.Errorf("%d rows", n)
	}
}

func TestOpenBytesRefuses(t *testing.T) {
	for _, c := range []struct{ extension, content, says string }{
		{".xls", "a\n", "known: .csv, .parquet"},
		{".csv", "", "body: is empty; the first row must name the columns"},
		{".csv", "\x1f\x8bxx", "body: is gzip-compressed"},
		{".csv", strings.Repeat("c,", 10_001), "body: has 10002 columns; at most 10000 are allowed"},
		{".parquet", "PAR1", "body:"},
		{".parquet", "PAR1\xff\xff\xff\x7fPAR1", "body:"},
		{".parquet", strings.Repeat("x", 100), "body:"},
	} {
		if r, err := OpenBytes("body", c.extension, []byte(c.content)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.20q opens: %v, %v", c.content, r, err)
		}
	}
}

// Whatever is sent as Parquet, reading it ends, with rows or an error.
func FuzzOpenBytes(f *testing.F) {
	f.Add(".csv", []byte("a,b\n1,\"x\"\n"))
	f.Add(".parquet", []byte("PAR1\x15\x02PAR1"))
	f.Fuzz(func(_ *testing.T, extension string, b []byte) {
		r, err := OpenBytes("body", extension, b)
		if err != nil {
			return
		}
		row := make([]Cell, len(r.Columns()))
		for range 10_000 {
			if more, err := r.Next(row); !more || err != nil {
				break
			}
		}
		_ = r.Close()
	})
}
