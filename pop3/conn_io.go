package pop3

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail/internal/wire"
)

// phase is what the connection reads, which decides how long it may take.
type phase uint8

const (
	phaseCommand phase = iota
	phaseAuth
)

// errShutdown ends the wait of an idle connection when the server closes.
var errShutdown = errors.New("pop3: server is shutting down")

// outSize holds the answers to a pipelined group, and is the size of the blocks in which messages are sent.
const outSize = 32 << 10

var outBuffers = sync.Pool{New: func() any { return new([outSize]byte) }}

// beforeRead is called when nothing more is buffered: it sends what has been answered, and sets the deadline.
func (c *Conn) beforeRead() error {
	if err := c.flush(); err != nil {
		return err
	}
	// The time is for the whole line, so that nobody stays for ever by sending it letter by letter.
	if c.deadline.IsZero() {
		d := wait(c.srv.Timeouts.Command, 10*time.Minute)
		if c.phase == phaseAuth {
			d = wait(c.srv.Timeouts.Auth, 2*time.Minute)
		} else {
			c.setState(StateIdle)
		}
		if d > 0 {
			c.deadline = time.Now().Add(d)
		}
	}
	c.readAhead()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = c.phase == phaseCommand && (c.drop == nil || c.drop.marked == 0)
	if c.idle && c.closing {
		return errShutdown
	}
	deadline := c.deadline
	if keep := time.Now().Add(keepAhead); c.ahead != nil && (deadline.IsZero() || keep.Before(deadline)) {
		deadline = keep
	}
	return c.nc.SetReadDeadline(deadline)
}

// readLine reads a line in the present phase. It is valid until the next read.
func (c *Conn) readLine(max int) ([]byte, error) {
	c.deadline = time.Time{}
	line, err := c.r.ReadLine(max)
	c.mu.Lock()
	c.idle = false
	c.mu.Unlock()
	c.setState(StateActive)
	return line, err
}

// write queues p for the client. Everything that is sent goes through it.
func (c *Conn) write(p []byte) {
	if c.writeErr != nil {
		return
	}
	if c.out == nil {
		if len(p) >= outSize {
			c.send(p)
			return
		}
		c.outBuf = outBuffers.Get().(*[outSize]byte)
		c.out = c.outBuf[:0]
	}
	if len(c.out)+len(p) > outSize {
		c.send(c.out)
		c.out = c.out[:0]
		if len(p) >= outSize {
			c.send(p)
			return
		}
	}
	c.out = append(c.out, p...)
}

// send is one write to the network.
func (c *Conn) send(p []byte) {
	if c.writeErr != nil || len(p) == 0 {
		return
	}
	if d := wait(c.srv.Timeouts.Write, time.Minute); d > 0 {
		_ = c.nc.SetWriteDeadline(time.Now().Add(d))
	}
	_, c.writeErr = c.stream.Write(p)
}

// flush sends what is queued and gives the buffer back.
func (c *Conn) flush() error {
	if c.out != nil {
		c.send(c.out)
		outBuffers.Put(c.outBuf)
		c.out, c.outBuf = nil, nil
	}
	return c.writeErr
}

// blockWriter is c's queue as an io.Writer, for a message.
type blockWriter struct{ c *Conn }

func (w blockWriter) Write(p []byte) (int, error) {
	w.c.write(p)
	return len(p), w.c.writeErr
}

// line queues one line of an answer, as it is.
func (c *Conn) line(s string) {
	if c.srv.Trace != nil {
		c.srv.Trace(c, true, s)
	}
	c.writeString(s)
	c.writeString("\r\n")
}

func (c *Conn) writeString(s string) {
	if c.out != nil && len(c.out)+len(s) <= outSize {
		c.out = append(c.out, s...)
		return
	}
	c.write([]byte(s))
}

// ok answers "+OK text". The text is one of those in the catalogue, in the client's language; code is a response code
// or "".
func (c *Conn) ok(text string, args ...any) { c.status("+OK", "", text, args) }

// fail answers "-ERR [code] text". Without a code it was the client's mistake, and counts: a maildrop that another program
// has emptied is no reason to cut a session off.
func (c *Conn) fail(command, code string, err error, text string, args ...any) {
	if code == "" {
		c.errors++
	}
	if code == "" && c.errors > limit(c.srv.Limits.SoftErrors, 10) {
		c.pause()
	}
	s := c.status("-ERR", code, text, args)
	if c.srv.Hooks.Rejected != nil {
		c.srv.Hooks.Rejected(c, command, s, err)
	}
	if code == "" && c.errors >= limit(c.srv.Limits.HardErrors, 20) {
		c.status("-ERR", "", "too many errors, goodbye", nil)
		c.finish(CauseErrors, nil)
	}
}

// status writes a status line of at most 512 octets (RFC 2449 section 4). A "[" would begin a response code, so no text
// begins with one; and no text ends the line early, whatever has been put into it.
func (c *Conn) status(word, code, text string, args []any) string {
	s := c.lang.text(text)
	if len(args) > 0 {
		s = fmt.Sprintf(s, args...)
	}
	s = printable(s)
	if code != "" {
		s = "[" + code + "] " + s
	}
	if s != "" {
		s = word + " " + s
	} else {
		s = word
	}
	if len(s) > 510 {
		s = strings.ToValidUTF8(s[:510], "")
	}
	c.line(s)
	return s
}

// printable replaces control characters.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

// pause makes a client wait that is refused too often or got a password wrong.
func (c *Conn) pause() {
	d := wait(c.srv.Timeouts.Error, time.Second)
	if d == 0 || c.flush() != nil {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.ctx.Done():
	}
}

// lineError says what a failed read means. It reports whether reading can go on.
func (c *Conn) lineError(err error) bool {
	switch {
	case errors.Is(err, wire.ErrLineTooLong):
		c.fail("", "", err, "line too long")
		return true
	case errors.Is(err, wire.ErrBareCR), errors.Is(err, wire.ErrBareLF):
		c.fail("", "", err, "lines end with CRLF")
		return true
	}
	c.lost(err)
	return false
}

// lost ends the connection because reading or writing failed. RFC 1939 section 3 has the timer end it without a word.
func (c *Conn) lost(err error) {
	c.mu.Lock()
	closing := c.closing
	c.mu.Unlock()
	idle := c.phase == phaseCommand && (c.drop == nil || c.drop.marked == 0)
	switch {
	case errors.Is(err, errShutdown), closing && idle && errors.Is(err, os.ErrDeadlineExceeded):
		c.status("-ERR", "SYS/TEMP", "server is shutting down", nil)
		c.finish(CauseShutdown, nil)
	case closing && errors.Is(err, net.ErrClosed):
		c.finish(CauseShutdown, nil)
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.finish(CauseTimeout, err)
	default:
		c.finish(CauseLost, err)
	}
}

// finish notes why the connection ends; the first reason counts.
func (c *Conn) finish(cause Cause, err error) {
	if c.end == nil {
		c.end = &End{Cause: cause, Err: err}
	}
}

// setState tells of a change.
func (c *Conn) setState(s ConnState) {
	if c.state == s {
		return
	}
	c.state = s
	if c.srv.ConnState != nil {
		c.srv.ConnState(c, s)
	}
}

// isLineError reports whether only one line was bad and reading can go on behind it.
func isLineError(err error) bool {
	return errors.Is(err, wire.ErrLineTooLong) || errors.Is(err, wire.ErrBareCR) || errors.Is(err, wire.ErrBareLF)
}
