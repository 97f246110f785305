package server

import (
	"crypto/tls"
	"fmt"
	"strings"
	"sync"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/clientcert"
	"github.com/buuta/mail/examples/fullserver/intake"
	"github.com/buuta/mail/examples/fullserver/maillog"
	"github.com/buuta/mail/examples/fullserver/metrics"
	"github.com/buuta/mail/examples/fullserver/peername"
	"github.com/buuta/mail/examples/fullserver/tlscert"
	"github.com/buuta/mail/queue"
	"github.com/buuta/mail/smtp"
)

// smtpLog writes what happens on SMTP connections as Postfix's smtpd does. It implements intake.Log too.
type smtpLog struct {
	log     *maillog.Log
	program string // "postfix/smtpd", "postfix/submission/smtpd"
	proxy   string // smtpd_proxy_filter
	count   *metrics.Metrics
	names   *peername.Lookup // nil: clients have none but what XCLIENT says
	level   int              // smtpd_tls_loglevel
	digest  string           // smtpd_tls_fingerprint_digest
	sni     *tlscert.Source  // of tls_server_sni_maps; nil: there are none

	mechanisms sync.Map // *smtp.Conn to the SASL mechanism that it used
	milters    sync.Map // *smtp.Conn to what a milter has refused with last
	proxies    sync.Map // and a content filter in front of the queue
}

// hooks are what the log wants to know of a server.
func (l *smtpLog) hooks() smtp.Hooks {
	return l.count.SMTP(l.service(), smtp.Hooks{Connected: l.connected, Secured: l.secured, Authenticated: l.authenticated, Rejected: l.rejected, Disconnected: l.disconnected})
}

// service is what the counters call it: "smtpd", "submission/smtpd".
func (l *smtpLog) service() string {
	_, name, _ := strings.Cut(l.program, "/")
	return name
}

// client writes a connection's peer: "localhost[127.0.0.1]".
func client(c *smtp.Conn) string { return maillog.Client(c.ClientName(), c.RemoteAddr()) }

// connected finds out the client's name, which log lines and Received fields carry, and so comes before the greeting.
func (l *smtpLog) connected(c *smtp.Conn) {
	if l.names != nil {
		c.SetClientName(l.names.Name(c.Context(), c.RemoteAddr()))
	}
	l.log.Print(l.program, "connect from ", client(c))
}

func (l *smtpLog) secured(c *smtp.Conn, state *tls.ConnectionState, err error) {
	if err != nil {
		l.log.Print(l.program, "SSL_accept error from ", client(c), ": ", err.Error())
		return
	}
	name := ""
	if l.sni != nil && state.ServerName != "" {
		if name = state.ServerName; !l.sni.Knows(c.Context(), name) {
			l.log.Print(l.program, "TLS SNI ", name, " from ", client(c), " not matched, using default chain")
			name = ""
		}
	}
	if l.level > 0 {
		l.log.Print(l.program, clientcert.Summary(state, client(c), name))
	}
	if l.level > 1 && len(state.PeerCertificates) > 0 {
		leaf := state.PeerCertificates[0]
		cert, key := clientcert.Fingerprints(leaf, l.digest)
		l.log.Print(l.program, client(c), ": subject_CN=", leaf.Subject.CommonName, ", issuer=", leaf.Issuer.CommonName, ", fingerprint=", cert, ", pkey_fingerprint=", key)
	}
}

func (l *smtpLog) authenticated(c *smtp.Conn, mechanism, username string, err error) {
	if err == nil {
		l.mechanisms.Store(c, mechanism)
	} else {
		l.log.Print(l.program, "warning: ", client(c), ": SASL ", mechanism, " authentication failed: ", authReason(err), ", sasl_username=", username)
	}
}

// rejected writes refusals of policy. Mistakes in the protocol (class 5 of RFC 3463) are only counted, as in Postfix.
func (l *smtpLog) rejected(c *smtp.Conn, r *smtp.Rejection) {
	if r.Limited || r.Reply.Enhanced[1] == 5 || r.Command == "AUTH" || r.Command == "STARTTLS" {
		return
	}
	if said, ok := l.proxies.Load(c); ok && said.(*mail.Reply) == r.Reply {
		return // the filter's own lines say it
	}
	what := "reject"
	if said, ok := l.milters.Load(c); ok && said.(*mail.Reply).Text == r.Reply.Text {
		if what = "milter-reject"; r.Command == "END-OF-MESSAGE" {
			return // the line with the message's id says it
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "NOQUEUE: %s: %s from %s: %s;", what, r.Command, client(c), r.Reply.String())
	if r.HasFrom {
		fmt.Fprintf(&b, " from=<%s>", r.From)
	}
	if r.To != "" {
		fmt.Fprintf(&b, " to=<%s>", r.To)
	}
	b.WriteString(" proto=" + c.ProtocolFamily())
	if h := c.Hello(); h != "" {
		fmt.Fprintf(&b, " helo=<%s>", h)
	}
	l.log.Print(l.program, b.String())
	if r.Reply.Err != nil {
		l.log.Print(l.program, "warning: ", r.Command, " from ", client(c), ": ", r.Reply.Err.Error())
	}
}

// MilterRefused implements intake.MilterLog.
func (l *smtpLog) MilterRefused(c *smtp.Conn, r *mail.Reply) { l.milters.Store(c, r) }

func (l *smtpLog) disconnected(c *smtp.Conn, end *smtp.End) {
	after := end.After
	if after == "DATA" || after == "BDAT" {
		after = fmt.Sprintf("%s (%d bytes)", after, end.Bytes)
	}
	switch end.Cause {
	case smtp.CauseLost, smtp.CauseTimeout, smtp.CauseErrors, smtp.CauseSync:
		l.log.Print(l.program, end.Cause.String(), " after ", after, " from ", client(c))
	}
	l.log.Print(l.program, "disconnect from ", client(c), " ", c.CountsText())
	l.mechanisms.Delete(c)
	l.milters.Delete(c)
	l.proxies.Delete(c)
}

// sasl is what the log says of a client that has logged in.
func (l *smtpLog) sasl(c *smtp.Conn) string {
	id := c.Identity()
	if id == nil {
		return ""
	}
	mechanism, _ := l.mechanisms.Load(c)
	return fmt.Sprintf(", sasl_method=%v, sasl_username=%s", mechanism, id.Username)
}

// Received implements intake.Log.
func (l *smtpLog) Received(c *smtp.Conn, m *intake.Message) {
	l.log.Print(l.program, m.ID, ": client=", client(c), l.sasl(c))
	l.count.Received(l.service(), m.Size)
	id := m.MessageID
	if id == "" {
		id = "<>"
	}
	l.log.Print("postfix/cleanup", m.ID, ": message-id=", id)
	if !m.Queued {
		e := queue.Event{Kind: queue.EventActive, ID: m.ID, From: m.From, Size: m.Size, Recipients: m.Recipients}
		l.log.Print("postfix/qmgr", e.Line())
	}
}

// Delivered implements intake.Log.
func (l *smtpLog) Delivered(_ *smtp.Conn, _ *intake.Message, e *queue.Event) {
	l.count.Event(e)
	l.log.Print("postfix/"+e.Transport, e.Line())
}

// Done implements intake.Log. The queue says its part itself.
func (l *smtpLog) Done(_ *smtp.Conn, m *intake.Message) {
	if !m.Queued {
		l.log.Print("postfix/qmgr", m.ID, ": removed")
	}
}
