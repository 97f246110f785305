package postscreen

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"os"
	"strings"
	"time"
)

// conversation is what a Screen has with a client itself.
type conversation struct {
	v        *visit
	r        *bufio.Reader
	where    string // the last command, for the log
	helo     string
	extended bool
	sender   *string
	commands int
	secure   bool
	over     bool
}

// converse speaks SMTP with the client. No recipient is taken.
func (v *visit) converse() {
	x := &conversation{v: v, where: "CONNECT"}
	x.r = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(v.early), reader{v}), limit(min(v.s.Limits.Line, 1<<16), 2048))
	v.early = nil
	if !v.earlyReply {
		v.write("220 " + v.s.banner() + "\r\n")
	}
	for !x.over {
		x.next()
	}
}

// reader reads from the connection as it is at the time.
type reader struct{ v *visit }

func (r reader) Read(p []byte) (int, error) { return r.v.c.Read(p) }

// end ends the conversation with a reply; "" for none.
func (x *conversation) end(reply string) {
	x.over = true
	if reply != "" {
		x.v.say(reply)
	}
	x.v.conclude()
	x.v.gone()
}

// next reads a command and answers it.
func (x *conversation) next() {
	v := x.v
	_ = v.c.SetReadDeadline(time.Now().Add(or(v.s.Limits.CommandTime, 5*time.Minute)))
	v.mindClose()
	line, err := x.r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		v.s.log("COMMAND LENGTH LIMIT from " + v.String() + " after " + x.where)
		x.end("421 " + v.s.host() + " Service unavailable - try again later")
		return
	case err != nil && v.l.ctx.Err() != nil:
		x.end("421 4.3.2 Service currently unavailable")
		return
	case errors.Is(err, os.ErrDeadlineExceeded):
		v.s.log("COMMAND TIME LIMIT from " + v.String() + " after " + x.where)
		x.end("421 4.4.2 " + v.s.host() + " Error: timeout exceeded")
		return
	case err != nil:
		v.s.log("HANGUP after " + delta(time.Since(v.began)) + " from " + v.String() + " in tests after SMTP handshake")
		x.end("")
		return
	}
	bare := len(line) < 2 || line[len(line)-2] != '\r'
	text := string(bytes.TrimRight(line, "\r\n"))
	if bare && x.tested(testBareNewline) {
		v.s.log("BARE NEWLINE from " + v.String() + " after " + escape([]byte(text), 100))
		if x.fails(testBareNewline, &v.s.BareNewline, "521 5.5.1 Protocol error") {
			return
		}
	}
	x.command(text)
}

// tested reports whether a client can still fail a test.
func (x *conversation) tested(t test) bool {
	return x.v.todo.has(t) && !x.v.failed.has(t)
}

// fails does what is to be done with one who failed a test. It reports whether the conversation is over.
func (x *conversation) fails(t test, what *Test, drop string) bool {
	v := x.v
	v.passed.remove(t)
	switch what.Action {
	case Drop:
		v.failed.add(t)
		x.end(drop)
		return true
	case Enforce:
		v.failed.add(t)
		v.enforce("550 5.5.1 Protocol error")
	case Ignore:
		// It counts as passed until something else has to be tested anyway: else the log would say the same all day.
		v.pass(t, v.s.leastTTL())
		v.todo.remove(t)
	}
	return false
}

// leastTTL is the time after which some test is made again.
func (s *Screen) leastTTL() time.Duration {
	least := or(s.GreetTTL, 24*time.Hour)
	if len(s.Zones) > 0 {
		least = min(least, or(s.DNSTTL, time.Hour))
	}
	for _, t := range []*Test{&s.Pipelining, &s.NonSMTP, &s.BareNewline} {
		if t.Enable {
			least = min(least, or(t.TTL, 30*24*time.Hour))
		}
	}
	return least
}

// command works on a command.
func (x *conversation) command(text string) {
	v, s := x.v, x.v.s
	name, args, _ := strings.Cut(text, " ")
	name, args = strings.ToUpper(name), strings.TrimSpace(args)
	known := commandOf(name)
	if known == nil && x.tested(testNonSMTP) && s.forbids(name) {
		s.log("NON-SMTP COMMAND from " + v.String() + " after " + x.where + ": " + escape([]byte(text), 100))
		if x.fails(testNonSMTP, &s.NonSMTP, "521 5.7.0 Error: I can break rules, too. Goodbye.") {
			return
		}
	}
	if n := x.r.Buffered(); n > 0 && x.tested(testPipelining) {
		rest, _ := x.r.Peek(n)
		s.log("COMMAND PIPELINING from " + v.String() + " after " + escape([]byte(name), 100) + ": " + escape(rest, 100))
		if x.fails(testPipelining, &s.Pipelining, "521 5.5.1 Protocol error") {
			return
		}
	}
	if name == "RCPT" { // who comes that far without a mistake has passed
		for t, what := range map[test]*Test{testPipelining: &s.Pipelining, testNonSMTP: &s.NonSMTP, testBareNewline: &s.BareNewline} {
			if x.tested(t) {
				v.pass(t, or(what.TTL, 30*24*time.Hour))
			}
		}
	}
	if x.commands++; x.commands > limit(s.Limits.Commands, 20) && name != "QUIT" {
		s.log("COMMAND COUNT LIMIT from " + v.String() + " after " + escape([]byte(name), 100))
		x.end("421 " + s.host() + " Service unavailable - try again later")
		return
	}
	switch {
	case known == nil:
		v.say("502 5.5.2 Error: command not recognized")
		return
	case s.RequireTLS && s.TLSConfig != nil && !x.secure && !beforeTLS(name):
		v.say("530 5.7.0 Must issue a STARTTLS command first")
	default:
		known(x, args)
	}
	x.where = name
}

// forbids reports whether a command is none of a mail client.
func (s *Screen) forbids(name string) bool {
	if len(name) > 1 && name[len(name)-1] == ':' {
		return true
	}
	if s.Forbidden != nil {
		return s.Forbidden(name)
	}
	return name == "CONNECT" || name == "GET" || name == "POST"
}

// startTLS begins TLS (RFC 3207 section 4). What came with STARTTLS came unprotected, and is forgotten.
func (x *conversation) startTLS(args string) {
	v, s := x.v, x.v.s
	switch {
	case args != "":
		v.say("501 5.5.4 Syntax error (no parameters allowed)")
	case x.secure:
		v.say("554 5.5.1 Error: TLS already active")
	case s.TLSConfig == nil:
		v.say("502 5.5.1 Error: command not implemented")
	default:
		v.say("220 2.0.0 Ready to start TLS")
		_, _ = x.r.Discard(x.r.Buffered())
		tc := tls.Server(v.c, s.TLSConfig)
		_ = v.c.SetDeadline(time.Now().Add(30 * time.Second))
		if err := tc.Handshake(); err != nil {
			s.log("SSL_accept error from " + v.String() + ": " + escape([]byte(err.Error()), 200))
			x.end("")
			return
		}
		v.c, x.secure = tc, true
		x.helo, x.extended, x.sender = "", false, nil
	}
}
