package server

import (
	"errors"
	"log/slog"
	"os"

	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// openAccounts opens passwd_file, or what passdb and userdb say instead.
func (s *Server) openAccounts() error {
	log := s.log.Logger(dovecot+" auth:", slog.LevelInfo)
	a := &s.set.Accounts
	if a.Passdb == "" && a.Userdb == "" && !a.SecondFactor {
		f, err := passwdfile.Open(s.set.PasswdFile, passwdfile.Options{Domain: s.set.MyDomain, FailureDelay: s.set.AuthFailureDelay, Logger: log})
		if err != nil {
			if errors.Is(err, os.ErrNotExist) {
				err = errors.New(s.set.PasswdFile + ": no such file")
			}
			return s.cfg.ErrorFor("passwd_file", err)
		}
		s.users = accounts.File{F: f}
		return s.checkMechanisms()
	}
	var keys *accounts.TOTPKeys
	apps := ""
	if a.SecondFactor {
		keys, apps = accounts.NewTOTPKeys(a.Keys), a.AppPasswords
	}
	s.totpKeys = keys
	all, err := accounts.Open(accounts.Options{
		Passdbs: accounts.Or(a.Passdb, s.set.PasswdFile), Userdbs: a.Userdb, Domain: s.set.MyDomain, MasterSeparator: a.MasterSeparator, FailureDelay: s.set.AuthFailureDelay, SecondFactor: a.SecondFactor,
		Keys: keys, AppPasswords: apps,
		Cache:     accounts.CacheOptions{Size: a.CacheSize, TTL: a.CacheTTL, NegativeTTL: a.CacheNegativeTTL},
		Databases: s.databases, Directories: s.directories, Logger: log,
	})
	if err != nil {
		return s.cfg.ErrorFor("passdb", err)
	}
	s.onClose(all.Close)
	s.users = all
	return s.checkMechanisms()
}

func (s *Server) checkMechanisms() error {
	if err := accounts.CheckMechanisms(s.users, s.set.AuthMechanisms); err != nil {
		return s.cfg.ErrorFor("auth_mechanisms", err)
	}
	return nil
}
