package smtp

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/wire"
)

// cmdData takes a message that ends with CRLF.CRLF (RFC 5321 section 4.1.1.4).
func (c *Conn) cmdData(args string) *Reply {
	if r := c.messageAllowed(); r != nil {
		return r
	}
	switch {
	case strings.TrimSpace(args) != "":
		return syntaxReply("DATA")
	case c.tx.opts.Body == mail.BodyBinaryMIME:
		return NewReply(503, EnhancedCode{5, 5, 1}, "Error: BODY=BINARYMIME needs BDAT") // RFC 3030 section 3
	case c.r.Buffered() > 0 && !c.srv.AllowEarlyTalk:
		// The message, or what a smuggler takes for one, came before "354".
		c.finish(CauseSync, nil)
		return replySync
	}
	if r := c.startData(); r != nil {
		return r
	}
	c.write(replyGoAhead, false)
	c.phase, c.last, c.data = phaseData, "DATA", 0
	bare := wire.RejectBare
	if c.srv.BareLines == NormalizeBare {
		bare = wire.NormalizeBare
	}
	tx := c.tx
	tx.dot.Reset(c.r, bare)
	tx.message = messageReader{c: c, src: &tx.dot, max: c.srv.maxSize()}
	r := c.takeMessage(&tx.message)
	c.phase = phaseCommand
	return r
}

// messageAllowed refuses a message for which there is no transaction with a recipient.
func (c *Conn) messageAllowed() *Reply {
	switch {
	case c.tx == nil && c.needsHello():
		return replyHelloFirst
	case c.tx == nil:
		return replyNeedMail
	case len(c.tx.rcpts) == 0 && c.tx.refused > 0 && !c.srv.LMTP: // there it "MUST fail with a 503" (RFC 2033 section 4.2)
		return replyNoRcpts
	case len(c.tx.rcpts) == 0:
		return replyNeedRcpt
	}
	return nil
}

// startData asks the transaction whether it wants the message. If it doesn't, it stays as it is (RFC 5321 section 4.1.1.4
// says nothing of its end).
func (c *Conn) startData() *Reply {
	d, ok := c.tx.tx.(DataStarter)
	if !ok {
		return nil
	}
	c.work()
	defer c.rest()
	return replyTo(d.StartData(c.ctx), nil)
}

// takeMessage hands the message to the transaction, and commits it. The reply is that for DATA or the last BDAT; nil if the
// connection is lost or a command has ended the transaction.
func (c *Conn) takeMessage(m *messageReader) *Reply {
	c.setState(StateActive)
	c.startClock()
	err := c.tx.tx.Body(c.ctx, m)
	m.drain(err != nil)
	if c.srv.Trace != nil {
		c.srv.Trace(c, false, "("+strconv.FormatInt(c.data, 10)+" octets of message)")
	}
	var r *Reply
	switch {
	case m.err == io.EOF && err == nil:
		return c.commit(m)
	case m.err == io.EOF, m.err == nil:
		r = replyTo(err, nil)
	case m.err == errTooBig:
		r = replyTooBig
	case errors.Is(m.err, wire.ErrBareLF):
		r = replyDataLF
	case errors.Is(m.err, wire.ErrBareCR):
		r = replyDataCR
	case m.err == errEnded:
		c.abort()
		return nil
	default:
		c.abort()
		c.lost(m.err)
		return nil
	}
	return c.messageDone(nil, r)
}

// startClock sets the time by which a message must be there.
func (c *Conn) startClock() {
	c.messageEnd = time.Time{}
	if d := wait(c.srv.Timeouts.Message, time.Hour); d > 0 {
		c.messageEnd = time.Now().Add(d)
	}
}

// commit ends the transaction with the message taken, as far as it is.
func (c *Conn) commit(m *messageReader) *Reply {
	c.work()
	results, err := c.tx.tx.Commit(c.ctx)
	c.rest()
	if err != nil {
		return c.messageDone(nil, replyTo(err, nil))
	}
	return c.messageDone(results, nil)
}

// messageDone ends the transaction and makes the reply: one for all, or with LMTP one for each recipient that was
// accepted (RFC 2033 section 4.2), of which it sends all but the last.
func (c *Conn) messageDone(results []mail.Result, all *Reply) *Reply {
	n := len(c.tx.rcpts)
	c.where, c.done = "END-OF-MESSAGE", c.tx
	defer c.abort()
	if all == nil && !c.srv.LMTP {
		all = mail.Combine(results)
		for i := range results {
			if results[i].Reply == all {
				all = c.accepted(all, results[i].ID)
				break
			}
		}
	}
	c.note(all)
	if !c.srv.LMTP {
		return all
	}
	for i := range n {
		r := all
		if r == nil {
			r = replyNoRcpts
			if i < len(results) && results[i].Reply != nil {
				r = c.accepted(results[i].Reply, results[i].ID)
				c.note(r)
			}
		}
		if i == n-1 {
			return r
		}
		if r.Code >= 400 {
			c.rejected(c.where, r, c.tx.rcpts[i])
		}
		c.reply(r)
	}
	return all
}

// note counts a message that was taken, and forgets the errors before it.
func (c *Conn) note(r *Reply) {
	if r != nil && r.OK() {
		c.r.Keep = true
		c.messages++
		c.errors, c.junk = 0, 0
	}
}

// accepted puts the name under which the message goes on into a reply that has nothing else to say.
func (c *Conn) accepted(r *Reply, id string) *Reply {
	if !r.OK() || r.Text != "" && r.Text != "Ok" || id == "" && !c.tx.chunks {
		return r
	}
	var buf [80]byte
	text := append(buf[:0], "Ok"...)
	sep := ": "
	if c.tx.chunks {
		text = append(text, ": "...)
		text = strconv.AppendInt(text, c.data, 10)
		text = append(text, " bytes"...)
		sep = " "
	}
	if id != "" {
		text = append(text, sep...)
		text = append(text, "queued as "...)
		text = append(text, id...)
	}
	out := &c.tx.done
	if c.srv.LMTP {
		out = new(Reply) // one for each recipient
	}
	*out = Reply{Code: r.Code, Enhanced: r.Enhanced, Text: string(text), Err: r.Err}
	if out.Enhanced == (EnhancedCode{}) {
		out.Enhanced = EnhancedCode{2, 0, 0}
	}
	return out
}

// abort ends the transaction, if there is one, with nothing kept. After Commit it changes nothing.
func (c *Conn) abort() {
	if c.tx == nil {
		return
	}
	tx := c.tx
	c.tx = nil
	_ = tx.tx.Abort()
}
