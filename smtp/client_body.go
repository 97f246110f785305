package smtp

import (
	"io"
	"strconv"
	"time"

	"github.com/buuta/mail/internal/wire"
)

const (
	blockSize = 32 << 10  // what is gathered before it is sent
	writeSize = 256 << 10 // what one deadline is given for
	copySize  = 32 << 10  // what is read from a message at a time
)

const (
	doingBody = "sending message body"
	doingEnd  = "sending end of data -- message may be sent more than once"
)

// send transmits the message without its end.
func (t *clientTransaction) send(r io.Reader) error {
	c := t.c
	if t.accepted == 0 {
		return errNoRecipients
	}
	w := &contentWriter{t: t, inHeader: true}
	if c.chunks(t.transform) {
		c.bdat.reset(c, t.transform.binary)
		w.w = &c.bdat
	} else {
		if !t.dataSent {
			if err := t.startData(); err != nil {
				return err
			}
		}
		if t.dataErr != nil {
			return t.dataErr
		}
		c.data.reset(c)
		w.w = &c.data.dot
	}
	t.body = true
	if c.copyBuf == nil {
		c.copyBuf = make([]byte, copySize)
	}
	_, err := io.CopyBuffer(w, r, c.copyBuf)
	if c.opts.Trace != nil {
		c.opts.Trace(true, "("+strconv.FormatInt(w.n, 10)+" octets of the message)")
	}
	switch {
	case w.err != nil: // ours or the server's
		t.giveUp()
		return w.err
	case err != nil: // the message's own
		t.giveUp()
		return messageError(err)
	}
	return nil
}

// startData sends DATA, and waits for the answer.
func (t *clientTransaction) startData() error {
	c := t.c
	c.put("DATA\r\n")
	if err := c.flush(timeout(c.opts.Timeouts.DataInit, 2*time.Minute), "sending DATA command"); err != nil {
		return err
	}
	t.dataErr = t.readData()
	t.dataSent = t.dataErr == nil // a server that has refused it may be asked again (RFC 5321 section 4.1.1.4)
	return t.dataErr
}

// MessageError is among the causes when the message could not be read where the caller has it.
type MessageError struct{ Err error }

// Error returns the reader's error.
func (e *MessageError) Error() string { return "reading the message: " + e.Err.Error() }

// Unwrap returns the reader's error.
func (e *MessageError) Unwrap() error { return e.Err }

func messageError(err error) *Reply {
	return &Reply{Code: 451, Enhanced: EnhancedCode{4, 3, 0}, Text: "Error: the message can't be read", Err: &MessageError{err}}
}

// giveUp leaves a message that was begun: the server must not see an end of it.
func (t *clientTransaction) giveUp() {
	c := t.c
	c.out = c.out[:0]
	if !c.closed && (!c.chunks(t.transform) || c.bdat.waiting > 0) {
		c.shut()
	}
}

// contentWriter is between the message and the wire: it looks for what the server can't take.
type contentWriter struct {
	t        *clientTransaction
	w        io.Writer
	n        int64
	err      error
	inHeader bool
	tail     [4]byte // the last octets of the header seen so far
}

func (w *contentWriter) Write(p []byte) (int, error) {
	if tr := w.t.transform; tr.eightBit || tr.header {
		if w.err = w.check(p); w.err != nil {
			return 0, w.err
		}
	}
	n, err := w.w.Write(p)
	w.n += int64(n)
	if err != nil {
		w.err = err
	}
	return n, err
}

// check refuses octets over 127 where the server can't take them.
func (w *contentWriter) check(p []byte) error {
	c, tr := w.t.c, w.t.transform
	for _, b := range p {
		switch {
		case b < 0x80:
		case w.inHeader && tr.header:
			return missing(553, EnhancedCode{5, 6, 7}, "SMTPUTF8 for the message's header", c.host)
		case tr.eightBit:
			return missing(554, EnhancedCode{5, 6, 3}, "8BITMIME", c.host)
		}
		if !w.inHeader {
			if !tr.eightBit {
				return nil
			}
			continue
		}
		w.tail = [4]byte{w.tail[1], w.tail[2], w.tail[3], b}
		if b == '\n' && (w.tail[2] == '\n' || w.tail == [4]byte{'\r', '\n', '\r', '\n'}) {
			w.inHeader = false
		}
	}
	return nil
}

// dataWriter sends a dot-stuffed message.
type dataWriter struct {
	c   *Client
	dot wire.DotWriter
}

func (d *dataWriter) reset(c *Client) {
	d.c = c
	d.dot.Reset(d)
}

// Write takes what the dot writer makes. Small pieces are gathered, large ones go out as they are.
func (d *dataWriter) Write(p []byte) (int, error) {
	c := d.c
	if len(c.out)+len(p) <= blockSize {
		c.out = append(c.out, p...)
		return len(p), nil
	}
	if err := c.flushBody(); err != nil {
		return 0, err
	}
	if len(p) <= blockSize/2 {
		c.out = append(c.out, p...)
		return len(p), nil
	}
	return len(p), c.writeBody(p)
}

func (c *Client) flushBody() error {
	err := c.writeBody(c.out)
	c.out = c.out[:0]
	return err
}

// writeBody sends a part of the message.
func (c *Client) writeBody(p []byte) error {
	for len(p) > 0 {
		n := min(len(p), writeSize)
		c.deadline(timeout(c.opts.Timeouts.DataBlock, 3*time.Minute))
		if _, err := c.conn.Write(p[:n]); err != nil {
			return c.lastWords(err)
		}
		p = p[n:]
	}
	return nil
}

// lastWords looks for what a server may have said before it hung up in the middle of a message.
func (c *Client) lastWords(err error) error {
	if c.watch.ctx == nil || c.watch.ctx.Err() == nil {
		c.conn.SetReadDeadline(time.Now().Add(time.Second))
		if line, e := c.r.ReadLine(512); e == nil {
			b := &c.reply
			b.code, b.enhanced, b.text = 0, EnhancedCode{}, b.text[:0]
			if more, e := b.add(line, true); e == nil && !more && b.code >= 400 {
				c.shut()
				return c.refused("end of DATA")
			}
		}
	}
	return c.broken(doingBody, err)
}
