// Package intake is what stands behind the SMTP, submission and LMTP listeners: it asks the policy at MAIL and RCPT, puts
// the trace field on top of the message, files it for those who are here, queues it for the others, and tells the log,
// all under one queue id. The reply to a message promises what is true by then: every copy is on disk.
package intake

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/checks"
	"github.com/buuta/mail/examples/fullserver/local"
	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/buuta/mail/examples/fullserver/restrict"
	"github.com/buuta/mail/examples/fullserver/spool"
	"github.com/buuta/mail/queue"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/milter"
	"github.com/buuta/mail/smtp/proxyfilter"
)

// Queue is the part of *queue.Queue that mail for elsewhere needs.
type Queue interface {
	mail.Deliverer
	Flush(ctx context.Context, f queue.Filter) (int, error)
}

// Log hears of what becomes of messages. Its methods may be called by many goroutines at once.
type Log interface {
	// Received is called when a message has been read, before anything is promised about it.
	Received(c *smtp.Conn, m *Message)
	// Delivered is called for each recipient whose mailbox got it, or didn't, without the queue.
	Delivered(c *smtp.Conn, m *Message, e *queue.Event)
	// Done is called when that has been done for all, and somebody got it.
	Done(c *smtp.Conn, m *Message)
}

// Message is what the log says about a message.
type Message struct {
	ID         string
	From       string
	MessageID  string // content of the Message-ID field, with its angle brackets
	Size       int64  // as it is stored
	Recipients int
	Queued     bool // some recipients get it through the queue, which tells of them itself
}

// Kind is the trade of a listener.
type Kind int

// The kinds.
const (
	MTA        Kind = iota // other servers, and clients in mynetworks
	Submission             // users, who have logged in
	LMTP                   // a server in front: local recipients, each with a result of its own
)

// Backend makes the sessions of a listener. Policy, Local, Queue and Log must be set.
type Backend struct {
	Kind       Kind
	Policy     *policy.Policy
	Local      *local.Deliverer
	Queue      Queue
	Log        Log
	Spooler    *spool.Spooler
	Hostname   string // for Message-ID fields
	Software   string // behind "by host" in Received fields, "" for nothing
	Expanded   int    // recipients that all those of a message may stand for; 0: any number
	AlwaysBCC  string // who gets a copy of every message; "": nobody
	NoVerify   bool   // VRFY is refused
	RequireTLS bool   // REQUIRETLS is offered
	Digest     string // of fingerprints of clients' certificates, one of clientcert.Digests

	// Greylist, if not nil, is asked about recipients of strangers that would be taken: a reply refuses them for now, a header field is put on
	// top of the message.
	Greylist func(c *smtp.Conn, sender, recipient string) (field string, r *mail.Reply)

	// Filter is content_filter, "transport:nexthop", a way that all recipients' copies go first; FILTER in tables has another one. "": none.
	// FilterHop is the next hop where it names none; "": each recipient's domain.
	Filter, FilterHop string

	// Room, if not nil, says why a mailbox has no room for a message of size octets, 0 where that isn't known; nil: it has.
	Room func(ctx context.Context, account string, size int64) *mail.Reply

	// Proxy is a content filter in front of the queue: what its server says of a message is the answer, and where it goes from there is not this
	// backend's to say. Restrictions, greylisting and Check come before it, and milters are told all but the message. nil: none.
	Proxy *proxyfilter.Filter

	// RescueTime is how long a client is kept waiting while neither a mailbox nor the queue has room for the rest of a message that others have got already: were it
	// to come again, they would get it twice. RFC 5321 section 4.5.3.2.6 has clients wait for 10 minutes. 0: one minute.
	RescueTime time.Duration

	Hops int // Received fields a message may have with ours; 0: 50
	Now  func() time.Time

	Checks                      func() *checks.Checker // header_checks and body_checks, as they are when a message begins; nil: none
	Check                       *mailcheck.Checker     // of mail from outside; nil: none
	Milters                     []*milter.Filter       // asked in this order at each step; MilterDaemon and MilterVersion are the macros {daemon_name} and v
	MilterDaemon, MilterVersion string
	MiltersFor                  func(ctx context.Context, c *smtp.Conn) ([]*milter.Filter, bool) // milters of a client's own, in place of Milters; nil: nobody has any

	// Checked says that what trusted clients bring has been checked before and comes back from a content filter: what was found out about it stays.
	Checked bool

	Keys *mailcheck.Keys       // that sign mail of those who may send anywhere; nil: none
	Note func(id, text string) // tells the log what checking or signing a message came to; nil: nobody
}

// NewSession implements smtp.Backend.
func (b *Backend) NewSession(ctx context.Context, c *smtp.Conn) (smtp.Session, error) {
	s := &session{b: b, c: c}
	if b.Kind == LMTP {
		return s, nil
	}
	s.policy = b.Policy.Now()
	s.visit = s.policy.Visit(s.client())
	if r := s.visit.Connect(ctx); r != nil {
		return nil, r
	}
	if r := s.openFilters(ctx); r != nil {
		_ = s.Close()
		return nil, r
	}
	return s, nil
}

func (b *Backend) now() time.Time {
	if b.Now != nil {
		return b.Now()
	}
	return time.Now()
}

// session is one client's visit.
type session struct {
	b      *Backend
	c      *smtp.Conn
	policy *policy.Policy  // that visit is judged by
	visit  *restrict.Visit // what restrictions know of it; nil for LMTP

	filters   *filtering // milters; nil for none
	filterErr error      // of which the log has been told
}

// Close implements smtp.Session.
func (s *session) Close() error {
	if s.filters != nil {
		return s.filters.Close()
	}
	return nil
}

// Begin implements mail.Deliverer.
func (s *session) Begin(ctx context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	sender, err := s.b.Policy.Now().Sender(ctx, from)
	if err != nil {
		return nil, err
	}
	t := &transaction{s: s, from: sender, opts: *opts, began: s.b.now()}
	t.verdict.Filter = s.b.Filter
	if s.visit == nil {
		return t, nil
	}
	if s.b.Proxy != nil {
		f := *s.c.ToForward()
		if _, ok := s.b.Policy.Now().HeaderOrigin(s.c.RemoteAddr(), s.c.Identity() != nil); ok && s.c.Forwarded() == nil {
			f.Source = "LOCAL" // local_header_rewrite_clients
		}
		t.wrote = from
		t.proxy = s.b.Proxy.Begin(&f, from, opts)
	}
	if p := s.b.Policy.Now(); p != s.policy {
		s.policy, s.visit = p, p.Visit(s.client()) // main.cf has been read again
		s.visit.Helo = s.c.Hello()
	}
	s.visit.Client = s.client() // who has logged in by now
	if s.c.Hello() != s.visit.Helo {
		if r := s.visit.Hello(ctx, s.c.Hello()); r != nil {
			return nil, r
		}
	}
	if r := s.visit.Mail(ctx, from); r != nil {
		return nil, r
	}
	if s.policy.UnlistedSenders() {
		if reply := s.policy.Rules.UnlistedSender(ctx, from); reply != nil {
			t.refuse = reply
		}
	}
	if err := t.filterMail(ctx, from); err != nil {
		return nil, err
	}
	return t, nil
}

// trusted reports whether the client may send anywhere.
func (s *session) trusted() bool {
	return s.b.Kind != LMTP && (s.c.Identity() != nil || s.b.Policy.Now().Trusted(s.c.RemoteAddr()))
}

// resolve judges a recipient and returns whom it stands for.
func (s *session) resolve(ctx context.Context, visit *restrict.Visit, from, to string) ([]policy.Target, error) {
	p := s.b.Policy.Now()
	if s.b.Kind == LMTP {
		t, err := p.ResolveFrom(ctx, from, to)
		if err == nil && t.Account == "" {
			// RFC 2033 section 4.2: LMTP is for final delivery; this listener has no queue behind it.
			err = mail.NewReply(550, mail.EnhancedCode{5, 1, 1}, "<"+to+">: Recipient address rejected: not a mailbox of this server")
		}
		return []policy.Target{t}, err
	}
	if _, err := p.Kind(ctx, to); err != nil { // what can't be an address is nothing to ask about
		return nil, err
	}
	if r := visit.Recipient(ctx, to); r != nil {
		return nil, r
	}
	return p.Recipients(ctx, from, to)
}

// Verify implements smtp.Verifier as Postfix does: an address that RCPT would take gets 252, which promises nothing.
func (s *session) Verify(ctx context.Context, name string) *smtp.Reply {
	if s.b.NoVerify {
		return mail.NewReply(502, mail.EnhancedCode{5, 5, 1}, "VRFY command is disabled")
	}
	visit := s.visit
	if visit != nil { // one of its own: what is asked here is no recipient of a message that is on its way
		visit = s.b.Policy.Now().Visit(s.client())
		visit.Helo = s.c.Hello()
	}
	if _, err := s.resolve(ctx, visit, "", trimAngles(name)); err != nil {
		return mail.ReplyOf(err)
	}
	return mail.NewReply(252, mail.EnhancedCode{2, 0, 0}, name)
}

func trimAngles(s string) string {
	if len(s) > 2 && s[0] == '<' && s[len(s)-1] == '>' {
		return s[1 : len(s)-1]
	}
	return s
}

// Flush implements smtp.Flusher: ETRN makes the queue try a destination now. It is for those who may send anywhere.
func (s *session) Flush(ctx context.Context, destination string) *smtp.Reply {
	if !s.trusted() {
		return mail.NewReply(554, mail.EnhancedCode{5, 7, 1}, "<"+destination+">: Etrn command rejected: Access denied")
	}
	if s.visit != nil {
		if r := s.visit.Etrn(ctx, strings.TrimLeft(destination, "@#")); r != nil {
			return r
		}
	}
	f := queue.Filter{Destination: destination}
	switch {
	case destination != "" && destination[0] == '@': // RFC 1985 section 5.3: the domain and all below it
		f.Destination = "." + destination[1:]
	case destination != "" && destination[0] == '#':
		return mail.NewReply(458, mail.EnhancedCode{4, 3, 0}, "Unable to queue messages for "+destination)
	}
	if _, err := s.b.Queue.Flush(ctx, f); err != nil {
		return &mail.Reply{Code: 458, Enhanced: mail.EnhancedCode{4, 3, 0}, Text: "Unable to queue messages for " + destination, Err: err}
	}
	return nil
}

// counter counts the octets that go through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
