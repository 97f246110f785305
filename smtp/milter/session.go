package milter

import (
	"context"
	"encoding/binary"
	"net"
	"strings"
	"time"
)

// Session is what filters are told of an SMTP session. It is used by one goroutine at a time.
type Session struct {
	list []*client
}

// Open begins a session with filters. macros returns the value of a macro, which is asked for by its name without braces around it where that is one
// letter, "i", and with them otherwise, "{rcpt_addr}"; "" is none. Nothing is dialed before Connect.
func Open(filters []*Filter, macros func(name string) string) *Session {
	s := &Session{}
	if macros == nil {
		macros = func(string) string { return "" }
	}
	for _, f := range filters {
		s.list = append(s.list, &client{f: f, macros: macros})
	}
	return s
}

// Close ends it.
func (s *Session) Close() error {
	for _, c := range s.list {
		c.close()
	}
	return nil
}

// each asks the filters in turn, until one has said all that there is to say.
func (s *Session) each(ask func(c *client) Verdict) Verdict {
	var all Verdict
	for _, c := range s.list {
		v := Verdict{}
		switch c.state {
		case acceptedIt, acceptedAl:
			continue
		case broken:
			v = c.usual()
		default:
			v = ask(c)
		}
		if all.Err == nil && v.Err != nil {
			all.Err, all.Filter = v.Err, v.Filter
		}
		if all.Quarantine == "" && v.Quarantine != "" {
			all.Quarantine, all.Filter = v.Quarantine, v.Filter
		}
		if !v.goOn() {
			return v
		}
	}
	return all
}

// command is a step before the message.
func (s *Session) command(ctx context.Context, stage Stage, cmd byte, skip, quiet uint32, data ...[]byte) Verdict {
	return s.each(func(c *client) Verdict {
		answer, text, err := c.event(ctx, stage, cmd, skip, quiet, or(c.f.CommandTimeout, 30*time.Second), data...)
		return c.judge(cmd, answer, text, err)
	})
}

// Connect dials the filters and tells them who has connected: the client's name, or its address in brackets, and the address. A client over a socket of
// this machine has the name localhost and no address.
func (s *Session) Connect(ctx context.Context, hostname string, addr net.Addr) Verdict {
	data := [][]byte{cstring(hostname), {'U'}}
	if a, ok := addr.(*net.TCPAddr); ok {
		family, ip := byte('4'), a.IP.String()
		if a.IP.To4() == nil {
			family, ip = '6', "IPv6:"+ip
		}
		port := binary.BigEndian.AppendUint16([]byte{family}, uint16(a.Port))
		data = [][]byte{cstring(hostname), port, cstring(ip)}
	}
	return s.each(func(c *client) Verdict {
		if err := c.connect(ctx); err != nil {
			return c.fail(err)
		}
		answer, text, err := c.event(ctx, StageConnect, cmdConnect, noConnect, quietConnect, or(c.f.CommandTimeout, 30*time.Second), data...)
		return c.judge(cmdConnect, answer, text, err)
	})
}

// Hello tells the name in HELO or EHLO.
func (s *Session) Hello(ctx context.Context, name string) Verdict {
	return s.command(ctx, StageHello, cmdHelo, noHelo, quietHelo, cstring(name))
}

// Mail tells the sender, "" for nobody, and the parameters of MAIL, "SIZE=100".
func (s *Session) Mail(ctx context.Context, from string, params []string) Verdict {
	s.Abort(ctx)
	for _, c := range s.list {
		c.open = c.state == asked
	}
	return s.command(ctx, StageMail, cmdMail, noMail, quietMail, path(from, params)...)
}

// Recipient tells a recipient and the parameters of RCPT. A verdict that refuses is about this one.
func (s *Session) Recipient(ctx context.Context, to string, params []string) Verdict {
	return s.command(ctx, StageRecipient, cmdRcpt, noRcpt, quietRcpt, path(to, params)...)
}

// Rejected tells the filters that have asked for them of a recipient who was refused; macros says why, as {rcpt_mailer}, {rcpt_host} and {rcpt_addr}.
func (s *Session) Rejected(ctx context.Context, to string, params []string) {
	for _, c := range s.list {
		if c.state != asked || c.steps&rcptRejected == 0 || c.conn == nil {
			continue
		}
		answer, text, err := c.event(ctx, StageRecipient, cmdRcpt, noRcpt, quietRcpt, or(c.f.CommandTimeout, 30*time.Second), path(to, params)...)
		if err != nil {
			c.judge(cmdRcpt, answer, text, err)
		}
	}
}

// path is an address and parameters as MAIL and RCPT are told.
func path(address string, params []string) [][]byte {
	data := [][]byte{cstring("<" + address + ">")}
	for _, p := range params {
		data = append(data, cstring(p))
	}
	return data
}

// Data tells of DATA, or of the first BDAT.
func (s *Session) Data(ctx context.Context) Verdict {
	return s.command(ctx, StageData, cmdData, noData, quietData)
}

// Unknown tells of a command that the server doesn't know.
func (s *Session) Unknown(ctx context.Context, line string) Verdict {
	return s.command(ctx, StageUnknown, cmdUnknown, noUnknown, quietUnknown, cstring(strings.TrimRight(line, "\r\n")))
}

// Abort tells the filters that a message that has begun does not go on.
func (s *Session) Abort(ctx context.Context) {
	for _, c := range s.list {
		c.abort(ctx)
	}
}
