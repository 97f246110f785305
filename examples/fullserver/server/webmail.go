package server

import (
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/buuta/mail/examples/fullserver/internal/unixsocket"
	"github.com/buuta/mail/examples/fullserver/webmail"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/smtp"
)

// maxSocketName is how long a socket's name may be: 103 octets on some systems.
const maxSocketName = 100

// webmail makes the server of webmail_listen, nil when nobody wants it. It speaks IMAP and SMTP with the servers beside it, over
// sockets in its own folder, which nobody else may enter.
func (s *Server) webmail(imap *imapserver.Server, submission *renewed) (*http.Server, error) {
	if len(s.set.WebmailListen)+len(s.set.WebmailsListen) == 0 {
		return nil, nil
	}
	dir := filepath.Join(s.set.DataDirectory, "webmail")
	for _, d := range []string{dir, filepath.Join(dir, "settings")} {
		if err := s.makeDir("data_directory", d); err != nil {
			return nil, err
		}
	}
	inner := func(param, name string, serve func(net.Listener) error) (string, error) {
		path := filepath.Join(dir, name)
		if len(path) > maxSocketName {
			short, err := os.MkdirTemp("", "fullserver")
			if err != nil {
				return "", s.cfg.ErrorFor("webmail_listen", err)
			}
			s.onClose(func() { _ = os.RemoveAll(short) })
			path = filepath.Join(short, name)
		}
		l, err := unixsocket.Listen(path, 0o600)
		if err != nil {
			return "", s.cfg.ErrorFor("webmail_listen", plainError(err))
		}
		s.services = append(s.services, &service{param: param, listener: l, serve: serve})
		s.onClose(func() { _ = l.Close() })
		return "unix:" + path, nil
	}
	imapAddr, err := inner("webmail's imap", "imap", imap.Serve)
	if err != nil {
		return nil, err
	}
	smtpAddr, err := inner("webmail's submission", "submission", submission.Serve)
	if err != nil {
		return nil, err
	}
	var second webmail.SecondFactor
	if f := s.secondFactor(); f != nil {
		second = f
	}
	if err := s.openFetch(dir); err != nil {
		return nil, err
	}
	var fetch webmail.Fetching
	if s.fetch != nil {
		fetch = fetching{s.fetch, s.users}
	}
	site, err := webmail.New(webmail.Config{
		Fetching: fetch, SecondFactor: second, Security: s.waysIn(), Directory: newColleagues(s.users, s.set.WebmailColleagues, s.opts.Now),
		IMAP: imapAddr, IMAPOptions: imapclient.Options{TLS: imapclient.TLSNone}, SMTP: smtpAddr, SMTPOptions: smtp.ClientOptions{TLS: smtp.TLSNone},
		Domain: s.set.MyDomain, AuthservID: s.set.MyHostname, Sessions: filepath.Join(dir, "sessions"), Settings: filepath.Join(dir, "settings"), BehindTLS: s.set.WebmailProxy, DirectImages: !s.set.WebmailImageProxy, Guard: s.admission(),
		Log: s.log.Logger("fullserver/webmail", slog.LevelInfo), Now: s.opts.Now,
	})
	if err != nil {
		return nil, s.cfg.ErrorFor("webmail_listen", err)
	}
	s.onClose(func() { _ = site.Close() })
	web := s.webServer(s.besideWebadmin(s.programs(site)))
	web.RegisterOnShutdown(func() { _ = site.Close() }) // pages that wait for news would keep it waiting
	return web, nil
}
