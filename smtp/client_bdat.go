package smtp

import (
	"bytes"
	"net"
	"strconv"
	"time"
)

// bdatWriter sends a message in chunks (RFC 3030 section 2). There is no dot-stuffing, so what goes in is what comes out;
// but unless the message is BINARYMIME its lines still have to end in CRLF, and do so here by the rules of
// wire.DotWriter: a bare LF becomes CRLF, a bare CR a space, the last line gets an end.
type bdatWriter struct {
	c       *Client
	binary  bool
	buf     []byte // the chunk being filled; the last one waits here for the transaction's end
	cr      bool   // a CR has come whose fate the next byte decides
	lf      bool   // what has been written ends in LF, or is nothing
	waiting int    // chunks whose replies have not been read
	vec     [2][]byte
	out     net.Buffers
}

func (w *bdatWriter) reset(c *Client, binary bool) {
	*w = bdatWriter{c: c, binary: binary, buf: w.buf[:0], lf: true}
}

// Write implements [io.Writer].
func (w *bdatWriter) Write(p []byte) (int, error) {
	total := len(p)
	if w.binary {
		return total, w.add(p)
	}
	for len(p) > 0 {
		if w.cr {
			w.cr = false
			if p[0] != '\n' {
				if err := w.add([]byte{' '}); err != nil {
					return 0, err
				}
				w.lf = false
			}
		}
		n := crlfRun(p)
		if n > 0 {
			if err := w.add(p[:n]); err != nil {
				return 0, err
			}
			w.lf = p[n-1] == '\n'
			p = p[n:]
			continue
		}
		if p[0] == '\r' {
			w.cr = true
		} else {
			if err := w.add([]byte("\r\n")); err != nil {
				return 0, err
			}
			w.lf = true
		}
		p = p[1:]
	}
	return total, nil
}

// crlfRun returns how many bytes of p can be sent as they are: up to a bare LF, a bare CR, or a CR at the end. It looks at
// a little at a time, so that text full of stray CRs isn't looked at again and again as a whole.
func crlfRun(p []byte) int {
	const part = 512
	done := 0
	for done < len(p) {
		n := min(part, len(p)-done)
		if p[done+n-1] == '\r' && done+n < len(p) {
			n++
		}
		clean := crlfPart(p[done : done+n])
		done += clean
		if clean < n {
			break
		}
	}
	return done
}

// crlfPart does crlfRun's work: as many CRs as lines, each before its LF, means that there is none to spare.
func crlfPart(p []byte) int {
	pos, lines := 0, 0
	for pos < len(p) {
		i := bytes.IndexByte(p[pos:], '\n')
		if i < 0 {
			pos = len(p)
			if p[pos-1] == '\r' {
				pos--
			}
			break
		}
		if pos+i == 0 || p[pos+i-1] != '\r' {
			pos += i
			break
		}
		pos += i + 1
		lines++
	}
	if bytes.Count(p[:pos], []byte{'\r'}) == lines {
		return pos
	}
	for i := 0; ; i += 2 {
		i += bytes.IndexByte(p[i:pos], '\r')
		if i+1 == len(p) || p[i+1] != '\n' {
			return i
		}
	}
}

// add puts bytes into the chunk and sends it when it is full. A large run goes out from where it is.
func (w *bdatWriter) add(p []byte) error {
	size := positive(w.c.opts.Limits.ChunkSize, 256<<10)
	for len(p) > 0 {
		if len(w.buf) == size {
			if err := w.chunk(w.buf, false); err != nil {
				return err
			}
			w.buf = w.buf[:0]
		}
		if len(w.buf) == 0 && len(p) > size {
			if err := w.chunk(p[:size], false); err != nil {
				return err
			}
			p = p[size:]
			continue
		}
		n := min(len(p), size-len(w.buf))
		w.buf = append(w.buf, p[:n]...)
		p = p[n:]
	}
	return nil
}

// chunk sends one chunk and, with pipelining, reads the reply of the one before, otherwise its own.
func (w *bdatWriter) chunk(p []byte, last bool) error {
	c := w.c
	w.header(len(p), last)
	c.deadline(timeout(c.opts.Timeouts.DataBlock, 3*time.Minute))
	w.vec[0], w.vec[1] = c.out, p
	w.out = w.vec[:]
	_, err := w.out.WriteTo(c.conn)
	c.out, w.vec = c.out[:0], [2][]byte{}
	if err != nil {
		return c.lastWords(err)
	}
	w.waiting++
	for w.waiting > 1 || w.waiting == 1 && !last && !c.pipelines() {
		if err := w.collect(); err != nil {
			return err
		}
	}
	return nil
}

// collect reads the reply of a chunk that isn't the last.
func (w *bdatWriter) collect() error {
	w.waiting--
	return w.c.command(timeout(w.c.opts.Timeouts.DataDone, 10*time.Minute), "BDAT", doingBody)
}

func (w *bdatWriter) header(n int, last bool) {
	c := w.c
	start := len(c.out)
	c.out = append(c.out, "BDAT "...)
	c.out = strconv.AppendInt(c.out, int64(n), 10)
	if last {
		c.out = append(c.out, " LAST"...)
	}
	if c.opts.Trace != nil {
		c.opts.Trace(true, string(c.out[start:]))
	}
	c.out = append(c.out, '\r', '\n')
}

// end sends the last chunk; its reply, or LMTP's replies, are the caller's to read.
func (w *bdatWriter) end() error {
	w.close()
	if err := w.chunk(w.buf, true); err != nil {
		return err
	}
	w.waiting = 0
	return nil
}

func (w *bdatWriter) close() {
	if !w.binary && (w.cr || !w.lf) {
		w.buf = append(w.buf, '\r', '\n')
	}
}

// gather puts a whole small message into what is to be sent, as its only chunk.
func (w *bdatWriter) gather(whole []byte) {
	w.header(len(whole), true)
	w.c.out = append(w.c.out, whole...)
	if w.c.opts.Trace != nil {
		w.c.opts.Trace(true, "("+strconv.Itoa(len(whole))+" octets of the message)")
	}
}
