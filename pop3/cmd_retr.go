package pop3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/wire"
)

// copySize is the size of the blocks in which messages are read from the store.
const copySize = 64 << 10

var copyBuffers = sync.Pool{New: func() any { return new([copySize]byte) }}

// retr is RETR (RFC 1939 section 5).
func (c *Conn) retr(arg string) {
	i, m := c.message("RETR", arg)
	if m == nil {
		return
	}
	b := c.takeAhead(i)
	if b == nil {
		body := c.openBody("RETR", i)
		if body == nil {
			return
		}
		defer body.Close()
		if body.Size() > copySize {
			c.retrStream(i, m, body)
			return
		}
		if b = c.readBlock("RETR", i, body); b == nil {
			return
		}
	}
	defer b.release()
	message := b.buf[:b.size]
	n := int64(len(message))
	c.ok("%d octets", n+missingEnd(message))
	var dw wire.DotWriter
	dw.Reset(blockWriter{c})
	if _, err := dw.Write(message); err == nil {
		_ = c.endBody(&dw, n)
	}
	if c.writeErr != nil {
		c.lost(c.writeErr)
		return
	}
	c.retrDone(i, m, n)
}

// retrStream is RETR of a message that is not held whole.
func (c *Conn) retrStream(i int, m *message, body mail.Body) {
	size := body.Size()
	var end [2]byte
	tail := end[:]
	if _, err := body.ReadAt(tail, size-2); err != nil && err != io.EOF {
		c.unreadable("RETR", i, err)
		return
	}
	c.ok("%d octets", size+missingEnd(tail))
	n, err := c.sendBody(body, size)
	if err != nil {
		c.bodyFailed(i, err)
		return
	}
	c.retrDone(i, m, n)
}

// retrDone counts a message that was sent.
func (c *Conn) retrDone(i int, m *message, n int64) {
	m.fetched = true
	c.stats.Retrs++
	c.stats.RetrBytes += n
	c.follow(i)
}

// unreadable answers that a message can't be read.
func (c *Conn) unreadable(command string, i int, err error) {
	c.srv.log(c.ctx, slog.LevelError, "reading a message", "user", c.identity.Username, "uid", c.drop.messages[i].uid, "error", err)
	c.fail(command, "SYS/TEMP", err, "internal error, try again later")
}

// top is TOP (RFC 1939 section 7): the header, the empty line, and the first n lines of the body.
func (c *Conn) top(arg string) {
	number, count, _ := strings.Cut(arg, " ")
	lines, err := strconv.ParseUint(count, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || strings.HasPrefix(count, "+") {
		c.fail("TOP", "", nil, "TOP needs a message-number and a number of lines")
		return
	}
	i, m := c.message("TOP", number)
	if m == nil {
		return
	}
	body := c.openBody("TOP", i)
	if body == nil {
		return
	}
	defer body.Close()
	end, err := topEnd(body, lines)
	if err != nil {
		c.unreadable("TOP", i, err)
		return
	}
	c.ok("top of message follows")
	n, err := c.sendBody(body, end)
	if err != nil {
		c.bodyFailed(i, err)
		return
	}
	c.stats.Tops++
	c.stats.TopBytes += n
}

// openBody opens a message, or answers why not.
func (c *Conn) openBody(command string, i int) mail.Body {
	uid := c.drop.messages[i].uid
	body, err := c.drop.mailbox.OpenBody(c.ctx, uid)
	switch {
	case errors.Is(err, mail.ErrExpunged):
		c.fail(command, "SYS/PERM", err, "message %d is gone: another program has removed it", i+1)
		return nil
	case err != nil:
		c.srv.log(c.ctx, slog.LevelError, "opening a message", "user", c.identity.Username, "uid", uid, "error", err)
		c.fail(command, "SYS/TEMP", err, "internal error, try again later")
		return nil
	}
	if c.srv.RefuseUTF8 && !c.utf8 && headerHasUTF8(body) {
		_ = body.Close()
		c.fail(command, "UTF8", nil, "message %d needs UTF8", i+1)
		return nil
	}
	return body
}

// sendBody sends the first size octets of a message, dot-stuffed, with the dot behind. It returns how many octets of
// the message those were. Every block goes from the store to the network; nothing is kept.
func (c *Conn) sendBody(body mail.Body, size int64) (int64, error) {
	var dw wire.DotWriter
	dw.Reset(blockWriter{c})
	var n int64
	var err error
	if to, ok := body.(io.WriterTo); ok && size == body.Size() {
		n, err = to.WriteTo(&dw)
	} else {
		buf := copyBuffers.Get().(*[copySize]byte)
		n, err = io.CopyBuffer(onlyWriter{&dw}, onlyReader{io.NewSectionReader(body, 0, size)}, buf[:])
		copyBuffers.Put(buf)
	}
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return n, err
	}
	return n, c.endBody(&dw, n)
}

// endBody sends the dot behind a message of n octets.
func (c *Conn) endBody(dw *wire.DotWriter, n int64) error {
	if c.srv.Trace != nil {
		c.srv.Trace(c, true, fmt.Sprintf("(%d octets)", n))
		c.srv.Trace(c, true, ".")
	}
	return dw.Close()
}

// onlyReader and onlyWriter keep io.CopyBuffer from going around the buffer it was given.
type onlyReader struct{ io.Reader }
type onlyWriter struct{ io.Writer }

// bodyFailed ends the connection in the middle of a message: there is no other way to tell the client that what it has
// is not all of it.
func (c *Conn) bodyFailed(i int, err error) {
	if c.writeErr != nil {
		c.lost(c.writeErr)
		return
	}
	c.srv.log(c.ctx, slog.LevelError, "reading a message", "user", c.identity.Username, "uid", c.drop.messages[i].uid, "error", err)
	_ = c.flush()
	c.writeErr = err
	c.finish(CauseLost, err)
}

// missingEnd returns 2 for a message whose last line has no CRLF: one is sent all the same, because the dot must stand
// on a line of its own. tail is the message's end, two octets at least where it has them.
func missingEnd(tail []byte) int64 {
	if len(tail) == 0 || bytes.HasSuffix(tail, []byte("\r\n")) {
		return 0
	}
	return 2
}

// headerHasUTF8 reports whether the header has more than ASCII.
func headerHasUTF8(body mail.Body) bool {
	end, err := topEnd(body, 0)
	if err != nil {
		return false
	}
	buf := copyBuffers.Get().(*[copySize]byte)
	defer copyBuffers.Put(buf)
	for off := int64(0); off < end; {
		n, err := body.ReadAt(buf[:min(int64(copySize), end-off)], off)
		for _, b := range buf[:n] {
			if b >= 0x80 {
				return true
			}
		}
		if off += int64(n); err != nil || n == 0 {
			return false
		}
	}
	return false
}

// topEnd returns where the first n lines of the body end. Only the blocks up to there are read.
func topEnd(body mail.Body, lines uint64) (int64, error) {
	buf := copyBuffers.Get().(*[copySize]byte)
	defer copyBuffers.Put(buf)
	size := body.Size()
	if lines >= uint64(size) {
		return size, nil // every line has an octet at least; some clients ask for 99999999 instead of RETR
	}
	inBody, empty := false, true // empty: nothing but a CR on this line so far
	for off := int64(0); off < size; {
		n, err := body.ReadAt(buf[:min(int64(copySize), size-off)], off)
		for w := buf[:n]; len(w) > 0; {
			i := bytes.IndexByte(w, '\n')
			line := w
			if i >= 0 {
				line = w[:i]
			}
			empty = empty && (len(line) == 0 || len(line) == 1 && line[0] == '\r')
			if i < 0 {
				break
			}
			w = w[i+1:]
			switch {
			case inBody:
				lines--
			case empty:
				inBody = true
			}
			empty = true
			if inBody && lines == 0 {
				return off + int64(n-len(w)), nil
			}
		}
		off += int64(n)
		if err != nil && off < size {
			return 0, err
		}
	}
	return size, nil
}
