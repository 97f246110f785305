package check

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// accounts opens what says who the users are. Databases and directories are asked with the tables.
func (k *checker) accounts() {
	defer func() {
		if k.users == nil {
			return
		}
		if err := accounts.CheckMechanisms(k.users, k.s.AuthMechanisms); err != nil {
			k.fail(k.c.ErrorFor("auth_mechanisms", err))
		}
	}()
	a := &k.s.Accounts
	if a.Passdb != "" || a.Userdb != "" || a.SecondFactor {
		all, err := accounts.Open(accounts.Options{
			Passdbs: accounts.Or(a.Passdb, k.s.PasswdFile), Userdbs: a.Userdb, Domain: k.s.MyDomain, MasterSeparator: a.MasterSeparator, Databases: &k.databases, Directories: &k.directories,
		})
		if err != nil {
			k.fail(k.c.ErrorFor("passdb", err))
			return
		}
		k.users = all
		for _, word := range strings.FieldsFunc(a.Passdb+" "+a.Userdb, func(r rune) bool { return strings.ContainsRune("{}, \t\r\n", r) }) {
			if _, file, ok := strings.Cut(word, ":"); ok && strings.HasPrefix(file, "/") {
				k.secret("passdb", file)
			}
		}
		return
	}
	users, err := passwdfile.Open(k.s.PasswdFile, passwdfile.Options{Domain: k.s.MyDomain, Logger: slog.New(slog.DiscardHandler)})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		k.fail(k.at("passwd_file", "%s: no such file; make it with lines that \"fullserver passwd user@domain\" prints", k.s.PasswdFile))
	case err != nil:
		k.fail(k.c.ErrorFor("passwd_file", err))
	case len(users.Users()) == 0 && k.s.PasswdFile != os.DevNull: // where there are no mailboxes, and that is meant
		k.warn(k.at("passwd_file", "%s has no users; \"fullserver passwd user@domain\" prints a line for one", k.s.PasswdFile))
	}
	if users != nil {
		k.users = accounts.File{F: users}
	}
	k.secret("passwd_file", k.s.PasswdFile)
}
