package ratelimit

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// Limits are what a client may do; 0 doesn't bound. Rates are per the Counters' Window.
type Limits struct {
	Connections    int // at once
	ConnectionRate int
	MessageRate    int // MAIL commands, whatever comes of them
	RecipientRate  int // RCPT commands, the same
	TLSRate        int // TLS handshakes that resume no session
	AuthRate       int // AUTH commands
}

// Service is the [smtp.RateLimiter] of one service, with Postfix's replies and log lines. Counters must be set, and fields must not change
// once it is used.
type Service struct {
	Counters *Counters
	Name     string // by which it is counted and called in the log: "smtp"
	Limits   Limits
	Exempt   func(c *smtp.Conn) bool // clients that aren't counted; nil: none. It must not change its mind about a connection
	Log      func(line string)       // nil: nobody
}

// Connect implements [smtp.RateLimiter].
func (s *Service) Connect(c *smtp.Conn) *mail.Reply {
	a, ok := s.counted(c)
	if !ok {
		return nil
	}
	conns, rate := s.Counters.Connect(s.Name, a)
	what, n := "", 0
	switch {
	case s.Limits.Connections > 0 && conns > s.Limits.Connections:
		what, n = "Connection concurrency", conns
	case s.Limits.ConnectionRate > 0 && rate > s.Limits.ConnectionRate:
		what, n = "Connection rate", rate
	default:
		return nil
	}
	s.log(what, n, c)
	return mail.NewReply(421, mail.EnhancedCode{4, 7, 0}, "Error: too many connections from "+a.String())
}

// Disconnect implements [smtp.RateLimiter].
func (s *Service) Disconnect(c *smtp.Conn) {
	if a, ok := s.counted(c); ok {
		s.Counters.Disconnect(s.Name, a)
	}
}

// Allow implements [smtp.RateLimiter].
func (s *Service) Allow(c *smtp.Conn, e smtp.ClientEvent) *mail.Reply {
	l := &s.Limits
	switch e {
	case smtp.EventMessage:
		return s.allow(c, Message, l.MessageRate, "Message delivery request rate", "too much mail")
	case smtp.EventRecipient:
		return s.allow(c, Recipient, l.RecipientRate, "Recipient address rate", "too many recipients")
	case smtp.EventAuth:
		return s.allow(c, Auth, l.AuthRate, "AUTH command rate", "too many AUTH commands")
	case smtp.EventTLS:
		if s.allow(c, TLSSession, l.TLSRate, "New TLS session rate", "") != nil {
			return mail.NewReply(421, mail.EnhancedCode{4, 7, 0}, "Error: too many new TLS sessions from "+named(c))
		}
	case smtp.EventStartTLS: // who is over the limit already is spared the handshake
		a, ok := s.counted(c)
		if ok && l.TLSRate > 0 && s.Counters.Rate(s.Name, a, TLSSession) > l.TLSRate {
			if s.Log != nil {
				s.Log(fmt.Sprintf("warning: Refusing STARTTLS request from %s for service %s", named(c), s.Name))
			}
			return mail.NewReply(454, mail.EnhancedCode{4, 7, 0}, "Error: too many new TLS sessions from "+named(c))
		}
	}
	return nil
}

// allow counts an event where there is a limit.
func (s *Service) allow(c *smtp.Conn, e Event, limit int, what, text string) *mail.Reply {
	a, ok := s.counted(c)
	if !ok || limit <= 0 {
		return nil
	}
	n := s.Counters.Add(s.Name, a, e)
	if n <= limit {
		return nil
	}
	s.log(what, n, c)
	return mail.NewReply(450, mail.EnhancedCode{4, 7, 1}, "Error: "+text+" from "+a.String())
}

func (s *Service) log(what string, n int, c *smtp.Conn) {
	if s.Log != nil {
		s.Log(fmt.Sprintf("warning: %s limit exceeded: %d from %s for service %s", what, n, named(c), s.Name))
	}
}

// counted returns the address that a connection is counted by; false where it isn't.
func (s *Service) counted(c *smtp.Conn) (netip.Addr, bool) {
	a := address(c)
	return a, a.IsValid() && (s.Exempt == nil || !s.Exempt(c))
}

func address(c *smtp.Conn) netip.Addr {
	t, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return t.AddrPort().Addr().Unmap().WithZone("")
}

// named is a client as Postfix's log has it.
func named(c *smtp.Conn) string {
	name := c.ClientName()
	if name == "" {
		name = "unknown"
	}
	return name + "[" + address(c).String() + "]"
}
