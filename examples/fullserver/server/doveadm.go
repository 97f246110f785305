package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/doveadm"
	"github.com/buuta/mail/examples/fullserver/maillog"
	"github.com/buuta/mail/examples/fullserver/queuecmd"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/mime/charset"
)

// newStoreLog makes the log of a server that users log in to, whose sessions doveadm shows.
func (s *Server) newStoreLog() *storeLog {
	l := &storeLog{log: s.log}
	s.sessions = append(s.sessions, l)
	return l
}

// show remembers who has logged in on a connection.
func (l *storeLog) show(remote net.Addr, s *storeSession, protocol string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.shown = &doveadm.Session{User: s.user, Protocol: protocol, IP: maillog.IP(remote), ID: s.number, Began: s.began}
}

// loggedIn gives each session with its connection.
func (s *Server) loggedIn(f func(v doveadm.Session, c interface{ Close() error })) {
	for _, l := range s.sessions {
		l.mu.Lock()
		for c, v := range l.sessions {
			if v.shown != nil {
				f(*v.shown, c.(interface{ Close() error }))
			}
		}
		l.mu.Unlock()
	}
}

// mailBackend is what doveadm needs of a server that may be running or not.
func (s *Server) mailBackend() doveadm.Backend {
	loc, _ := locationOf(s.cfg) // checkSettings has looked
	return doveadm.Backend{
		Store: s.store, Users: s.users, Mechanisms: s.set.AuthMechanisms, LogFile: s.set.MaillogFile,
		Location: func(account string) (string, error) {
			path, err := loc.path(s.users, account)
			return loc.at(path), err
		},
		Open: func(location string) (mail.Store, error) {
			l, err := splitLocation(location)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", location, err)
			}
			return &maildir.Store{PathFunc: func(string) (string, error) { return l.pattern, nil }, Layout: l.layout, UTF8: l.utf8, Host: s.set.MyHostname, CharsetReader: charset.NewReader, NoTextCache: true}, nil
		},
		Repair: func(ctx context.Context, account string, found func(mailbox, text string)) error {
			_, err := s.store.Check(ctx, account, &maildir.CheckOptions{Repair: true, Found: func(f maildir.Fault) { found(f.Mailbox, f.String()) }})
			return err
		},
	}
}

// serveDoveadm answers the commands that the program sends.
func (s *Server) serveDoveadm() http.Handler {
	b := s.mailBackend()
	b.Reload, b.Stop = s.Reload, sync.OnceFunc(func() { close(s.halt) })
	b.Sessions = func() (out []doveadm.Session) {
		s.loggedIn(func(v doveadm.Session, _ interface{ Close() error }) { out = append(out, v) })
		return out
	}
	b.Kick = func(match func(doveadm.Session) bool) (out []doveadm.Session) {
		s.loggedIn(func(v doveadm.Session, c interface{ Close() error }) {
			if match(v) {
				_ = c.Close()
				out = append(out, v)
			}
		})
		return out
	}
	return queuecmd.Serve(func(ctx context.Context, c *queuecmd.Called) int {
		return (&doveadm.Env{Backend: b, Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr}).Run(ctx, c.Args)
	})
}

// Mail is the mailboxes of a server that isn't running.
type Mail struct {
	doveadm.Backend
	s *Server
}

// OpenMail opens the mailboxes and users that c names, and nothing else.
func OpenMail(c *config.Config, o Options) (*Mail, error) {
	s := newServer(c, o)
	for _, step := range []func() error{s.checkSettings, s.openStderr, s.openAccounts, s.openStore, s.openQuota} {
		if err := step(); err != nil {
			s.closeAll()
			return nil, err
		}
	}
	return &Mail{s.mailBackend(), s}, nil
}

// Maildir is the store, for what only this one can.
func (m *Mail) Maildir() *maildir.Store { return m.s.store }

// Close gives back what OpenMail took.
func (m *Mail) Close() { m.s.closeAll() }
