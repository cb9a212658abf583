package table

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every refusal names the file, where in it, what is wrong, and what would be right.
func TestErrorTexts(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "folder.csv"), 0o700); err != nil {
		t.Fatal(err)
	}
	text := "a,b\n1,x\n2,y\n"
	parquet := string(passengers(t))
	for _, c := range []struct{ name, content, want string }{
		{"gone.csv", "", "gone.csv: there is no such file; check the path"},
		{"folder.csv", "", "folder.csv: is not a regular file; name a file, not a directory or device"},
		{"t.json", text, "t.json: is of no known format; known extensions: .csv, .csv.gz, .csv.zst, .parquet, .parquet.gz, .parquet.zst"},
		{"t", text, "t: is of no known format; known extensions: .csv, .csv.gz, .csv.zst, .parquet, .parquet.gz, .parquet.zst"},
		{"t.csv", "\n\n", "t.csv: is empty; the first row must name the columns"},
		{"empty.csv", "", "empty.csv: is empty; the first row must name the columns"},
		{"empty.csv.gz", pack2(".gz", ""), "empty.csv.gz: is empty; the first row must name the columns"},
		{"t.csv.gz", text, "t.csv.gz: is named as gzip-compressed and is not; let its name end with what it is"},
		{"t.csv.zst", text, "t.csv.zst: is named as zstd-compressed and is not; let its name end with what it is"},
		{"t.csv", pack2(".gz", text), "t.csv: is gzip-compressed; let its name end with .gz"},
		{"t.csv", pack2(".zst", text), "t.csv: is zstd-compressed; let its name end with .zst"},
		{"t.csv", parquet, "t.csv: is a Parquet file; let its name end with .parquet"},
		{"t.csv", "\xff\xfea\x00,\x00b\x00", "t.csv: is UTF-16 text; save it as UTF-8"},
		{"t.csv", "a;b\n1;2\n", `t.csv: column "a;b": is the only column; separate columns by commas`},
		{"t.csv", "a\tb\n1\t2\n", `t.csv: column "a\tb": is the only column; separate columns by commas`},
		{"t.csv", "a,b,a\n", `t.csv: column "a": is the name of columns 1 and 3; give each column a name of its own`},
		{"t.csv", "a,st\xe4dte\n", `t.csv: column "st�dte": is not UTF-8 text; save the file as UTF-8`},
		{"t.csv", "a,b\n1,x\n2,Z\xfcrich\n", `t.csv: row 2: column "b": is not UTF-8 text; save the file as UTF-8`},
		{"t.csv", "a,b\n1,x\n2\n", "t.csv: row 2: has 1 cells in line 3, and the header names 2 columns; give every row as many; a cell with a comma in it needs quotes"},
		{"t.csv", "a,b\n\"1\n\",x\n2,y,z\n", "t.csv: row 2: has 3 cells in line 4, and the header names 2 columns; give every row as many; a cell with a comma in it needs quotes"},
		{"t.csv", "a,b\n1,5\" pipe\n", `t.csv: row 1: a " stands inside a cell that does not begin with one in line 2; write the whole cell in quotes and each quote in it twice, as in "5"" pipe"`},
		{"t.csv", "a,b\n1,\"5\" pipe\"\n", `t.csv: row 1: a quoted cell is not closed as it should be in line 2; write each quote inside it twice, as in "5"" pipe", and end it with one before the comma`},
		{"t.csv", "a,b\n1,\"open\n2,y\n", `t.csv: row 1: a quoted cell is not closed as it should be in line 3; write each quote inside it twice, as in "5"" pipe", and end it with one before the comma`},
		{"t.csv.gz", pack2(".gz", text)[:20], "t.csv.gz: row 2: the gzip data ends too early; it was cut short or damaged; copy it again"},
		{"t.csv.zst", pack2(".zst", text)[:10], "t.csv.zst: the zstd data ends too early; it was cut short or damaged; copy it again"},
		{"t.parquet", text, "t.parquet: is not a Parquet file; let its name end with what it is"},
		{"t.parquet", "PAR1", "t.parquet: is too short for a Parquet file; it was cut short or damaged; copy or write it again"},
		{"t.parquet", parquet[:len(parquet)-1], "t.parquet: does not end as a Parquet file does; it was cut short or damaged; copy or write it again"},
		{"t.parquet", "PAR1\x00\x02\x00\x00PAR1", "t.parquet: states a footer of 512 bytes and has 12; it was cut short or damaged; copy or write it again"},
		{"t.parquet", pack2(".gz", parquet), "t.parquet: is not a Parquet file; let its name end with what it is"},
		{"t.parquet.gz", parquet, "t.parquet.gz: is named as gzip-compressed and is not; let its name end with what it is"},
		{"t.parquet.gz", pack2(".gz", parquet)[:1000], "t.parquet.gz: the gzip data ends too early; it was cut short or damaged; copy it again"},
	} {
		path := filepath.Join(dir, c.name)
		if c.content != "" || strings.HasPrefix(c.name, "empty") {
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r, err := Open(path)
		if err == nil {
			_, err = all(r)
			_ = r.Close() // only read
		}
		if err == nil {
			t.Errorf("%s with %.20q: no error, want %s", c.name, c.content, c.want)
			continue
		}
		if _, typed := errors.AsType[*Error](err); !typed {
			t.Errorf("%s: an error of type %T", c.name, err)
		}
		if got := strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""); got != c.want {
			t.Errorf("%s with %.20q:\n got %s\nwant %s", c.name, c.content, got, c.want)
		}
	}
}

func pack2(ext, s string) string { return string(pack(ext, []byte(s))) }
