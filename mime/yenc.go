package mime

import (
	"bufio"
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"strconv"
)

// ErrYEnc is what [YEncReader.Check] says about a file that is not as its trailer promises.
var ErrYEnc = errors.New("mime: yEnc size or checksum does not match")

// YEncHeader is what the lines around a yEnc file say (the yEnc draft, version 1.3).
type YEncHeader struct {
	Name  string // as the sender wrote it, decoded as in [DecodeText]
	Size  int64  // octets of the whole file; 0 when not said
	Part  int    // number of this part, from 1; 0 for a file in one part
	Total int    // parts of the file; 0 when not said
	Begin int64  // place of this part's first octet in the file, from 1; 0 for a file in one part
	End   int64  // place of its last octet
}

// YEncReader decodes the first yEnc file of a text: what stands between its "=ybegin" and "=yend" lines. What is around
// them is passed over. Damage is no error of Read; [YEncReader.Check] tells.
type YEncReader struct {
	r     *bufio.Reader
	h     YEncHeader
	out   []byte
	ready []byte
	err   error
	state int // 0 before =ybegin, 1 within, 2 after =yend
	esc   bool
	start bool // at the beginning of a line
	n     int64
	crc   uint32
	bad   bool
}

// NewYEncReader reads the text r.
func NewYEncReader(r io.Reader) *YEncReader {
	return &YEncReader{r: bufio.NewReaderSize(r, 4096), start: true}
}

// Header returns what the lines before the content said; it is complete once Read returned anything.
func (y *YEncReader) Header() YEncHeader { return y.h }

// Check returns nil when the content was read to its end and has the size and the checksum that its trailer says, else
// ErrYEnc.
func (y *YEncReader) Check() error {
	if y.state != 2 || y.bad {
		return ErrYEnc
	}
	return nil
}

// Read reads the content.
func (y *YEncReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(y.ready) == 0 {
		if y.err != nil {
			return 0, y.err
		}
		y.line()
	}
	n := copy(p, y.ready)
	y.ready = y.ready[n:]
	return n, nil
}

// line reads a line, or the next piece of one longer than the buffer.
func (y *YEncReader) line() {
	line, err := y.r.ReadSlice('\n')
	start := y.start
	if y.start = true; err == bufio.ErrBufferFull {
		err, y.start = nil, false
	}
	if y.err = err; y.state == 2 {
		return
	}
	if start && bytes.HasPrefix(line, []byte("=y")) && !y.esc {
		y.control(bytes.TrimRight(line[2:], " \t\r\n"))
		return
	}
	if y.state == 1 {
		y.ready = y.decode(line)
	}
}

// control reads a line with keywords: "=ybegin line=128 size=123456 name=mybinary.dat". The name is the last and goes on to
// the end of the line.
func (y *YEncReader) control(line []byte) {
	word, rest, _ := bytes.Cut(line, []byte(" "))
	switch string(word) {
	case "begin":
		if y.state == 0 {
			y.state = 1
			y.h = YEncHeader{Size: yNumber(rest, "size"), Part: int(yNumber(rest, "part")), Total: int(yNumber(rest, "total"))}
			if i := bytes.Index(rest, []byte("name=")); i >= 0 {
				y.h.Name = DecodeText(string(bytes.Trim(rest[i+5:], `" `)))
			}
		}
	case "part":
		y.h.Begin, y.h.End = yNumber(rest, "begin"), yNumber(rest, "end")
	case "end":
		if y.state != 1 {
			return
		}
		y.state = 2
		y.bad = yNumber(rest, "size") != y.n
		key := "crc32"
		if y.h.Part > 0 {
			key = "pcrc32"
		}
		if want, ok := yValue(rest, key); ok {
			sum, err := strconv.ParseUint(string(want), 16, 32)
			y.bad = y.bad || err != nil || uint32(sum) != y.crc
		}
	}
}

// yValue finds a keyword's value before the name.
func yValue(line []byte, key string) ([]byte, bool) {
	if i := bytes.Index(line, []byte("name=")); i >= 0 {
		line = line[:i]
	}
	for w := range bytes.FieldsSeq(line) {
		if k, v, ok := bytes.Cut(w, []byte("=")); ok && string(k) == key {
			return v, true
		}
	}
	return nil, false
}

func yNumber(line []byte, key string) int64 {
	v, _ := yValue(line, key)
	n, err := strconv.ParseUint(string(v), 10, 63)
	if err != nil {
		return 0
	}
	if (key == "part" || key == "total") && n > 1<<30 {
		return 0
	}
	return int64(n)
}

// decode undoes the encoding: every octet has 42 added; after "=" it has 64 added too.
func (y *YEncReader) decode(line []byte) []byte {
	y.out = y.out[:0]
	for _, c := range line {
		switch {
		case c == '\r' || c == '\n':
		case y.esc:
			y.out = append(y.out, c-64-42)
			y.esc = false
		case c == '=':
			y.esc = true
		default:
			y.out = append(y.out, c-42)
		}
	}
	y.n += int64(len(y.out))
	y.crc = crc32.Update(y.crc, crc32.IEEETable, y.out)
	return y.out
}
