package server

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/intake"
	"github.com/buuta/mail/examples/fullserver/peername"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/buuta/mail/examples/fullserver/tlspolicy"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/mime/charset"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop2"
	"github.com/buuta/mail/smtp"
)

// build makes the protocols' servers and gives each listener its own.
func (s *Server) build() error {
	if err := s.openLogins(); err != nil {
		return err
	}
	for _, n := range s.cfg.MasterNotes() {
		s.log.Print("postfix/master", "warning: ", n.Error())
	}
	d, sd := s.main(intake.MTA, "smtpd"), s.main(intake.Submission, "submission/smtpd")
	for _, err := range []error{s.override(d), s.override(sd)} {
		if err != nil {
			return err
		}
	}
	pool, err := s.poolOf(s.cfg)
	if err != nil {
		return err
	}
	d.pool, sd.pool = pool, pool
	mta, submission := s.smtpServer(d), s.smtpServer(sd)
	for _, err := range []error{s.guardDoor(d, mta), s.guardDoor(sd, submission)} {
		if err != nil {
			return err
		}
	}
	front, users := s.renewable(d, mta), s.renewable(sd, submission)
	lmtp := s.lmtpServer()
	imap, err := s.imapServer("imap_capability", s.set.IMAPCapability)
	if err != nil {
		return err
	}
	imaps, err := s.imapServer("imaps_capability", s.set.IMAPSCapability)
	if err != nil {
		return err
	}
	pop := s.pop3Server()
	old := s.pop2Server(pop)
	logins, err := s.authServer()
	if err != nil {
		return err
	}
	web := &http.Server{Handler: s.pages(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Logger("fullserver/http", slog.LevelWarn).Handler(), slog.LevelDebug), TLSConfig: s.webTLS()}
	if err := s.openWebadmin(); err != nil {
		return err
	}
	pages, err := s.webmail(imap, users)
	if err != nil {
		return err
	}
	administration := s.webServer(s.webadmin)
	for _, v := range s.services {
		if v.svc != nil {
			if err := s.buildMaster(v); err != nil {
				return err
			}
			continue
		}
		switch v.param {
		case "smtp_listen":
			v.serve = front.Serve
			if d.set.Postscreen.Enable {
				if v.serve, err = s.screened(d, front.Serve); err != nil {
					return err
				}
			}
		case "submission_listen":
			v.serve = users.Serve
		case "submissions_listen":
			v.serve = users.ServeTLS
		case "lmtp_listen":
			v.serve = lmtp.Serve
		case "imap_listen":
			v.serve = imap.Serve
		case "imaps_listen":
			v.serve = imaps.ServeTLS
		case "pop3_listen":
			v.serve = pop.Serve
		case "pop3s_listen":
			v.serve = pop.ServeTLS
		case "pop2_listen":
			v.serve = old.Serve
		case "auth_listen":
			v.serve = logins.Serve
		case "auth_userdb_listen":
			v.serve = logins.ServeUsers
		case "http_listen":
			v.serve = web.Serve
		case "https_listen":
			v.serve = func(l net.Listener) error { return web.ServeTLS(l, "", "") }
		case "metrics_listen":
			v.serve = s.metricsServer().Serve
		case "webmail_listen":
			v.serve = pages.Serve
		case "webmails_listen":
			v.serve = func(l net.Listener) error { return pages.ServeTLS(l, "", "") }
		case "webadmin_listen":
			v.serve = administration.Serve
		case "webadmins_listen":
			v.serve = func(l net.Listener) error { return administration.ServeTLS(l, "", "") }
		}
		if s.certs == nil && strings.HasSuffix(v.param, "s_listen") {
			return s.cfg.ErrorFor(v.param, errNoCertificate)
		}
	}
	s.servers = append(s.servers, logins, lmtp, imap, imaps, pop, old, web, administration)
	if pages != nil {
		s.servers = append([]stopper{pages}, s.servers...)
	}
	return nil
}

// smtpTLS is tlsConfig with the versions that smtpd_tls_protocols or smtpd_tls_mandatory_protocols leaves.
func (s *Server) smtpTLS(d *door) *tls.Config {
	if d.certs == nil {
		return nil
	}
	c := d.certs.Config()
	r := &d.set.Receiving
	list := r.TLSProtocols
	if d.mustTLS() {
		list = r.TLSMandatory
	}
	if d.pool != nil {
		c.ClientAuth, c.ClientCAs = tls.RequestClientCert, d.pool
		if d.mustShow() {
			c.ClientAuth = tls.RequireAndVerifyClientCert
		}
	}
	c.MinVersion, c.MaxVersion, _ = tlspolicy.Versions(list) // checkProtocols has looked
	return c
}

// checkProtocols finds lists that leave no version of TLS.
func checkProtocols(c *config.Config) error {
	r := &c.Settings.Receiving
	for _, p := range []struct {
		name string
		list []string
	}{{"smtpd_tls_protocols", r.TLSProtocols}, {"smtpd_tls_mandatory_protocols", r.TLSMandatory}} {
		if _, _, err := tlspolicy.Versions(p.list); err != nil {
			return c.ErrorFor(p.name, err)
		}
	}
	return nil
}

// mechanisms are the SASL mechanisms offered, in upper case.
func (s *Server) mechanisms() []string {
	out := make([]string, 0, len(s.set.AuthMechanisms))
	for _, m := range s.set.AuthMechanisms {
		m = strings.ToUpper(m)
		out = append(out, m)
		if strings.HasPrefix(m, "SCRAM-") {
			out = append(out, m+"-PLUS")
		}
	}
	return out
}

// unlimited makes main.cf's 0, which stands for no limit, what the servers have for that.
func unlimited[T int | int64](n int64) T {
	if n == 0 {
		return -1
	}
	return T(n)
}

// smtpServer makes the server of a door.
func (s *Server) smtpServer(d *door) *smtp.Server {
	log := &smtpLog{log: s.log, count: s.counters, program: d.program, proxy: d.set.Filters.Proxy, level: int(d.set.ClientCerts.LogLevel), digest: d.set.ClientCerts.Digest, sni: s.sniOf(d)}
	if d.set.SMTPDPeernameLookup {
		log.names = &peername.Lookup{Resolver: s.opts.Names}
	}
	srv := &smtp.Server{
		Hostname: d.set.MyHostname, Greeting: d.set.SMTPDBanner, TLSConfig: s.smtpTLS(d),
		Backend:       s.backend(d, log),
		Authenticator: s.senders(d.set), Mechanisms: s.mechanisms(), Guard: s.admission(),
		AllowPlaintext: func(c *smtp.Conn) bool {
			return !d.set.Receiving.AuthAfterTLS && (!d.set.DisablePlaintextAuth || policy.FromThisMachine(d.peer(c), c.LocalAddr()))
		},
		BareLines: bareLines(d.set.Receiving.BareNewline), AllowNoHello: !d.set.Receiving.HeloRequired, AngleBrackets: d.set.Receiving.StrictEnvelopes,
		Limits: smtp.Limits{
			MessageSize: unlimited[int64](d.set.MessageSizeLimit), Recipients: int(d.set.RecipientLimit),
			Connections: d.limit,
		},
		Timeouts: smtp.Timeouts{Command: d.set.SMTPDTimeout, Data: d.set.SMTPDTimeout},
		Hooks:    log.hooks(), Logger: s.log.Logger(d.program, slog.LevelWarn), Now: s.opts.Now,
	}
	if d.kind == intake.Submission {
		srv.RequireAuth, srv.Service = true, "submission"
		return srv
	}
	if !d.set.Receiving.SASLAuth {
		srv.Authenticator = nil
	}
	switch d.set.Receiving.TLSLevel {
	case "none":
		srv.TLSConfig = nil
	case "encrypt":
		srv.RequireSecure = true
	}
	if d.set.Receiving.TLSFirst {
		srv.TLSConfig, srv.RequireSecure = s.smtpTLS(d), false
	}
	return srv
}

// bareLines is smtpd_forbid_bare_newline.
func bareLines(s string) smtp.BareLines {
	if s == "reject" {
		return smtp.RejectBare
	}
	return smtp.NormalizeBare
}

// lmtpServer makes the server of lmtp_listen.
func (s *Server) lmtpServer() *smtp.Server {
	log := &lmtpLog{log: s.log, count: s.counters}
	return &smtp.Server{
		LMTP: true, Hostname: s.set.MyHostname, Backend: s.backend(s.main(intake.LMTP, "lmtp"), log), TLSConfig: s.tlsConfig(),
		BareLines: smtp.NormalizeBare,
		Limits: smtp.Limits{
			MessageSize: unlimited[int64](s.set.MessageSizeLimit), Recipients: int(s.set.RecipientLimit), Connections: int(s.set.ProcessLimit),
			ConnectionsPerAddr: -1, HardErrors: int(s.set.Front.HardErrors),
		},
		Timeouts: smtp.Timeouts{Command: s.set.SMTPDTimeout, Data: s.set.SMTPDTimeout},
		Hooks:    log.hooks(), Logger: s.log.Logger(dovecot+" lmtp:", slog.LevelWarn), Now: s.opts.Now,
	}
}

// maxExpanded is how many those whom a message names may stand for in all.
const maxExpanded = 20_000

func (s *Server) backend(d *door, log intake.Log) smtp.Backend {
	b := &intake.Backend{
		Milters: d.filters, MilterDaemon: d.set.Milters.DaemonName, MilterVersion: d.set.Milters.Version,
		Kind: d.kind, Policy: d.policy, Local: s.local, Queue: s.queue, Log: log, Spooler: s.spooler, Hostname: s.set.MyHostname,
		Hops: int(d.set.HopcountLimit), Now: s.opts.Now, Check: s.check, Keys: s.keys,
		Checks: s.checksIn, AlwaysBCC: s.set.Addresses.AlwaysBCC, Expanded: maxExpanded, NoVerify: d.set.Receiving.DisableVrfy, Digest: d.set.ClientCerts.Digest, RequireTLS: d.set.Receiving.RequireTLS,
		Note: func(id, text string) { s.log.Print("postfix/cleanup", id, ": ", text) },
	}
	s.filter(d, b)
	if s.asksRoom {
		b.Room = s.room
	}
	d.backend = b
	if d.set.Notices.SoftBounce {
		return softened{b}
	}
	return b
}

// imapServer makes the server of imap_listen or imaps_listen. param says what its capabilities are.
func (s *Server) imapServer(param string, capabilities []string) (*imapserver.Server, error) {
	without, err := changeCapabilities(nil, capabilities)
	if err != nil {
		return nil, s.cfg.ErrorFor(param, err)
	}
	log := s.newStoreLog()
	return &imapserver.Server{
		Without: without, WithoutFor: func(id *mail.Identity) []imap.Capability { return s.withoutFor(without, id) },
		Store: s.store, Hostname: s.set.MyHostname, TLSConfig: s.storeTLS(),
		Authenticator: s.authenticator(), Mechanisms: s.mechanisms(), Guard: s.admission(),
		AllowPlaintext: func(c *imapserver.Conn) bool { return !s.set.DisablePlaintextAuth || c.FromThisMachine() },
		Limits: imapserver.Limits{
			Connections: int(s.set.ProcessLimit), MessageSize: unlimited[int64](s.set.MessageSizeLimit), BadCommands: int(s.set.Front.HardErrors),
		},
		CharsetReader: charset.NewReader,
		Hooks:         s.counters.IMAP(log.imapHooks()), Logger: s.log.Logger(dovecot+" imap:", slog.LevelWarn), Now: s.opts.Now,
	}, nil
}

func (s *Server) pop3Server() *pop3.Server {
	log := s.newStoreLog()
	mechanisms := s.mechanisms()
	if slices.Contains(mechanisms, "PLAIN") || slices.Contains(mechanisms, "LOGIN") {
		mechanisms = append(mechanisms, "USER")
	}
	return &pop3.Server{
		Store: s.store, Hostname: s.set.MyHostname, Implementation: "fullserver", TLSConfig: s.storeTLS(),
		Authenticator: s.authenticator(), Mechanisms: mechanisms, Guard: s.admission(),
		AllowPlaintext: func(c *pop3.Conn) bool { return !s.set.DisablePlaintextAuth || c.FromThisMachine() }, UIDLFormat: s.set.POP3UIDLFormat,
		Limits: pop3.Limits{Connections: int(s.set.ProcessLimit)},
		Hooks:  s.counters.POP3(log.pop3Hooks()), Logger: s.log.Logger(dovecot+" pop3:", slog.LevelWarn),
	}
}

// pop2Server makes the server of pop2_listen. It has a maildrop only while the POP3 server hasn't.
func (s *Server) pop2Server(locker pop3.Locker) *pop2.Server {
	log := s.newStoreLog()
	return &pop2.Server{
		Store: s.store, Hostname: s.set.MyHostname, Locker: locker, Service: "pop2",
		Authenticator: s.authenticator(), Guard: s.admission(),
		AllowPlaintext: func(c *pop2.Conn) bool { return !s.set.DisablePlaintextAuth || c.FromThisMachine() },
		Limits:         pop2.Limits{Connections: int(s.set.ProcessLimit)},
		Hooks:          log.pop2Hooks(), Logger: s.log.Logger(dovecot+" pop2:", slog.LevelWarn),
	}
}
