package imapserver

import (
	"math"
	"time"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/mime/searchtext"
)

// Limits bound what clients can make a server hold or do. 0 means the default, a negative number no limit.
type Limits struct {
	Connections        int   // at a time; 0: none
	ConnectionsPerAddr int   // from one address, or one /64 of IPv6; 0: 50. Loopback and unix sockets don't count
	CommandLine        int   // octets of a line; 0: 65,536. Before login never more than 12,288
	Literal            int64 // octets of a literal that stands for a string; 0: 65,536. Before login never more than 4,096
	Command            int64 // octets of a command without the messages of APPEND; 0: 1 MiB. Before login never more than 16,384
	MessageSize        int64 // octets of a message in APPEND; 0: 50 MiB. Announced as APPENDLIMIT (RFC 7889)
	Messages           int   // of one APPEND (RFC 3502); 0: 1,000
	Depth              int   // nesting of lists and search keys; 0: 32
	Ranges             int   // ranges in a sequence set; 0: 10,000
	Items              int   // elements of a list; 0: 10,000
	SearchKeys         int   // keys of a search program; 0: 1,000
	SearchTexts        int   // keys of a search program that look for text: FROM, SUBJECT, HEADER, BODY, TEXT …; 0: 256
	HeaderBytes        int64 // octets of a header that HEADER.FIELDS looks at; 0: 1 MiB
	TextBytes          int64 // octets of a message's text that searches look at, where the store has no mail.TextSearcher; 0: 4 MiB
	Annotation         int   // octets of an annotation's value (RFC 5464); 0: 65,536, and never more than Literal
	SearchMailboxes    int   // mailboxes that one ESEARCH looks into (RFC 7377); 0: 10,000
	Contexts           int   // searches of a session that are kept up to date (RFC 5267); 0: 16
	ContextMessages    int   // messages in those of them that are sorted, together; 0: 100,000
	MessagesPerCommand int   // messages that SEARCH, FETCH, STORE, COPY, MOVE or UID EXPUNGE work on; 0: no limit. Announced as MESSAGELIMIT (RFC 9738)
	MessagesPerSave    int   // messages that COPY and APPEND take; 0: no limit. Announced as SAVELIMIT if MessagesPerCommand is not set
	NotifyMailboxes    int   // mailboxes that NOTIFY watches for a session (RFC 5465); 0: 5,000
	BadCommands        int   // commands in a row answered BAD before the connection is cut; 0: 20, before login 3
	AuthFailures       int   // failed logins before the connection is cut; 0: 5
}

// Timeouts bound how long a server waits. 0 means the default, negative for ever.
type Timeouts struct {
	Login     time.Duration // for a client to log in; 0: 1 min
	Idle      time.Duration // between commands, and in IDLE; 0: 30 min, the least that RFC 9051 section 5.4 allows
	Data      time.Duration // for the next octets of a command that has begun; 0: 5 min
	Write     time.Duration // for what is sent to be taken; 0: 5 min
	Handshake time.Duration // for a TLS handshake; 0: 30 s
	Progress  time.Duration // between the words that a long command sends (RFC 9585), by which a client that is gone is found out; 0: 5 s
	Poll      time.Duration // between a session's looks for changes while it is in IDLE and not woken; 0: 1 min
}

func number[T int | int64](n, def T) T {
	switch {
	case n == 0:
		return def
	case n < 0:
		return math.MaxInt32
	}
	return n
}

// forever is a timeout that never comes.
const forever = 100 * 365 * 24 * time.Hour

// wait returns the timeout t, or def.
func wait(t, def time.Duration) time.Duration {
	switch {
	case t == 0:
		return def
	case t < 0:
		return forever
	}
	return t
}

// limits returns the limits in force, before login tighter ones.
func (s *Server) limits(loggedIn bool) Limits {
	l := s.Limits
	l.Connections = number(l.Connections, math.MaxInt32)
	l.ConnectionsPerAddr = number(l.ConnectionsPerAddr, 50)
	l.CommandLine = number(l.CommandLine, 64<<10)
	l.Literal = number(l.Literal, 64<<10)
	l.Command = number(l.Command, 1<<20)
	bad := 20
	if !loggedIn {
		l.CommandLine, l.Literal, l.Command = min(l.CommandLine, 12<<10), min(l.Literal, 4<<10), min(l.Command, 16<<10)
		bad = 3
	}
	l.MessageSize = number(l.MessageSize, 50<<20)
	l.Messages = number(l.Messages, 1000)
	l.Depth = number(l.Depth, 32)
	l.Ranges = number(l.Ranges, 10_000)
	l.Items = number(l.Items, 10_000)
	l.SearchKeys = number(l.SearchKeys, 1000)
	l.SearchTexts = number(l.SearchTexts, 256)
	l.HeaderBytes = number(l.HeaderBytes, 1<<20)
	l.TextBytes = number(l.TextBytes, searchtext.MaxText)
	l.Annotation = min(number(l.Annotation, 64<<10), int(l.Literal))
	l.SearchMailboxes = number(l.SearchMailboxes, 10_000)
	l.Contexts = number(l.Contexts, 16)
	l.ContextMessages = number(l.ContextMessages, 100_000)
	l.MessagesPerCommand, l.MessagesPerSave = max(l.MessagesPerCommand, 0), max(l.MessagesPerSave, 0)
	l.NotifyMailboxes = number(l.NotifyMailboxes, 5000)
	l.BadCommands = number(l.BadCommands, bad)
	l.AuthFailures = number(l.AuthFailures, 5)
	return l
}

// applyLimits gives the decoder the limits of the session's state.
func (c *Conn) applyLimits() {
	l := c.srv.limits(c.identity != nil)
	drain := int64(64 << 10)
	if c.identity != nil {
		drain = max(l.MessageSize, 1<<20)
	}
	nonSync := int64(0)
	if c.isDisabled(imap.CapLiteralPlus) {
		nonSync = 4096 // LITERAL- (RFC 7888 section 5)
	}
	c.dec.SetLimits(imap.DecoderLimits{Line: l.CommandLine, Literal: l.Literal, NonSync: nonSync, Command: l.Command,
		Drain: drain, Depth: l.Depth, Ranges: l.Ranges, Items: l.Items, Keys: l.SearchKeys})
}
