package script

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"
)

// play is a case that is being played.
type play struct {
	ctx        context.Context
	r          *Runner
	c          *Case
	conns      map[int]*conn
	vars       vars
	setup      *conn // of IMAP, while there is a mailbox
	marks      []string
	transcript transcript
}

// errMismatch is the error of an answer that was read whole and is another one than it should be.
type errMismatch struct{ error }

func (e errMismatch) Unwrap() error { return e.error }

func mismatch(format string, args ...any) error { return errMismatch{fmt.Errorf(format, args...)} }

// conn returns a connection of the case, which begins when it is first used.
func (p *play) conn(i int) (*conn, error) {
	if c := p.conns[i]; c != nil {
		return c, nil
	}
	c, err := p.r.dial(p.ctx, p.c.protocol(i))
	if err != nil {
		return nil, err
	}
	c.record = p.transcript.recorder(i, p.r.t)
	p.conns[i] = c
	nc := c.nc
	stop := context.AfterFunc(p.ctx, func() { _ = nc.Close() })
	p.transcript.stops = append(p.transcript.stops, stop)
	if p.c.Greeting && c.protocol == p.c.Protocol {
		return c, nil
	}
	login := p.c.Login || c.protocol == POP3 || c.protocol == ManageSieve
	if err := c.open(p.r.t, login); err != nil {
		return nil, err
	}
	if i == 0 && p.c.Selected {
		_, err = c.do("SELECT " + p.vars["box"])
	}
	return c, err
}

// steps plays lines in their order; those that say together what must come, together.
func (p *play) steps(list []step) error {
	for i := 0; i < len(list); {
		n := 1
		s := &list[i]
		for (s.kind == expect || s.kind == body) && i+n < len(list) && list[i+n].kind == s.kind && list[i+n].conn == s.conn {
			n++
		}
		if err := p.step(list[i : i+n]); err != nil {
			if s.kind == repeat {
				return err // it says the line
			}
			return fmt.Errorf("line %d: %w", s.line, err)
		}
		i += n
	}
	return nil
}

// step plays a line, or the lines that say together what must come.
func (p *play) step(steps []step) error {
	s := &steps[0]
	switch s.kind {
	case wait:
		d, _ := time.ParseDuration(s.text)
		return p.wait(d)
	case repeat:
		return p.repeat(s)
	case let:
		name, value, _ := strings.Cut(s.text, " ")
		p.vars[name] = p.vars.expand(value)
		return nil
	}
	c, err := p.conn(s.conn)
	if err != nil {
		return err
	}
	switch s.kind {
	case send:
		return p.send(c, s)
	case raw:
		p.noteSent(c)
		_ = c.write(p.vars.expand(s.text)) // who doesn't want it all says why
		return nil
	case hangUp:
		return c.nc.Close()
	case startTLS:
		return p.startTLS(c, s.text == "or closed")
	case compress:
		return c.compress()
	case authenticate:
		words := strings.Fields(p.vars.expand(s.text))
		if len(words) == 2 {
			return c.authenticate(p.r.t, words[0], words[1])
		}
		return c.authenticate(p.r.t, "", words[0])
	case closed:
		if r, err := c.response(); !errors.Is(err, errClosed) {
			return fmt.Errorf("the connection is open: %q, %v", r.text, err)
		}
		return nil
	case body:
		return p.body(c, steps)
	}
	if c.protocol == IMAP {
		return p.expectAny(c, steps)
	}
	return p.expectEach(c, steps)
}

// errOver ends a case that has shown what it is to show.
var errOver = errors.New("the server has closed the connection instead, as it may")

// startTLS begins TLS. Where the server may close the connection instead, that ends the case.
func (p *play) startTLS(c *conn, orClosed bool) error {
	err := c.startTLS(p.r.t.TLS)
	if orClosed && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)) {
		return errOver
	}
	return err
}

func (p *play) wait(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}

// pause is how long a repeat waits between two tries.
const pause = 100 * time.Millisecond

// repeat plays a block until it goes well, or its time is over.
func (p *play) repeat(s *step) error {
	d, _ := time.ParseDuration(s.text)
	for end := time.Now().Add(d); ; {
		before := p.vars.clone()
		err := p.steps(s.block)
		var m errMismatch
		if err == nil || !errors.As(err, &m) || time.Now().After(end) {
			return err
		}
		p.vars = before
		if err := p.wait(pause); err != nil {
			return err
		}
	}
}

func (p *play) noteSent(c *conn) {
	if c.protocol == SMTP || c.protocol == LMTP {
		p.r.sent = true
	}
}

func (p *play) send(c *conn, s *step) error {
	p.noteSent(c)
	line := p.vars.expand(s.text)
	for lit := s.literal; lit != nil; lit = lit.more {
		text := p.vars.expand(lit.text)
		plus := ""
		if lit.nonSync {
			plus = "+"
		}
		if err := c.write(fmt.Sprintf("%s{%d%s}\r\n", line, len(text), plus)); err != nil {
			return err
		}
		if !lit.nonSync {
			if err := c.continuation(); errors.Is(err, errRefused) {
				return nil // the script says what comes
			} else if err != nil {
				return err
			}
		}
		if err := c.write(text); err != nil {
			return err
		}
		line = p.vars.expand(lit.rest)
	}
	return c.write(line + "\r\n")
}
