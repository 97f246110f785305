// Package admincmd is the commands with which an operator, and those who administer domains, change users, aliases and domains: "fullserver user", "fullserver
// alias" and "fullserver domain".
package admincmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/admin"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/internal/directory"
	"github.com/buuta/mail/examples/fullserver/internal/sqldb"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/maillog"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/buuta/mail/examples/fullserver/quota"
	"github.com/buuta/mail/smtp/rewrite"
	"github.com/buuta/mail/smtp/verify"
)

// site is what main.cf has to administer.
type site struct {
	admin.Site
	control string // the running server's socket
	closers []func()
}

func (s *site) Close() {
	for _, c := range s.closers {
		c()
	}
}

// open opens what main.cf names.
func open(ctx context.Context, c *config.Config, stderr io.Writer) (_ *site, err error) {
	set := &c.Settings
	s := &site{control: set.DataDirectory}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	s.SetFiles(set)
	users, err := s.users(set)
	if err != nil {
		return nil, err
	}
	warn := func(err error) { fmt.Fprintln(stderr, "fullserver: warning:", err) }
	r := &quota.Rules{Users: users, Warn: warn}
	if r.Usual, err = quota.Parse(set.QuotaRule); err != nil {
		return nil, c.ErrorFor("quota_rule", err)
	}
	if r.UsualDomain, err = quota.ParseDomain(set.DomainQuotaRule); err != nil {
		return nil, c.ErrorFor("domain_quota_rule", err)
	}
	s.Quotas = r
	for _, t := range []struct {
		param, list string
		into        **lookup.List
	}{{"quota_rule_maps", set.QuotaRuleMaps, &r.Maps}, {"domain_quota_rule_maps", set.DomainQuotaRuleMaps, &r.DomainMaps}, {"domain_admin_maps", set.DomainAdminMaps, &s.Admins}} {
		if t.list == "" {
			continue
		}
		l, err := lookup.OpenList(ctx, t.list, &lookup.Options{Warn: warn})
		if err != nil {
			return nil, c.ErrorFor(t.param, err)
		}
		s.closers = append(s.closers, func() { _ = l.Close() })
		*t.into = l
	}
	var p *policy.Policy
	s.Class = func(ctx context.Context, domain string) (rewrite.Class, error) {
		if p == nil { // listing needs none of its tables
			var err error
			if p, err = policy.Open(ctx, set, policy.Options{Users: users, Parameter: c.Value, Transports: c.Transports(), Verify: nobodyAsked}); err != nil {
				return "", err
			}
			s.closers = append(s.closers, func() { _ = p.Close() })
		}
		t, err := p.Kind(ctx, "postmaster@"+domain)
		return t.Kind, err
	}
	s.Log = s.audit(set, stderr)
	return s, nil
}

func nobodyAsked(context.Context, string) verify.Answer { return verify.Answer{} }

// users opens the accounts.
func (s *site) users(set *config.Settings) (accounts.Users, error) {
	a := &set.Accounts
	if a.Passdb == "" && a.Userdb == "" {
		f, err := passwdfile.Open(s.Users, passwdfile.Options{Domain: set.MyDomain})
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errors.New(s.Users + ": no such file; make an empty one, that the server may read")
		}
		return accounts.File{F: f}, err
	}
	list := accounts.Or(a.Passdb, set.PasswdFile)
	databases, directories := new(sqldb.Pools), new(directory.Directories)
	s.closers = append(s.closers, func() { _ = errors.Join(databases.Close(), directories.Close()) })
	return accounts.Open(accounts.Options{Passdbs: list, Userdbs: a.Userdb, Domain: set.MyDomain, MasterSeparator: a.MasterSeparator, Databases: databases, Directories: directories})
}

// audit writes what was wanted into the log, if there is one already: who calls may be another user than the server, whose log it is to be.
func (s *site) audit(set *config.Settings, stderr io.Writer) func(who, what string, err error) {
	file := set.MaillogFile
	if _, err := os.Stat(file); err != nil {
		file = ""
	}
	return func(who, what string, err error) {
		l, lerr := maillog.Open(file, maillog.Options{Name: set.SyslogName, Host: set.MyHostname, Stderr: stderr})
		if lerr != nil {
			fmt.Fprintln(stderr, "fullserver: warning: this is in no log:", lerr)
			return
		}
		defer l.Close()
		if err != nil {
			l.Print("fullserver/admin", who, ": refused: ", what, ": ", err.Error())
			return
		}
		l.Print("fullserver/admin", who, ": ", what)
	}
}
