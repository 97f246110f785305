// Package webmail is a mail reader in the browser, as an http.Handler, on any IMAP and submission server.
//
//	site, err := webmail.New(webmail.Config{IMAP: "imap.example.org:993", SMTP: "smtp.example.org:587"})
//	…
//	defer site.Close()
//	http.ListenAndServe("127.0.0.1:8080", site)
//
// Its pages are complete without JavaScript. Mail is shown in a frame that can't run scripts and loads nothing from elsewhere; passwords
// are kept sealed with a key that only the browser's cookie has. Over plain HTTP it serves this machine only: elsewhere it
// must be behind TLS.
package webmail

import (
	"crypto/x509"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/internal/outward"
	"github.com/buuta/mail/examples/fullserver/internal/web"
	"github.com/buuta/mail/examples/fullserver/internal/web/i18n"
	"github.com/buuta/mail/examples/fullserver/internal/web/session"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/pictures"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/prefs"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/smtp"
)

// Config says which servers are used and where things are kept.
type Config struct {
	IMAP        string             // "host:port"; see [imapclient.Dial]
	IMAPOptions imapclient.Options // how to connect; Auth is each user's own
	SMTP        string             // where messages are submitted, "host:port"; "" makes sending impossible
	SMTPOptions smtp.ClientOptions // how to connect; Auth is each user's own

	// AuthservID is the name under which the mail server writes Authentication-Results (RFC 8601), with those of others that bear it
	// removed. What they say of the sender is shown; "": nothing is.
	AuthservID string

	// Directory, if not nil, is the address book of the users' organisation.
	Directory Directory

	Domain string // of users who sign in without one: the address that they write from

	Sessions string // the file that sessions are kept in; "": in memory, and a restart ends them
	Settings string // the folder for settings and contacts where the IMAP server has no METADATA; "": in memory

	// BehindTLS says that a proxy in front speaks TLS with browsers. Without it plain HTTP is answered on loopback only.
	BehindTLS bool

	// Guard slows down those who guess passwords, by the addresses of browsers; nil: one of the site's own. The IMAP server sees none of
	// these addresses: its guard must not count what comes from here.
	Guard mail.AuthGuard
	// SecondFactor, if not nil, is asked whether a user whose password was right has to give a code, too.
	SecondFactor SecondFactor
	// Security, if not nil, has users set up a second factor and make app passwords.
	Security Security

	// Fetching, if not nil, has mail fetched from users' POP3 accounts elsewhere.
	Fetching Fetching

	// SMIMERoots are the authorities whose certificates for mail are trusted; nil: the system's.
	SMIMERoots *x509.CertPool

	// Outward asks web servers elsewhere: those of lists that are left. nil: a client that reaches none of this network's.
	Outward *http.Client

	// DirectImages has browsers load the pictures of web servers elsewhere themselves, once their users want to see them: the senders of mail then learn where it is read.
	// Without it they are fetched here.
	DirectImages bool
	// Pictures connects with the web servers that pictures are fetched from; nil: with those at public addresses, and none of this network's.
	Pictures http.RoundTripper

	Log    *slog.Logger // failures of servers, log-ins; nil: nowhere
	Now    func() time.Time
	Limits Limits
}

// Limits bound what users can spend. 0 means the default.
type Limits struct {
	Connections int           // IMAP connections of a user; 0: 4
	Idle        time.Duration // after which a user's connections are closed; 0: 5 min
	Upload      int64         // octets of a message's attachments; 0: 25 MiB
	Text        int64         // octets of a text that is shown; 0: 2 MiB
	Request     time.Duration // for a page; 0: 1 min
	SessionIdle time.Duration // 0: 8 h
	SessionLife time.Duration // 0: 14 days
	Autosave    time.Duration // after the last key, until a draft saves itself; 0: 3 s
	UndoSend    time.Duration // how long a message can be taken back, unless its user has chosen; 0: 10 s, below 0: not at all
	Streams     int           // pages of a user that are told of new mail; 0: 8

	// Conversation is how many messages a user's folders may have, together, for a message to be shown with its conversation at once. Where there are
	// more it is shown first, and its conversation when it has been found. 0: 5,000
	Conversation int
}

func (l Limits) withDefaults() Limits {
	if l.Idle == 0 {
		l.Idle = 5 * time.Minute
	}
	if l.Upload == 0 {
		l.Upload = 25 << 20
	}
	if l.Text == 0 {
		l.Text = 2 << 20
	}
	if l.Request == 0 {
		l.Request = time.Minute
	}
	if l.Autosave == 0 {
		l.Autosave = 3 * time.Second
	}
	if l.UndoSend == 0 {
		l.UndoSend = 10 * time.Second
	}
	if l.Streams == 0 {
		l.Streams = 8
	}
	if l.Conversation == 0 {
		l.Conversation = 5000
	}
	return l
}

// Site is the webmail. It may be used by many goroutines.
type Site struct {
	cfg       Config
	limits    Limits
	texts     *i18n.Catalogues
	templates map[string]*template.Template // the pages by name
	assets    *web.Assets
	sessions  *session.Store
	local     prefs.Local
	accounts  accounts
	outbox    outbox
	pictures  *pictures.Fetcher // nil: browsers fetch them
	handler   http.Handler
}

// New makes a webmail. The error is about the file of sessions.
func New(cfg Config) (*Site, error) {
	s := &Site{cfg: cfg, limits: cfg.Limits.withDefaults(), local: prefs.Local{Dir: cfg.Settings}}
	if s.cfg.Log == nil {
		s.cfg.Log = slog.New(slog.DiscardHandler)
	}
	if s.cfg.Now == nil {
		s.cfg.Now = time.Now
	}
	if s.cfg.Outward == nil {
		s.cfg.Outward = outward.Client(20 * time.Second)
	}
	if s.cfg.Guard == nil {
		s.cfg.Guard = &mail.AuthThrottle{}
	}
	if !cfg.DirectImages {
		s.pictures = pictures.New(cfg.Pictures, magic, s.cfg.Now)
	}
	var err error
	if s.texts, err = i18n.Load(texts); err != nil {
		return nil, err
	}
	if s.assets, err = web.LoadAssets("", append(vendored(), static)...); err != nil {
		return nil, err
	}
	if s.templates, err = web.ParsePages(web.Folder(embedded, "templates")); err != nil {
		return nil, err
	}
	s.sessions, err = session.Open(session.Options{File: cfg.Sessions, Idle: s.limits.SessionIdle, Absolute: s.limits.SessionLife, Now: s.cfg.Now})
	if err != nil {
		return nil, err
	}
	s.accounts.init(s)
	s.handler = s.guard(s.mux())
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close sends what is held, closes the connections to the servers and ends what waits for news. Sessions stay.
func (s *Site) Close() error {
	s.outbox.flush()
	s.accounts.close()
	return nil
}
