package imap

import (
	"bytes"
	"io"
)

// fill reads more behind what is buffered, making room first. A full buffer grows up to size octets.
func (d *Decoder) fill(size int) error {
	if d.start > 0 && d.start == d.end {
		d.start, d.end = 0, 0
	}
	if d.end == len(d.buf) {
		switch {
		case d.start > 0:
			d.end = copy(d.buf, d.buf[d.start:d.end])
			d.start = 0
		default:
			buf := make([]byte, min(max(2*len(d.buf), d.bufferSize()), max(size, d.bufferSize())))
			d.end = copy(buf, d.buf)
			d.buf = buf
		}
	}
	for range 100 {
		n, err := d.r.Read(d.buf[d.end:])
		d.end += n
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// readLine reads the next line. What is wrong with it is d.err; d.line is then its tail, for Skip.
func (d *Decoder) readLine() {
	max, scanned, dropped := d.Limits.Line+2, d.start, false
	for {
		if i := bytes.IndexByte(d.buf[scanned:d.end], '\n'); i >= 0 {
			d.takeLine(scanned+i, dropped)
			return
		}
		scanned = d.end
		if d.end-d.start >= max {
			// Too long: drop it but for its tail, which says whether a literal follows.
			if !dropped {
				d.keepTag(d.buf[d.start:d.end])
			}
			copy(d.buf[d.start:], d.buf[d.end-tailSize:d.end])
			d.end = d.start + tailSize
			scanned, dropped = d.end, true
		}
		used := scanned - d.start
		if err := d.fill(max); err != nil {
			if err == io.EOF && d.end > d.start {
				err = io.ErrUnexpectedEOF
			}
			d.fatal = err
			return
		}
		scanned = d.start + used
	}
}

// tailSize is enough for "~{18446744073709551615+}" and a line end.
const tailSize = 32

func (d *Decoder) takeLine(lf int, dropped bool) {
	line := d.buf[d.start:lf]
	d.command += int64(lf + 1 - d.start)
	d.start = lf + 1
	d.haveLine, d.open = true, true
	bare := true
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line, bare = line[:n-1], false
	}
	d.line = line
	defer func() {
		if d.err != nil && !dropped {
			d.keepTag(line)
		}
	}()
	switch {
	case dropped || len(line) > d.Limits.Line:
		d.Fail(&Status{Type: BAD, Code: CodeTooBig, Text: "Command line too long"})
	case d.command > d.Limits.Command:
		d.Fail(&Status{Type: BAD, Code: CodeTooBig, Text: "Command too long"})
	case bare && !d.BareLF:
		d.fail("Line ends with a bare LF")
	case d.Response:
	case bytes.IndexByte(line, 0) >= 0 || bytes.IndexByte(line, '\r') >= 0:
		d.fail("NUL or bare CR in command")
	}
}

// keepTag notes the tag at the beginning of a command whose first line is not read, so that it can be answered.
func (d *Decoder) keepTag(line []byte) {
	n := 0
	for n < len(line) && charClass[line[n]]&classTag != 0 {
		n++
	}
	if n > 0 && n <= maxTag && d.lostTag == "" {
		d.lostTag = string(line[:n])
	}
}

// Skip drops what remains of the current command, with literals that the peer sends without asking (RFC 7888 section 4),
// and clears the error state. It returns an error when the conversation can't go on.
func (d *Decoder) Skip() error {
	left := d.Limits.Drain + d.literal // what is open has been asked for
	for d.fatal == nil {
		if d.literal > 0 {
			if left -= d.literal; left < 0 {
				d.fatal = ErrPeerTooLarge
				break
			}
			if err := d.discardLiteral(); err != nil {
				break
			}
		}
		if !d.haveLine {
			d.readLine()
			if d.fatal != nil {
				break
			}
		}
		n, nonSync, ok := literalTail(d.line)
		if !ok || !nonSync && !d.Response {
			d.next()
			return nil
		}
		d.haveLine, d.literal = false, n
		if n == 0 {
			continue
		}
	}
	return d.fatal
}

func (d *Decoder) discardLiteral() error {
	_, err := io.Copy(io.Discard, &literalReader{d})
	return err
}

// literalTail finds "{n}" or "{n+}" at the end of a line.
func literalTail(line []byte) (n int64, nonSync, ok bool) {
	if len(line) < 3 || line[len(line)-1] != '}' {
		return 0, false, false
	}
	tail := line[max(0, len(line)-tailSize):]
	i := bytes.LastIndexByte(tail, '{')
	if i < 0 {
		return 0, false, false
	}
	num := tail[i+1 : len(tail)-1]
	if len(num) > 0 && num[len(num)-1] == '+' {
		num, nonSync = num[:len(num)-1], true
	}
	u, ok := parseNumber(num, 1<<63-1)
	return int64(u), nonSync, ok
}

// describe names the beginning of what was not expected, for an error's text.
func describe(b []byte) string {
	if len(b) == 0 {
		return "end of line"
	}
	out := make([]byte, 0, 24)
	for _, c := range b[:min(len(b), 20)] {
		if c < ' ' || c >= 0x7f {
			c = '?'
		}
		out = append(out, c)
	}
	return `"` + string(out) + `"`
}
