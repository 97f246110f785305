package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/buuta/mail/auth/dovecotauth"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop2"
	"github.com/buuta/mail/smtp"
)

// stopper is a protocol's server as its end is concerned.
type stopper interface {
	Shutdown(ctx context.Context) error
	Close() error
}

// patience is how long sessions and deliveries under way have when the server is asked to stop.
const patience = 5 * time.Second

// Serve serves until ctx is done, then lets sessions and deliveries end, closes everything and returns nil. It returns an
// error when a listener breaks. hurry, if not nil, ends the wait for sessions when it is closed. A Server serves once.
func (s *Server) Serve(ctx context.Context, hurry <-chan struct{}) error {
	s.log.Print("postfix/master", fmt.Sprintf("daemon started, pid %d, configuration for %s", os.Getpid(), s.set.MyHostname))
	var wg sync.WaitGroup
	watching, enough := context.WithCancel(ctx) // a listener that breaks ends it too
	defer enough()
	for _, v := range s.services {
		wg.Go(func() {
			err := v.serve(v.listener)
			if isClosed(err) {
				return
			}
			select {
			case s.failed <- fmt.Errorf("%s: %s: %w", v.param, v.addr, err):
			default:
			}
		})
	}
	s.serving.Store(true)
	wg.Go(func() { s.tellCircles(ctx) })
	wg.Go(func() { s.watchCertificates(watching) })
	if s.logins != nil {
		wg.Go(func() {
			s.logins.Run(watching, func(err error) { s.log.Print("fullserver/webadmin", "warning: log-ins: ", err.Error()) })
		})
	}
	if s.exporter != nil {
		wg.Go(func() { s.exporter.Run(watching) })
	}
	if s.acme != nil {
		wg.Go(func() { s.acme.Run(watching) })
	}
	if s.fetch != nil {
		wg.Go(func() { s.fetch.Run(watching) })
	}
	endReports, endExpiry, endAnvil := s.startReports(), s.startExpiry(), s.startAnvil()
	var err error
	select {
	case <-ctx.Done():
	case <-s.halt:
	case err = <-s.failed:
		s.log.Print("postfix/master", "fatal: ", err.Error())
	}
	enough()
	s.serving.Store(false)
	endExpiry()
	s.stop(hurry, endReports)
	wg.Wait()
	endAnvil()
	s.log.Print("postfix/master", "terminating")
	s.closeAll()
	return err
}

func isClosed(err error) bool {
	return err == nil || errors.Is(err, smtp.ErrServerClosed) || errors.Is(err, imapserver.ErrServerClosed) || errors.Is(err, pop3.ErrServerClosed) ||
		errors.Is(err, pop2.ErrServerClosed) || errors.Is(err, dovecotauth.ErrServerClosed) ||
		errors.Is(err, http.ErrServerClosed)
}

// stop ends the sessions, then the queue, which they and the last reports feed.
func (s *Server) stop(hurry <-chan struct{}, endReports func()) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go func() {
		select {
		case <-hurry: // a nil channel never is
			cancel()
		case <-ctx.Done():
		}
	}()
	s.guard.Stop()
	var wg sync.WaitGroup
	for _, srv := range s.servers {
		wg.Go(func() {
			if srv.Shutdown(ctx) != nil {
				_ = srv.Close()
			}
		})
	}
	wg.Wait()
	endReports()
	_ = s.queue.Shutdown(ctx)
	s.saveTLSReports()
}

// Reload opens the log anew and reads users and certificate again, as SIGHUP wants it. What can't be read stays as it was
// and is told in the log.
func (s *Server) Reload() {
	if err := s.log.Reopen(); err != nil {
		s.log.Print("postfix/master", "warning: maillog_file: ", err.Error())
	}
	if err := s.users.Reload(); err != nil {
		s.log.Print("postfix/master", "warning: passwd_file: ", err.Error())
	}
	if s.certs != nil {
		if err := s.certs.Reload(); err != nil {
			s.log.Print("postfix/master", "warning: ", s.set.TLS.Param(), ": ", err.Error())
		}
	}
	if err := s.readWords(); err != nil {
		s.log.Print("postfix/master", "warning: bounce_template_file: ", err.Error())
	}
	if s.keys != nil {
		if err := s.keys.Reload(); err != nil {
			s.log.Print("postfix/master", "warning: dkim_key_table: ", err.Error())
		}
	}
	s.reloadConfig()
	if s.acme != nil {
		s.acme.Wake()
	}
	s.lookAtCertificates()
	s.log.Print("postfix/master", "reloaded")
}

// Close gives back what Open took, for a server that was never served.
func (s *Server) Close() error {
	s.closeAll()
	return nil
}
