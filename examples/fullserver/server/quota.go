package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/quota"
	"github.com/buuta/mail/maildir"
)

// openQuota makes the store ask how much each account may keep, and each domain.
func (s *Server) openQuota() error {
	r := &quota.Rules{Users: s.users, Warn: s.warnOfTable}
	var err error
	if r.Usual, err = quota.Parse(s.set.QuotaRule); err != nil {
		return s.cfg.ErrorFor("quota_rule", err)
	}
	if r.UsualDomain, err = quota.ParseDomain(s.set.DomainQuotaRule); err != nil {
		return s.cfg.ErrorFor("domain_quota_rule", err)
	}
	asked := s.set.QuotaRule+s.set.DomainQuotaRule != ""
	f, file := s.users.(accounts.File)
	if file {
		for _, u := range f.F.Users() {
			if _, err := quota.Parse(quota.RuleOf(u)); err != nil {
				return s.cfg.ErrorFor("passwd_file", fmt.Errorf("%s, line %d: quota: %w", f.F.Path(), u.Line, err))
			}
		}
	}
	for _, m := range []struct {
		param, list string
		into        **lookup.List
	}{{"quota_rule_maps", s.set.QuotaRuleMaps, &r.Maps}, {"domain_quota_rule_maps", s.set.DomainQuotaRuleMaps, &r.DomainMaps}} {
		if m.list == "" {
			continue
		}
		asked = true
		l, err := lookup.OpenList(context.Background(), m.list, s.tableOptions())
		if err != nil {
			return s.cfg.ErrorFor(m.param, err)
		}
		s.onClose(func() { _ = l.Close() })
		*m.into = l
	}
	s.quotas = r
	s.store.QuotaFunc = func(account, mailbox string) maildir.Quota {
		if mailbox != "" {
			return maildir.Quota{}
		}
		return r.Account(context.Background(), account).Store()
	}
	if s.set.DomainQuotaRule != "" || s.set.DomainQuotaRuleMaps != "" {
		s.store.Groups = &maildir.Groups{
			Of: func(account string) (string, maildir.Quota) {
				domain := quota.DomainOf(account)
				return domain, r.Domain(context.Background(), domain).Store()
			},
			Accounts: s.users.InDomain,
		}
	}
	s.asksRoom = asked || !file || s.quotaOfUsers()
	return nil
}

// quotaOfUsers reports whether the password file has rules of its own.
func (s *Server) quotaOfUsers() bool {
	f, ok := s.users.(accounts.File)
	if !ok {
		return true
	}
	for _, u := range f.F.Users() {
		if quota.RuleOf(u) != "" {
			return true
		}
	}
	return false
}

// usage is what each account of a domain keeps.
func (s *Server) usage(ctx context.Context, domain string) (map[string]maildir.Quota, error) {
	names, err := s.users.InDomain(ctx, domain)
	if err != nil {
		return nil, err
	}
	out := map[string]maildir.Quota{}
	for _, n := range names {
		if out[n], err = s.store.Usage(ctx, n); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// room says whether a mailbox has room for a message whose size may be known, so that it is refused when its recipient is named, as with Dovecot's
// quota-status: afterwards there is one reply for all, and those who are full cost a report.
func (s *Server) room(ctx context.Context, account string, size int64) *mail.Reply {
	err := s.store.Fits(ctx, account, size)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, mail.ErrOverQuota) && s.set.QuotaFullTempfail:
		return &mail.Reply{Code: 452, Enhanced: mail.EnhancedCode{4, 2, 2}, Text: "Mailbox is full", Err: err}
	case errors.Is(err, mail.ErrOverQuota):
		return &mail.Reply{Code: 552, Enhanced: mail.EnhancedCode{5, 2, 2}, Text: "Mailbox is full", Err: err}
	}
	s.warnOfTable(fmt.Errorf("room of %s: %w", account, err)) // the delivery will tell
	return nil
}
