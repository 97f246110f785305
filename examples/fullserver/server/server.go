// Package server puts the house together: listeners, protocols, policy, mailboxes, queue and log, as main.cf says. It starts
// whole or not at all.
package server

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/acmecert"
	"github.com/buuta/mail/examples/fullserver/collect"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/dnsplan"
	"github.com/buuta/mail/examples/fullserver/internal/directory"
	"github.com/buuta/mail/examples/fullserver/internal/sqldb"
	"github.com/buuta/mail/examples/fullserver/local"
	"github.com/buuta/mail/examples/fullserver/logins"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/examples/fullserver/maillog"
	"github.com/buuta/mail/examples/fullserver/metrics"
	"github.com/buuta/mail/examples/fullserver/metrics/otlp"
	"github.com/buuta/mail/examples/fullserver/peername"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/buuta/mail/examples/fullserver/quota"
	"github.com/buuta/mail/examples/fullserver/seal"
	"github.com/buuta/mail/examples/fullserver/spool"
	"github.com/buuta/mail/examples/fullserver/tlscert"
	"github.com/buuta/mail/examples/fullserver/tlsreports"
	"github.com/buuta/mail/examples/fullserver/webadmin"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/maildir/compress"
	"github.com/buuta/mail/maildir/compress/zstd"
	"github.com/buuta/mail/mime/charset"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/queue"
	"github.com/buuta/mail/smtp/dnsbl"
	"github.com/buuta/mail/smtp/greylist"
	"github.com/buuta/mail/smtp/mailauth"
	"github.com/buuta/mail/smtp/milter"
	"github.com/buuta/mail/smtp/mx"
	"github.com/buuta/mail/smtp/postscreen"
	"github.com/buuta/mail/smtp/ratelimit"
	"github.com/buuta/mail/smtp/verify"
)

// Options are what a server gets from outside main.cf. The zero value is right for a program.
type Options struct {
	Stderr    io.Writer                                                         // the log without a maillog_file; nil: os.Stderr
	LogSocket string                                                            // of syslog or the journal; "": the usual ones
	Resolver  mx.Resolver                                                       // for MX look-ups; nil: the system's
	Auth      mailauth.Resolver                                                 // for SPF, DKIM, DMARC and ARC; nil: mail_auth_servers, or the system's
	Lists     dnsbl.Resolver                                                    // for block lists; nil: the system's
	DNS       dnsplan.Resolver                                                  // for the administration's page of that; nil: the system's
	Names     peername.Resolver                                                 // for clients' host names; nil: the system's
	Dial      func(ctx context.Context, network, addr string) (net.Conn, error) // to other servers; nil: a net.Dialer
	Config    func() (*config.Config, error)                                    // reads main.cf again, for Reload; nil: it stays
	Now       func() time.Time                                                  // nil: time.Now
	Socket    func(network, address string) net.Listener                        // one that is open already, nil for none; nil: there are none
	Bound     func() error                                                      // called once the ports are taken, before any file is opened; nil: nothing
}

// Server is a mail server that is ready to run.
type Server struct {
	cfg  *config.Config
	set  *config.Settings
	opts Options

	log         *maillog.Log
	databases   *sqldb.Pools           // connections for all who ask databases
	directories *directory.Directories // the same for LDAP
	users       accounts.Users
	expiries    []expiry
	guard       *mail.AuthThrottle     // one for all, so that whoever guesses at one service is slow at the others
	logins      *logins.History        // stands before it; nil: nobody is to see them
	webadmin    *webadmin.Site         // nil: there is none
	fetch       *collect.Collector     // nil: nobody has mail fetched from elsewhere
	totpKeys    *accounts.TOTPKeys     // that users have made themselves; nil without auth_totp
	second      *accounts.SecondFactor // of pages in the browser; nil: nobody has one
	certs       *tlscert.Source        // nil without TLS
	storePool   *x509.CertPool         // of authorities that vouch for clients of IMAP and POP3; nil: nobody is asked
	tlsReporter *tlsreports.Reporter   // nil: nobody gets TLS reports
	gateway     *seal.Gateway          // signs and encrypts; nil: nothing
	stsPolicy   *mx.STSPolicy          // that is served; nil: none
	acme        *acmecert.Manager      // nil: no certificates are got
	sni         *lookup.List           // tls_server_sni_maps
	reloaded    chan struct{}
	store       *maildir.Store
	quotas      *quota.Rules
	asksRoom    bool                         // somebody has a quota: recipients are asked about before mail for them is taken
	anvil       *ratelimit.Counters          // of what SMTP clients do
	caches      map[string]*postscreen.Cache // of clients that passed, by file
	greylist    *greylist.List               // nil: nobody has asked for it
	policy      *policy.Policy
	check       *mailcheck.Checker // nil: mail from outside isn't checked
	keys        *mailcheck.Keys    // nil: nothing is signed

	reporter *mailcheck.Reporter // nil: nobody gets DMARC's reports
	spooler  *spool.Spooler
	local    *local.Deliverer
	agent    *local.Agent

	content atomic.Pointer[contentChecks]

	out      *outlet // to other servers
	lmtp     *mx.Transport
	probers  map[string]prober // of transports that can ask about addresses
	verifier *verify.Verifier
	queue    *queue.Queue
	words    atomic.Pointer[words] // of reports

	counters *metrics.Metrics // nil without metrics_listen and otlp_endpoint
	exporter *otlp.Exporter   // nil without otlp_endpoint
	sessions []*storeLog      // of all servers that users log in to
	serving  atomic.Bool      // from the first connection that may come to the request to stop
	halt     chan struct{}    // closed: Serve ends as by a signal
	filters  []*milter.Filter // smtpd_milters of main.cf
	doors    []*door          // services of master.cf
	services []*service
	servers  []stopper
	failed   chan error
	closers  []func()
	renewed  []*renewed
	screens  []*screening
	reading  sync.Mutex // main.cf is read by one at a time
}

// Open gets everything ready that c asks for: it takes the ports, then opens files and folders. An error leaves nothing
// open. It is a *config.Error where a parameter is to blame.
func Open(c *config.Config, o Options) (s *Server, err error) {
	s = newServer(c, o)
	defer func() {
		if err != nil {
			s.closeAll()
			s = nil
		}
	}()
	for _, step := range []func() error{s.checkSettings, s.listen, s.bound, s.openLog, s.openMetrics, s.openUsers, s.openChecks, s.openTLS, s.openMailAuth, s.openStore, s.openQuota, s.openQueue, s.openControl, s.build} {
		if err := step(); err != nil {
			return s, err
		}
	}
	return s, nil
}

// newServer is a server that has taken nothing yet but memory.
func newServer(c *config.Config, o Options) *Server {
	s := &Server{cfg: c, set: &c.Settings, opts: o, failed: make(chan error, 1), halt: make(chan struct{}), reloaded: make(chan struct{}, 1), databases: new(sqldb.Pools), directories: new(directory.Directories), anvil: &ratelimit.Counters{Window: c.Settings.Front.RateUnit}}
	s.onClose(func() { _ = errors.Join(s.databases.Close(), s.directories.Close()) })
	return s
}

// onClose registers what undoes a step. The last comes first.
func (s *Server) onClose(f func()) { s.closers = append(s.closers, f) }

func (s *Server) closeAll() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
	s.closers = nil
}

// checkSettings finds what a parameter alone doesn't show.
func (s *Server) checkSettings() error {
	if _, err := locationOf(s.cfg); err != nil {
		return s.cfg.ErrorFor("mail_location", err)
	}
	if s.set.MinimalBackoffTime > s.set.MaximalBackoffTime {
		return s.cfg.ErrorFor("minimal_backoff_time", errors.New("is greater than maximal_backoff_time"))
	}
	if err := pop3.CheckUIDLFormat(s.set.POP3UIDLFormat); err != nil {
		return s.cfg.ErrorFor("pop3_uidl_format", err)
	}
	if s.set.ZlibSave == "gz" && s.set.ZlibSaveLevel > 9 {
		return s.cfg.ErrorFor("zlib_save_level", errors.New("is 9 at most for gz"))
	}
	if s.set.RelayHost != "" {
		if err := checkNexthop(s.set.RelayHost); err != nil {
			return s.cfg.ErrorFor("relayhost", err)
		}
	}
	var err error
	if s.filters, err = s.milters(s.set); err != nil {
		return s.cfg.ErrorFor("smtpd_milters", err)
	}
	return checkProtocols(s.cfg)
}

func (s *Server) openLog() error {
	if s.set.MaillogFile != "" {
		if err := os.MkdirAll(filepath.Dir(s.set.MaillogFile), 0o755); err != nil {
			return s.cfg.ErrorFor("maillog_file", err)
		}
	}
	o := maillog.Options{Name: s.set.SyslogName, Host: s.set.MyHostname, Now: s.opts.Now, Stderr: s.opts.Stderr, NoFile: !slices.Contains(s.set.Log.Targets, "file"),
		Rotation: maillog.Rotation{Size: s.set.Log.RotateSize, Keep: int(s.set.Log.RotateKeep), Gzip: s.set.Log.Compressor == "gzip"}}
	for name, target := range map[string]func(path, facility string) (maillog.Target, error){"syslog": maillog.Syslog, "journal": maillog.Journal} {
		if !slices.Contains(s.set.Log.Targets, name) {
			continue
		}
		t, err := target(s.opts.LogSocket, s.set.Log.Facility)
		if err != nil {
			return s.cfg.ErrorFor("syslog_facility", err)
		}
		o.Targets = append(o.Targets, t)
	}
	if o.NoFile && len(o.Targets) == 0 {
		return s.cfg.ErrorFor("log_targets", errors.New("is empty: the log must go somewhere; file, syslog or journal"))
	}
	l, err := maillog.Open(s.set.MaillogFile, o)
	if err != nil {
		return s.cfg.ErrorFor("maillog_file", err)
	}
	s.log = l
	s.onClose(func() { _ = l.Close() })
	return nil
}

// openStderr has what is to be logged go to standard error.
func (s *Server) openStderr() (err error) {
	s.log, err = maillog.Open("", maillog.Options{Name: s.set.SyslogName, Host: s.set.MyHostname, Now: s.opts.Now, Stderr: s.opts.Stderr})
	if err == nil {
		s.onClose(func() { _ = s.log.Close() })
	}
	return err
}

func (s *Server) openUsers() error {
	if err := s.openAccounts(); err != nil {
		return err
	}
	s.guard = &mail.AuthThrottle{}
	p, err := policy.Open(context.Background(), s.set, s.policyOptions(s.cfg))
	if param, ok := errors.AsType[*policy.ParamError](err); ok {
		return s.cfg.ErrorFor(param.Param, param.Err)
	}
	if err != nil {
		return err
	}
	for _, n := range p.Notes() {
		s.log.Print("postfix/smtpd", "warning: ", n)
	}
	s.onClose(func() { _ = p.Now().Close() })
	s.policy = p
	return nil
}

func (s *Server) warnOfTable(err error) { s.log.Print("postfix/smtpd", "warning: ", err.Error()) }

func (s *Server) openStore() error {
	var err error
	if s.expiries, err = parseAutoexpunge(s.set.Autoexpunge); err != nil {
		return s.cfg.ErrorFor("autoexpunge", err)
	}
	loc, err := locationOf(s.cfg)
	if err != nil {
		return s.cfg.ErrorFor("mail_location", err)
	}
	if err := s.makeDir("data_directory", s.set.DataDirectory); err != nil {
		return err
	}
	s.store = &maildir.Store{
		PathFunc: func(account string) (string, error) { return loc.path(s.users, account) }, Layout: loc.layout, UTF8: loc.utf8,
		Host: s.set.MyHostname, Now: s.opts.Now, Logger: s.log.Logger(dovecot+" maildir:", slog.LevelWarn),
		Sharing:       &maildir.Sharing{Dict: filepath.Join(s.set.DataDirectory, "shared-mailboxes")}, // beside acl_shared_dict's usual place
		CharsetReader: charset.NewReader, NoTextCache: !s.set.MailTextCache, TextAhead: s.set.MailTextAhead, Codecs: []compress.Codec{zstd.Codec(0)},
	}
	s.onClose(func() { _ = s.store.Close() })
	switch level := int(s.set.ZlibSaveLevel); s.set.ZlibSave {
	case "gz":
		s.store.Compress = compress.Gzip(level)
	case "zstd":
		s.store.Compress = zstd.Codec(level)
	}
	s.spooler = &spool.Spooler{Dir: s.set.DataDirectory}
	s.local = &local.Deliverer{
		Store: s.store.Filing(), Resolve: func(to string) (policy.Target, error) { return s.policy.Now().Resolve(to) }, Junk: s.set.JunkMailbox, FullLater: s.set.QuotaFullTempfail, Spooler: s.spooler, Logger: s.log.Logger("postfix/virtual", slog.LevelWarn),
	}
	return nil
}

// makeDir makes a folder that a parameter names. What it will hold is nobody else's business; a socket that others are to reach
// needs a folder of its own.
func (s *Server) makeDir(param, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return s.cfg.ErrorFor(param, err)
	}
	return nil
}
