package smtp

import (
	"log/slog"
	"time"
	"unicode/utf8"
)

// command works on one command line. name and args are parts of the read buffer.
func (c *Conn) command(v verb, name, args []byte) {
	if r := c.checkLine(v, name, args); r != nil {
		c.count(verbUnknown, r)
		return
	}
	if r := c.allowed(v); r != nil {
		c.count(v, r)
		return
	}
	var r *Reply
	switch v {
	case verbBDAT:
		r = c.cmdBdat(args)
	case verbUnknown:
		r = c.dispatch(v, string(name), string(args))
	default:
		r = c.dispatch(v, "", string(args))
	}
	if r != nil {
		c.count(v, r)
	}
	if c.end == nil && c.out != nil && !c.srv.AllowEarlyTalk && c.mustWait(v) && c.r.Buffered() > 0 {
		c.finish(CauseSync, nil)
		c.reply(replySync)
	}
}

// mustWait says which commands a client must have the reply to before it goes on (RFC 2920 section 3.1). DATA sees to it
// itself, and STARTTLS drops what came too early.
func (c *Conn) mustWait(v verb) bool { return v == verbEHLO || v == verbHELO || v == verbLHLO }

// checkLine refuses what no command may contain.
func (c *Conn) checkLine(v verb, name, args []byte) *Reply {
	if v != verbAUTH && len(name)+len(" \r\n")+len(args) > limit(c.srv.Limits.CommandLine, 2048) {
		return replyTooLong
	}
	for _, part := range [...][]byte{name, args} {
		ascii := true
		for _, b := range part {
			switch {
			case b < ' ' || b == 0x7f:
				return replyControl
			case b >= 0x80:
				ascii = false
			}
		}
		if !ascii && !utf8.Valid(part) {
			return replyBadUTF8
		}
	}
	return nil
}

// allowed refuses what this connection may not do yet.
func (c *Conn) allowed(v verb) *Reply {
	if c.refused != nil && v != verbQUIT {
		return replyBadSequence
	}
	if c.srv.RequireSecure && c.tls == nil {
		switch v {
		case verbEHLO, verbHELO, verbLHLO, verbNOOP, verbQUIT, verbSTARTTLS, verbXCLIENT, verbUnknown:
		default:
			return replyNeedTLS
		}
	}
	return nil
}

// count sends the reply to a command, counts it, and makes those wait who are refused too often.
func (c *Conn) count(v verb, r *Reply) {
	c.last = verbUpper[v]
	if c.where != "" {
		c.last, c.where = c.where, ""
	}
	c.commands++
	n := &c.counts[v]
	n.total++
	c.tarpit()
	if r.Code < 400 {
		n.ok++
		if n := c.srv.Limits.Commands; n > 0 && c.commands > n && c.end == nil {
			c.reply(r)
			c.farewell(421, EnhancedCode{4, 7, 0}, "Error: too many commands")
			c.finish(CauseErrors, nil)
			return
		}
	} else {
		c.errors++
		c.rejected(c.last, r, "")
	}
	c.done = nil
	c.reply(r)
	if v.junk() {
		if c.junk++; c.junk-1 > limit(c.srv.Limits.JunkCommands, 100) {
			c.errors++
		}
	}
	if c.errors >= limit(c.srv.Limits.HardErrors, 20) && c.end == nil {
		c.tarpit()
		c.farewell(421, EnhancedCode{4, 7, 0}, "Error: too many errors")
		c.finish(CauseErrors, nil)
	}
	if r.Code == 421 || r.Code == 521 {
		c.finish(CauseRefused, r.Err)
	}
}

// tarpit waits before an answer, whatever it says, to a client that has made too many mistakes since its last message.
func (c *Conn) tarpit() {
	d := wait(c.srv.Timeouts.Error, time.Second)
	if d == 0 || c.errors < limit(c.srv.Limits.SoftErrors, 10) {
		return
	}
	_ = c.flush()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.ctx.Done():
	}
}

// rejected tells the hook.
func (c *Conn) rejected(command string, r *Reply, to string) {
	if r.Err != nil && r.Code/100 == 4 {
		c.srv.log(c.ctx, slog.LevelError, "temporary failure", "command", command, "reply", r.String(), "error", r.Err)
	}
	if c.srv.Hooks.Rejected == nil {
		return
	}
	rej := &Rejection{Command: command, Reply: r, To: to, Limited: c.limited}
	c.limited = false
	tx := c.tx
	if tx == nil {
		tx = c.done
	}
	if tx != nil {
		rej.From, rej.HasFrom = tx.from, true
		if c.done != nil && to == "" && len(tx.rcpts) == 1 {
			rej.To = tx.rcpts[0]
		}
	}
	if to == "" && command == "RCPT" {
		rej.To = c.lastTo
	}
	c.srv.Hooks.Rejected(c, rej)
}
