// Package webadmin is the administration of a mail server in the browser, as an http.Handler below /admin: users, aliases and domains, mail that waits, what became
// of messages, DNS, certificates and log-ins. Its pages have no scripts at all, and what they do are the functions of package admin and of the queue,
// which the command line has, too.
package webadmin

import (
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/admin"
	"github.com/buuta/mail/examples/fullserver/dnsplan"
	"github.com/buuta/mail/examples/fullserver/internal/web"
	"github.com/buuta/mail/examples/fullserver/internal/web/i18n"
	"github.com/buuta/mail/examples/fullserver/internal/web/session"
	"github.com/buuta/mail/examples/fullserver/logdigest"
	"github.com/buuta/mail/examples/fullserver/logins"
	"github.com/buuta/mail/examples/fullserver/webmail"
	"github.com/buuta/mail/maildir"
)

// Config says what is administered.
type Config struct {
	Admin  *admin.Site
	Queue  admin.Queue
	Auth   mail.Authenticator   // of administrators; who is one says Admin
	Second webmail.SecondFactor // nil: nobody has to give codes
	Guard  mail.AuthGuard       // slows down who guesses

	Usage    func(ctx context.Context, domain string) (map[string]maildir.Quota, error) // what accounts keep
	Throttle *mail.AuthThrottle                                                         // what Guard asks in the end; it can be told to forget
	Logins   *logins.History
	Digest   *logdigest.Digest // nil: there is no log file to read
	LogFile  string            // for traces; "" for none
	DNS      func(domains []string) (*dnsplan.Site, error)
	Resolver dnsplan.Resolver
	TLS      func() TLSState
	Disks    []string // folders whose disks are looked at
	Limits   []Limit

	BehindTLS bool // a proxy in front speaks TLS with browsers
	Log       *slog.Logger
	Now       func() time.Time
}

// Limit is a parameter that bounds something, as it is in force.
type Limit struct{ Name, Value, Help string }

// TLSState is what there is of certificates.
type TLSState struct {
	Certificates []Certificate
	STSDomains   []string
	STSMode      string
	ReportTo     []string
}

// Certificate is one that clients see, or that ACME is to get.
type Certificate struct {
	Names    []string
	From     string // file
	Issuer   string
	Ends     time.Time // zero: there is none yet
	ACME     bool
	Failure  string // of the last attempt by ACME
	FailedAt time.Time
	NextTry  time.Time
	SelfMade bool
}

// The times of sessions.
const (
	idle     = 30 * time.Minute
	absolute = 8 * time.Hour
	proof    = 5 * time.Minute // how long a password that was given is good for what can't be taken back
)

// Site is the administration. It may be used by many goroutines.
type Site struct {
	cfg       Config
	front     web.Guard
	texts     *i18n.Catalogues
	templates map[string]*template.Template // the pages by name
	assets    *web.Assets
	sessions  *session.Store
	handler   http.Handler
	slow      chan struct{} // one log is read at a time, and one zone asked for

	mu     sync.Mutex
	proved map[string]time.Time // by session: when its user has last shown who he is
}

// pageCSP lets pages do nothing but be there: no scripts, no frames, forms to this site.
const pageCSP = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// New makes the pages. Sessions are kept in memory: a restart ends them.
func New(cfg Config) (*Site, error) {
	s := &Site{cfg: cfg, front: web.Guard{CSP: pageCSP, BehindTLS: cfg.BehindTLS}, proved: map[string]time.Time{}, slow: make(chan struct{}, 2)}
	if s.cfg.Log == nil {
		s.cfg.Log = slog.New(slog.DiscardHandler)
	}
	if s.cfg.Now == nil {
		s.cfg.Now = time.Now
	}
	var err error
	if s.texts, err = i18n.Load(texts); err != nil {
		return nil, err
	}
	if s.assets, err = web.LoadAssets("/admin", webmail.Look(), static); err != nil {
		return nil, err
	}
	if s.templates, err = web.ParsePages(web.Folder(embedded, "templates")); err != nil {
		return nil, err
	}
	if s.sessions, err = session.Open(session.Options{Idle: idle, Absolute: absolute, PerUser: 5, Total: 200, Now: s.cfg.Now}); err != nil {
		return nil, err
	}
	s.handler = s.front.Handler(s.mux())
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }
