package server

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/doveadm"
	"github.com/buuta/mail/examples/fullserver/intake"
	"github.com/buuta/mail/examples/fullserver/maillog"
	"github.com/buuta/mail/examples/fullserver/metrics"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop2"
	"github.com/buuta/mail/queue"
	"github.com/buuta/mail/smtp"
)

// storeLog writes what happens on IMAP, POP3 and LMTP connections as Dovecot does: logins and how they failed, and the
// end of each session.
type storeLog struct {
	log  *maillog.Log
	next atomic.Uint64

	mu       sync.Mutex
	sessions map[any]*storeSession
}

// storeSession is what the log remembers of a connection until its end.
type storeSession struct {
	id       string
	began    time.Time
	user     string // who tried to log in last
	method   string
	attempts int // that failed
	login    bool
	number   uint64
	shown    *doveadm.Session // to doveadm who, once somebody has logged in; guarded by storeLog.mu
}

const dovecot = "dovecot:"

// peer is what the connections of the servers have in common.
type peer interface {
	comparable
	RemoteAddr() net.Addr
	LocalAddr() net.Addr
	Close() error
}

// begin remembers a new connection.
func (l *storeLog) begin(c any) *storeSession {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sessions == nil {
		l.sessions = map[any]*storeSession{}
	}
	// As in Dovecot: short, and unlike every other for a long time.
	var id [9]byte
	number := l.next.Add(1)
	binary.BigEndian.PutUint64(id[1:], number^uint64(time.Now().UnixNano())<<16)
	s := &storeSession{id: base64.RawStdEncoding.EncodeToString(id[:]), began: time.Now(), number: number}
	l.sessions[c] = s
	return s
}

// session returns a connection's memory; forget gives it up.
func (l *storeLog) session(c any, forget bool) *storeSession {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sessions[c]
	if s == nil {
		s = &storeSession{began: time.Now()}
	}
	if forget {
		delete(l.sessions, c)
	}
	return s
}

// ends writes where a connection comes from and goes to, as Dovecot's lines end.
func ends(remote, local net.Addr, secure bool, s *storeSession) string {
	var b strings.Builder
	if ip := maillog.IP(remote); ip != "" {
		fmt.Fprintf(&b, "rip=%s, lip=%s, ", ip, maillog.IP(local))
	}
	switch {
	case secure:
		b.WriteString("TLS, ")
	case maillog.IP(remote) != "" && net.ParseIP(maillog.IP(remote)).IsLoopback():
		b.WriteString("secured, ")
	}
	return b.String() + "session=<" + s.id + ">"
}

// authenticated writes a login.
func authenticated[C peer](l *storeLog, protocol string, c C, secure bool, mechanism, username string, id *mail.Identity, err error) {
	s := l.session(c, false)
	s.user, s.method = noAngles.Replace(username), saslName(mechanism)
	if err != nil {
		s.attempts++
		if !errors.Is(err, mail.ErrAuthFailed) {
			l.log.Print(dovecot, protocol, "-login: Error: login of user=<", s.user, "> failed: ", err.Error())
		}
		return
	}
	s.login = true
	if id != nil {
		s.user = id.Username
	}
	l.show(c.RemoteAddr(), s, protocol)
	l.log.Print(dovecot, protocol, "-login: Login: user=<", s.user, ">, method=", s.method, ", ", ends(c.RemoteAddr(), c.LocalAddr(), secure, s))
}

// noAngles keeps a name that a stranger chose from looking like the end of its field: what reads the log would take the
// rest for ours.
var noAngles = strings.NewReplacer("<", "?", ">", "?")

// saslName gives the protocols' own commands the name under which Dovecot logs them.
func saslName(mechanism string) string {
	if mechanism == "USER" || mechanism == "LOGIN" {
		return "PLAIN"
	}
	return mechanism
}

// ended writes the end of a connection.
func ended[C peer](l *storeLog, protocol string, c C, secure bool, cause, counters string) {
	s := l.session(c, true)
	if s.login {
		l.log.Print(dovecot, protocol, "(", s.user, ")<", s.id, ">: Disconnected: ", cause, " ", counters)
		return
	}
	why := "no auth attempts in " + strconv.Itoa(int(time.Since(s.began).Seconds())) + " secs"
	user := ""
	if s.attempts > 0 {
		why = fmt.Sprintf("auth failed, %d attempts in %d secs", s.attempts, int(time.Since(s.began).Seconds()))
		user = "user=<" + s.user + ">, method=" + s.method + ", "
	} else {
		user = "user=<>, "
	}
	l.log.Print(dovecot, protocol, "-login: Disconnected: ", cause, " (", why, "): ", user, ends(c.RemoteAddr(), c.LocalAddr(), secure, s))
}

// imapHooks are what the log wants to know of an IMAP server.
func (l *storeLog) imapHooks() imapserver.Hooks {
	return imapserver.Hooks{
		Connected: func(c *imapserver.Conn) { l.begin(c) },
		Authenticated: func(c *imapserver.Conn, mechanism, username string, err error) {
			authenticated(l, "imap", c, c.TLS() != nil, mechanism, username, c.Identity(), err)
		},
		Unauthenticated: func(c *imapserver.Conn, e *imapserver.End) {
			ended(l, "imap", c, c.TLS() != nil, "Unauthenticated", imapCounters(e))
			l.begin(c)
		},
		Disconnected: func(c *imapserver.Conn, e *imapserver.End) {
			ended(l, "imap", c, c.TLS() != nil, e.Cause.String(), imapCounters(e))
		},
	}
}

func imapCounters(e *imapserver.End) string {
	return fmt.Sprintf("in=%d out=%d deleted=0 expunged=%d trashed=0 hdr_count=0 hdr_bytes=0 body_count=%d body_bytes=%d",
		e.In, e.Out, e.Expunged, e.Bodies, e.BodyBytes)
}

// pop3Hooks are what the log wants to know of a POP3 server.
func (l *storeLog) pop3Hooks() pop3.Hooks {
	return pop3.Hooks{
		Connected: func(c *pop3.Conn) { l.begin(c) },
		Authenticated: func(c *pop3.Conn, mechanism, username string, err error) {
			authenticated(l, "pop3", c, c.TLS() != nil, mechanism, username, c.Identity(), err)
		},
		Disconnected: func(c *pop3.Conn, e *pop3.End) {
			s := e.Stats
			ended(l, "pop3", c, c.TLS() != nil, pop3Cause(e.Cause), fmt.Sprintf("top=%d/%d, retr=%d/%d, del=%d/%d, size=%d",
				s.Tops, s.TopBytes, s.Retrs, s.RetrBytes, s.Deleted, s.Messages, s.Size))
		},
	}
}

// pop2Hooks are what the log wants to know of a POP2 server: lines of POP3's form.
func (l *storeLog) pop2Hooks() pop2.Hooks {
	return pop2.Hooks{
		Connected: func(c *pop2.Conn) { l.begin(c) },
		Authenticated: func(c *pop2.Conn, username string, err error) {
			authenticated(l, "pop2", c, false, "USER", username, c.Identity(), err)
		},
		Disconnected: func(c *pop2.Conn, err error) {
			cause := "Logged out"
			if err != nil {
				cause = "Connection closed: " + err.Error()
			}
			ended(l, "pop2", c, false, cause, fmt.Sprintf("retr=%d, del=%d", c.Retrieved(), c.Deleted()))
		},
	}
}

// pop3Cause is Dovecot's word for the end of a POP3 session.
func pop3Cause(c pop3.Cause) string {
	switch c {
	case pop3.CauseQuit:
		return "Logged out"
	case pop3.CauseLost:
		return "Connection closed"
	case pop3.CauseTimeout:
		return "Inactivity"
	}
	return c.String()
}

// lmtpLog writes LMTP deliveries as Dovecot does. It implements intake.Log.
type lmtpLog struct {
	log   *maillog.Log
	count *metrics.Metrics
}

func (l *lmtpLog) hooks() smtp.Hooks {
	where := func(c *smtp.Conn) string {
		if ip := c.RemoteIP(); ip != "" {
			return ip
		}
		return "local"
	}
	return l.count.SMTP("lmtp", smtp.Hooks{
		Connected: func(c *smtp.Conn) { l.log.Print(dovecot, "lmtp: Connect from ", where(c)) },
		Rejected: func(c *smtp.Conn, r *smtp.Rejection) {
			if r.Reply.Enhanced[1] != 5 {
				l.log.Print(dovecot, "lmtp: ", r.Command, " from ", where(c), " rejected: ", r.Reply.Error(), ", to=<", r.To, ">")
			}
		},
		Disconnected: func(c *smtp.Conn, e *smtp.End) {
			l.log.Print(dovecot, "lmtp: Disconnect from ", where(c), ": ", e.Cause.String(), " (", c.CountsText(), ")")
		},
	})
}

// Received implements intake.Log.
func (l *lmtpLog) Received(_ *smtp.Conn, m *intake.Message) { l.count.Received("lmtp", m.Size) }

// Delivered implements intake.Log.
func (l *lmtpLog) Delivered(_ *smtp.Conn, m *intake.Message, e *queue.Event) {
	l.count.Event(e)
	what := "saved mail to INBOX"
	if e.Status != queue.StatusSent {
		what = "failed to store into mailbox INBOX: " + e.Reply.Error()
	}
	l.log.Print(dovecot, "lmtp(", e.Recipient, ")<", m.ID, ">: msgid=", m.MessageID, ", size=", strconv.FormatInt(m.Size, 10), ": ", what)
}

// Done implements intake.Log.
func (l *lmtpLog) Done(*smtp.Conn, *intake.Message) {}
