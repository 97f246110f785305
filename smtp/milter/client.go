package milter

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/buuta/mail"
)

// state is how far a filter is out of the game.
type state int

const (
	asked      state = iota // it is told everything
	acceptedIt              // it has accepted this message
	acceptedAl              // it has accepted the session
	broken                  // it can't be asked: its default speaks
)

// client is the conversation with one filter.
type client struct {
	f      *Filter
	macros func(name string) string

	conn  net.Conn
	r     *bufio.Reader
	w     *bufio.Writer
	buf   []byte
	state state
	err   error // why it is broken
	open  bool  // a message has begun of which the filter hasn't been told the end

	steps, actions uint32
	wanted         map[Stage][]string // macros; a stage that isn't there has its usual ones
}

const defaultPacket = 2 << 20

// connect dials and negotiates.
func (c *client) connect(ctx context.Context) error {
	f := c.f
	ctx, cancel := context.WithTimeout(ctx, or(f.ConnectTimeout, 30*time.Second))
	defer cancel()
	dial := f.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, f.Network, f.Address)
	if err != nil {
		return err
	}
	c.conn, c.r, c.w = conn, bufio.NewReaderSize(conn, 4<<10), bufio.NewWriterSize(conn, 4<<10)
	return c.negotiate(ctx)
}

// negotiate agrees on what is told and what may be done.
func (c *client) negotiate(ctx context.Context) error {
	version := c.f.Version
	if version < 2 || version > 6 {
		version = 6
	}
	var offer [12]byte
	binary.BigEndian.PutUint32(offer[0:], version)
	binary.BigEndian.PutUint32(offer[4:], actionsOf(version))
	binary.BigEndian.PutUint32(offer[8:], stepsOf(version))
	deadline, _ := ctx.Deadline()
	defer c.watch(ctx, deadline)()
	if err := c.send(cmdOptions, offer[:]); err != nil {
		return err
	}
	cmd, data, err := c.receive()
	if err != nil {
		return err
	}
	if cmd != cmdOptions || len(data) < 12 {
		return fmt.Errorf("%w: no options in its first answer", errPacket)
	}
	theirs := binary.BigEndian.Uint32(data)
	c.actions, c.steps = binary.BigEndian.Uint32(data[4:]), binary.BigEndian.Uint32(data[8:])
	switch {
	case theirs < 2 || theirs > version:
		return fmt.Errorf("milter: the filter speaks version %d of the protocol, and %d was offered", theirs, version)
	case c.actions&^actionsOf(version) != 0 || c.steps&^stepsOf(version) != 0:
		return fmt.Errorf("milter: the filter wants what wasn't offered: actions %#x, steps %#x", c.actions, c.steps)
	}
	return c.readLists(data[12:])
}

// readLists reads which macros the filter wants at which stage.
func (c *client) readLists(data []byte) error {
	for len(data) > 0 {
		if len(data) < 5 {
			return fmt.Errorf("%w: a list of macros is cut off", errPacket)
		}
		stage := binary.BigEndian.Uint32(data)
		names, rest, err := cutString(data[4:])
		if err != nil {
			return err
		}
		data = rest
		if c.wanted == nil {
			c.wanted = map[Stage][]string{}
		}
		if stage <= uint32(StageEndOfHeader) {
			c.wanted[Stage(stage)] = fields(names)
		}
	}
	return nil
}

// fields are names between blanks and commas.
func fields(s string) (out []string) {
	begin := -1
	for i := 0; i <= len(s); i++ {
		sep := i == len(s) || s[i] == ' ' || s[i] == ',' || s[i] == '\t' || s[i] == '\n'
		switch {
		case !sep && begin < 0:
			begin = i
		case sep && begin >= 0:
			out, begin = append(out, s[begin:i]), -1
		}
	}
	return out
}

// watch ends what is read and written at a deadline, and when ctx is done. The function that it returns ends the watch.
func (c *client) watch(ctx context.Context, deadline time.Time) func() {
	_ = c.conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	return func() { stop() }
}

func (c *client) send(cmd byte, data ...[]byte) error {
	if err := writePacket(c.w, cmd, data...); err != nil {
		return err
	}
	return c.w.Flush()
}

func (c *client) receive() (cmd byte, data []byte, err error) {
	limit := c.f.MaxPacket
	if limit <= 0 {
		limit = defaultPacket
	}
	cmd, data, c.buf, err = readPacket(c.r, c.buf, limit)
	return cmd, data, err
}

// tellMacros says the macros of a stage that have a value.
func (c *client) tellMacros(stage Stage, cmd byte) error {
	names, ok := c.wanted[stage]
	if !ok {
		names = c.f.Macros[stage]
	}
	data := []byte{cmd}
	for _, n := range names {
		if v := c.macros(n); v != "" {
			data = append(append(data, cstring(n)...), cstring(v)...)
		}
	}
	if len(data) == 1 && len(names) == 0 {
		return nil
	}
	return writePacket(c.w, cmdMacro, data)
}

// event tells of something and returns what is said to it. Where the filter isn't told of it, or doesn't answer, that is to go on.
func (c *client) event(ctx context.Context, stage Stage, cmd byte, skip, quiet uint32, timeout time.Duration, data ...[]byte) (answer byte, text []byte, err error) {
	if c.steps&skip != 0 {
		return repContinue, nil, nil
	}
	defer c.watch(ctx, time.Now().Add(timeout))()
	if stage >= 0 {
		if err := c.tellMacros(stage, cmd); err != nil {
			return 0, nil, err
		}
	}
	if c.steps&quiet != 0 { // it goes with the next one that is answered
		return repContinue, nil, writePacket(c.w, cmd, data...)
	}
	if err := c.send(cmd, data...); err != nil {
		return 0, nil, err
	}
	for {
		answer, text, err := c.receive()
		if answer != repProgress || err != nil {
			return answer, text, err
		}
		_ = c.conn.SetDeadline(time.Now().Add(timeout))
	}
}

// judge makes a verdict of an answer.
func (c *client) judge(cmd, answer byte, text []byte, err error) Verdict {
	if err == nil {
		switch answer {
		case repContinue:
			return Verdict{}
		case repSkip:
			if cmd == cmdBody {
				return Verdict{}
			}
		case repAccept:
			if c.state = acceptedIt; cmd == cmdConnect || cmd == cmdHelo {
				c.state = acceptedAl
			}
			return Verdict{}
		case repDiscard:
			if cmd == cmdConnect || cmd == cmdHelo || cmd == cmdUnknown {
				return Verdict{} // there is nothing to throw away
			}
			c.state = acceptedIt
			return Verdict{Discard: true, Filter: c.f.name()}
		case repReject:
			return Verdict{Reply: rejected, Filter: c.f.name()}
		case repTempFail:
			return Verdict{Reply: unavailable, Filter: c.f.name()}
		case repShutdown, repConnFail:
			return Verdict{Reply: shutdown, Filter: c.f.name()}
		case repReply:
			var said string
			if said, err = oneString(text); err == nil {
				var r *mail.Reply
				if r, err = parseReply(said); err == nil {
					return Verdict{Reply: r, Filter: c.f.name()}
				}
				err = fmt.Errorf("%w: %q is no reply", errPacket, said)
			}
		}
		if err == nil {
			err = fmt.Errorf("%w: answer %q to command %q", errPacket, answer, cmd)
		}
	}
	return c.fail(err)
}

// fail is the verdict of a filter that can't be asked any more.
func (c *client) fail(err error) Verdict {
	c.err, c.open = err, false
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
	c.state = broken
	return c.usual()
}

// usual is a broken filter's verdict.
func (c *client) usual() Verdict {
	v := Verdict{Filter: c.f.name(), Err: c.err}
	switch c.f.Default {
	case Accept:
	case Reject:
		v.Reply = unusable
	case Quarantine:
		v.Quarantine = "milter " + c.f.name() + " can't be asked"
	default:
		v.Reply = unavailable
	}
	return v
}

// abort tells the filter that there is no more of a message.
func (c *client) abort(ctx context.Context) {
	if c.state == acceptedIt {
		c.state = asked
	}
	if !c.open || c.conn == nil {
		return
	}
	c.open = false
	defer c.watch(ctx, time.Now().Add(or(c.f.CommandTimeout, 30*time.Second)))()
	if err := c.send(cmdAbort); err != nil {
		c.fail(err)
	}
}

// close ends the conversation.
func (c *client) close() {
	if c.conn == nil {
		return
	}
	_ = c.conn.SetDeadline(time.Now().Add(time.Second))
	if c.open {
		_ = writePacket(c.w, cmdAbort)
	}
	_ = c.send(cmdQuit)
	_ = c.conn.Close()
	c.conn = nil
}

var (
	errNoMessage = errors.New("milter: the filter has not been connected to")
	errTooLong   = errors.New("milter: the header is too long to be changed")
)
