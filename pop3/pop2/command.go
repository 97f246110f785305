package pop2

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/sasl"
)

// state is the server's, as RFC 937's state diagram names them.
type state uint8

const (
	stateAUTH state = iota
	stateMBOX
	stateITEM
	stateNEXT
)

// command works on one command (RFC 937, Server Decision Table). An error ends the connection.
func (c *Conn) command(line string) error {
	word, arg, hasArg := strings.Cut(line, " ")
	word = strings.ToUpper(word)
	if word == "HELO" {
		user, _, _ := strings.Cut(arg, " ")
		c.trace(false, "HELO "+user+" ***")
	} else {
		c.trace(false, line)
	}
	in := func(states ...state) bool {
		for _, s := range states {
			if c.state == s {
				return true
			}
		}
		return false
	}
	switch {
	case word == "HELO" && in(stateAUTH):
		return c.helo(arg)
	case word == "QUIT" && !hasArg && in(stateAUTH, stateMBOX, stateITEM):
		return c.quit()
	case word == "FOLD" && in(stateMBOX, stateITEM):
		return c.fold(arg)
	case word == "READ" && in(stateMBOX, stateITEM):
		return c.read(arg, hasArg)
	case word == "RETR" && !hasArg && in(stateITEM):
		return c.retr()
	case word == "ACKS" && !hasArg && in(stateNEXT):
		return c.acknowledge(false)
	case word == "ACKD" && !hasArg && in(stateNEXT):
		return c.acknowledge(true)
	case word == "NACK" && !hasArg && in(stateNEXT):
		c.state = stateITEM
		return c.tellLength()
	}
	switch word {
	case "HELO", "QUIT", "FOLD", "READ", "RETR", "ACKS", "ACKD", "NACK":
		return failed("%s can't be said like this or now", word)
	}
	return failed("unknown command")
}

// helo is "HELO user password".
func (c *Conn) helo(arg string) error {
	user, password, ok := parseHelo(arg)
	if !ok {
		return failed("HELO needs a user and a password")
	}
	if c.srv.AllowPlaintext == nil || !c.srv.AllowPlaintext(c) {
		return failed("passwords are not taken over this connection")
	}
	err := mail.ErrAuthFailed
	if c.srv.Authenticator != nil {
		service := c.srv.Service
		if service == "" {
			service = "pop2"
		}
		cfg := &sasl.Config{Authenticator: c.srv.Authenticator, Guard: c.srv.Guard, Service: service, Remote: c.RemoteAddr(), Secured: true}
		c.identity, err = cfg.Authenticate(c.ctx, "USER", user, password)
	}
	if err == nil {
		err = c.open()
	}
	if h := c.srv.Hooks.Authenticated; h != nil {
		h(c, user, err)
	}
	switch {
	case errors.Is(err, mail.ErrTooManyAttempts):
		return &failure{text: "too many failed logins, try again later", cause: err}
	case errors.Is(err, sasl.ErrMalformed):
		return &failure{text: "malformed user name", cause: err}
	case errors.Is(err, mail.ErrAuthFailed):
		if d := wait(c.srv.Timeouts.Error, time.Second); d > 0 {
			t := time.NewTimer(d)
			defer t.Stop()
			select {
			case <-t.C:
			case <-c.ctx.Done():
			}
		}
		return &failure{text: "authentication failed", cause: err}
	case err != nil:
		return err
	}
	c.state = stateMBOX
	c.say("#%d messages in your mailbox", len(c.folder.messages))
	return nil
}

// fold is "FOLD mailbox".
func (c *Conn) fold(arg string) error {
	name, ok := unquote(arg)
	if !ok || name == "" {
		return failed("FOLD needs a mailbox")
	}
	c.dropBody()
	if err := c.release(); err != nil {
		return err
	}
	if err := c.selectFolder(name); err != nil {
		return err
	}
	c.state = stateMBOX
	c.say("#%d messages in that mailbox", len(c.folder.messages))
	return nil
}

// read is "READ [n]".
func (c *Conn) read(arg string, hasArg bool) error {
	if hasArg {
		n, err := strconv.ParseUint(arg, 10, 31)
		if err != nil || n == 0 || arg[0] == '+' {
			return failed("READ takes a message number, from 1")
		}
		c.folder.current = int(n) - 1
	}
	c.state = stateITEM
	return c.tellLength()
}

// tellLength opens the current message and answers with its length, so that the number is exact: 0 when there is none.
func (c *Conn) tellLength() error {
	c.dropBody()
	body, err := c.folder.body(c.ctx)
	if err != nil {
		c.srv.logError(c.ctx, "opening a message", err, "user", c.identity.Username)
		return &failure{text: "internal error, try again later", cause: err}
	}
	c.body = body
	if body == nil {
		c.say("=0 no message")
	} else {
		c.say("=%d characters in message %d", body.Size(), c.folder.current+1)
	}
	return nil
}

// retr is "RETR": "The server will close the connection if asked to transmit a message of zero characters".
func (c *Conn) retr() error {
	if c.body == nil || c.body.Size() == 0 {
		return failed("no message to transmit")
	}
	var n int64
	var err error
	if to, ok := c.body.(io.WriterTo); ok {
		n, err = to.WriteTo(c.w)
	} else {
		n, err = io.Copy(c.w, io.NewSectionReader(c.body, 0, c.body.Size()))
	}
	if err == nil && n != c.body.Size() {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return err // the client knows by the count that this is not all
	}
	c.trace(true, "("+strconv.FormatInt(n, 10)+" octets)")
	c.retrs++
	c.state = stateNEXT
	return nil
}

// acknowledge is ACKS, and ACKD that also marks the message.
func (c *Conn) acknowledge(remove bool) error {
	if remove {
		c.folder.mark()
	}
	c.folder.current++
	c.state = stateITEM
	return c.tellLength()
}

// quit is QUIT.
func (c *Conn) quit() error {
	if err := c.release(); err != nil {
		return err
	}
	c.say("+ OK bye")
	return errQuit
}

func (c *Conn) dropBody() {
	if c.body != nil {
		_ = c.body.Close()
		c.body = nil
	}
}
