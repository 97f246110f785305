package server

import (
	"errors"
	"net"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/intake"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/proxyfilter"
)

var _ intake.ProxyLog = (*smtpLog)(nil)

// ProxyBegun implements intake.ProxyLog. The lines are those of Postfix's smtpd.
func (l *smtpLog) ProxyBegun(c *smtp.Conn) {
	l.log.Print(l.program, "NOQUEUE: client=", client(c), l.sasl(c))
}

// ProxyRefused implements intake.ProxyLog.
func (l *smtpLog) ProxyRefused(c *smtp.Conn, command, reply string, r *mail.Reply) {
	l.proxies.Store(c, r)
	l.log.Print(l.program, "warning: proxy ", l.proxy, " rejected \"", command, "\": \"", reply, "\"")
}

// ProxyFailed implements intake.ProxyLog.
func (l *smtpLog) ProxyFailed(c *smtp.Conn, e *proxyfilter.Error, r *mail.Reply) {
	l.proxies.Store(c, r)
	what := "lost connection with proxy " + l.proxy + ": "
	if ne, ok := errors.AsType[*net.OpError](e.Err); ok && ne.Op == "dial" {
		what = "connect to proxy filter " + l.proxy + ": "
	} else if ne, ok := errors.AsType[net.Error](e.Err); ok && ne.Timeout() {
		what = "timeout talking to proxy " + l.proxy + ": "
	}
	l.log.Print(l.program, "warning: ", what, e.Err.Error())
}

// ProxyDone implements intake.ProxyLog.
func (l *smtpLog) ProxyDone(c *smtp.Conn, from, to string, r *mail.Reply) {
	what := "accept"
	if !r.OK() {
		what = "reject"
		l.proxies.Store(c, r)
	}
	l.log.Print(l.program, "proxy-", what, ": END-OF-MESSAGE: ", r.String(), "; from=<", from, "> to=<", to, "> proto=", c.ProtocolFamily(), " helo=<", c.Hello(), ">")
}
