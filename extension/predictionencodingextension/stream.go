package predictionencodingextension

import (
	"fmt"
	"io"

	"go.opentelemetry.io/collector/pdata/plog"

	encodings "github.com/open-telemetry/opentelemetry-collector-contrib/extension/encoding"

	"github.com/driftmeter/driftmeter/internal/rowlog"
)

// NewLogsDecoder reads a stream in batches, of which each is a function of where it
// begins and of the options only. Offsets are rows. JSON and NDJSON are read as they
// come; of other formats all must be there, within max_message_mib.
func (e *encoding) NewLogsDecoder(r io.Reader, options ...encodings.DecoderOption) (encodings.LogsDecoder, error) {
	d := &decoder{e: e, options: encodings.NewDecoderOptions(options...), in: &counted{Reader: r}}
	if d.options.Offset < 0 {
		return nil, fmt.Errorf("the offset %d is no number of rows", d.options.Offset)
	}
	if f := e.cfg.Format; f != rowlog.JSON && f != rowlog.NDJSON && f != formatEvents {
		d.in.most = int64(e.cfg.MaxMessageMiB) << 20
	}
	return d, nil
}

// decoder is a stream that is being read.
type decoder struct {
	e       *encoding
	options encodings.DecoderOptions
	in      *counted
	source  rowlog.Source
	opened  bool
	ended   bool
	row     int64 // the last that was read
}

// Offset is the number of rows that have been read.
func (d *decoder) Offset() int64 { return max(d.row, d.options.Offset) }

// DecodeLogs returns the next batch.
func (d *decoder) DecodeLogs() (plog.Logs, error) {
	err := d.begin()
	if d.ended && err == nil {
		return plog.Logs{}, io.EOF
	}
	m := d.e.message()
	first := d.row
	for more := true; more && err == nil && !d.full(m); {
		if more, err = m.row(d.source, d.row+1); more {
			d.row++
		} else {
			d.close()
		}
	}
	if d.ended && err == nil && d.row == first {
		m.release()
		return plog.Logs{}, io.EOF
	}
	return m.end(err)
}

// begin opens the stream and leaves out the rows before the offset.
func (d *decoder) begin() error {
	if d.opened {
		return nil
	}
	d.opened = true
	source, err := d.e.open(d.in, rowlog.Open)
	if err != nil {
		d.ended = true
		return err
	}
	d.source = source
	skipped := d.e.message()
	defer skipped.release()
	for ; d.row < d.options.Offset; d.row++ {
		more, err := skipped.pass(d.source)
		if err != nil || !more {
			d.close()
			return err
		}
	}
	return nil
}

// full tells whether a batch is to be handed on. What it counts as bytes is what
// rows take in memory: how many have been read from the stream depends on how they
// came, and a batch must not.
func (d *decoder) full(m *message) bool {
	o := &d.options
	return o.FlushItems > 0 && int64(m.batch.Accepted) >= o.FlushItems || o.FlushBytes > 0 && m.size >= o.FlushBytes
}

func (d *decoder) close() {
	d.ended = true
	d.source.Close()
}

// counted counts what is read, and ends what is too long.
type counted struct {
	io.Reader
	n, most int64 // 0: as long as it is
}

func (c *counted) Read(p []byte) (int, error) {
	if c.most > 0 && c.n > c.most {
		return 0, fmt.Errorf("the stream has more than %d bytes (max_message_mib)", c.most)
	}
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}
