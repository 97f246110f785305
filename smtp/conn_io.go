package smtp

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/buuta/mail/internal/wire"
)

// phase is what the connection reads, which decides how long it may take.
type phase uint8

const (
	phaseCommand phase = iota
	phaseData
	phaseChunk // octets that the client owes: it waits for no reply meanwhile
	phaseAuth
	phaseClosing
)

// errShutdown ends the wait of an idle connection when the server closes.
var errShutdown = errors.New("smtp: server is shutting down")

// replyBufferSize holds the replies to a pipelined group; more than that is sent at once.
const replyBufferSize = 4 << 10

var replyBuffers = sync.Pool{New: func() any { return new([replyBufferSize]byte) }}

// beforeRead is called when nothing more is buffered: it sends what has been answered, and sets the deadline.
func (c *Conn) beforeRead() error {
	if c.phase != phaseChunk {
		if err := c.flush(); err != nil {
			return err
		}
	}
	t := &c.srv.Timeouts
	switch c.phase {
	case phaseCommand:
		// The time is for the whole line, so that nobody stays for ever by sending it letter by letter.
		if c.deadline.IsZero() {
			if c.tx == nil {
				c.setState(StateIdle)
			}
			if d := wait(t.Command, 5*time.Minute); d > 0 {
				c.deadline = time.Now().Add(d)
			}
		}
		return c.arm(c.shortly())
	case phaseAuth:
		if c.deadline.IsZero() {
			if d := wait(t.Auth, 2*time.Minute); d > 0 {
				c.deadline = time.Now().Add(d)
			}
		}
		return c.arm(c.deadline)
	case phaseClosing:
		return c.arm(c.deadline)
	}
	at := c.messageEnd
	if d := wait(t.Data, 5*time.Minute); d > 0 {
		if next := time.Now().Add(d); at.IsZero() || next.Before(at) {
			at = next
		}
	}
	return c.arm(at)
}

// hotTime is how long a connection that has just brought a message keeps its large buffer for the next one.
const hotTime = time.Second

// shortly returns the deadline for the next read of a command: while the connection is hot an early one, at which the
// buffer is given back and the wait goes on.
func (c *Conn) shortly() time.Time {
	if !c.r.Keep {
		return c.deadline
	}
	if at := time.Now().Add(hotTime); c.deadline.IsZero() || at.Before(c.deadline) {
		return at
	}
	return c.deadline
}

// arm sets the read deadline, unless the server is closing and the connection has nothing to finish.
func (c *Conn) arm(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = c.phase == phaseCommand && c.tx == nil
	if c.idle && c.closing {
		return errShutdown
	}
	return c.nc.SetReadDeadline(at)
}

// busy says that the connection waits for nothing.
func (c *Conn) busy() {
	c.mu.Lock()
	c.idle = false
	c.mu.Unlock()
}

// readLine reads a line in the present phase.
func (c *Conn) readLine(max int) ([]byte, error) {
	c.deadline = time.Time{}
	line, err := c.r.ReadLine(max)
	if err != nil && c.r.Keep && errors.Is(err, os.ErrDeadlineExceeded) {
		c.r.Keep = false
		line, err = c.r.ReadLine(max)
	}
	c.busy()
	return line, err
}

// reply queues a reply; it is sent when the client has nothing more to say for now.
func (c *Conn) reply(r *Reply) { c.write(r, true) }

// writeRaw queues a line as it is: a challenge, which may be longer than a reply's line.
func (c *Conn) writeRaw(line string) {
	c.needOut()
	c.out = append(append(c.out, line...), '\r', '\n')
	if c.srv.Trace != nil {
		c.srv.Trace(c, true, line[:4]+"***")
	}
}

func (c *Conn) needOut() {
	if c.out == nil {
		c.outBuf = replyBuffers.Get().(*[replyBufferSize]byte)
		c.out = c.outBuf[:0]
	}
}

// write queues a reply with or without enhanced status code.
func (c *Conn) write(r *Reply, enhanced bool) {
	if c.srv.Refusal != nil && r.Code >= 400 {
		r = c.srv.Refusal(c, r)
	}
	c.needOut()
	start := len(c.out)
	c.out = AppendReply(c.out, r, enhanced && !c.srv.Without.Has(EnhancedStatusCodes))
	if c.srv.Trace != nil {
		c.traceLines(c.out[start:])
	}
	if len(c.out) > replyBufferSize/2 {
		_ = c.flush()
	}
}

// flush sends what is queued and gives the buffer back.
func (c *Conn) flush() error {
	if c.out == nil {
		return c.writeErr
	}
	if c.writeErr == nil {
		if d := wait(c.srv.Timeouts.Write, time.Minute); d > 0 {
			_ = c.nc.SetWriteDeadline(time.Now().Add(d))
		}
		_, c.writeErr = c.stream.Write(c.out)
	}
	if cap(c.out) == replyBufferSize {
		replyBuffers.Put(c.outBuf)
	}
	c.out, c.outBuf = nil, nil
	return c.writeErr
}

// lineError says what a failed read means: a reply for the client, or nil and the connection's end.
func (c *Conn) lineError(err error) *Reply {
	switch {
	case errors.Is(err, wire.ErrLineTooLong):
		return replyTooLong
	case errors.Is(err, wire.ErrBareLF):
		return replyBareLF
	case errors.Is(err, wire.ErrBareCR):
		return replyBareCR
	}
	c.lost(err)
	return nil
}

// lost ends the connection because reading or writing failed.
func (c *Conn) lost(err error) {
	c.mu.Lock()
	closing := c.closing
	c.mu.Unlock()
	switch {
	case errors.Is(err, errShutdown), closing && errors.Is(err, os.ErrDeadlineExceeded) && c.tx == nil:
		c.farewell(421, EnhancedCode{4, 3, 2}, "Service shutting down")
		c.finish(CauseShutdown, nil)
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.farewell(421, EnhancedCode{4, 4, 2}, "Error: timeout exceeded")
		c.finish(CauseTimeout, err)
	default:
		c.finish(CauseLost, err)
	}
}

// farewell queues a last reply, "421 4.4.2 host text".
func (c *Conn) farewell(code int, ec EnhancedCode, text string) *Reply {
	r := NewReply(code, ec, c.srv.host()+" "+text)
	c.reply(r)
	return r
}

// finish notes why the connection ends; the first reason counts.
func (c *Conn) finish(cause Cause, err error) {
	if c.end == nil {
		c.end = &End{Cause: cause, After: c.last, Bytes: c.data, Err: err}
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
