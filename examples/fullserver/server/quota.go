package server

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/maildir"
)

// openQuota makes the store ask how much each account may keep: what passwd_file says of the user (userdb_quota_rule), else what quota_rule_maps
// says of the address, else of its @domain, else quota_rule.
func (s *Server) openQuota() error {
	usual, err := parseQuotaRule(s.set.QuotaRule)
	if err != nil {
		return s.cfg.ErrorFor("quota_rule", err)
	}
	if f, ok := s.users.(accounts.File); ok {
		for _, u := range f.F.Users() {
			if _, err := parseQuotaRule(u.Extra("userdb_quota_rule")); err != nil {
				return s.cfg.ErrorFor("passwd_file", fmt.Errorf("%s, line %d: userdb_quota_rule: %w", f.F.Path(), u.Line, err))
			}
		}
	}
	var maps *lookup.List
	if s.set.QuotaRuleMaps != "" {
		if maps, err = lookup.OpenList(context.Background(), s.set.QuotaRuleMaps, s.tableOptions()); err != nil {
			return s.cfg.ErrorFor("quota_rule_maps", err)
		}
		s.onClose(func() { _ = maps.Close() })
	}
	s.store.QuotaFunc = func(account, mailbox string) maildir.Quota {
		if mailbox != "" {
			return maildir.Quota{}
		}
		if u, err := s.users.Lookup(context.Background(), account); err != nil {
			s.warnOfTable(fmt.Errorf("quota of %s: %w; quota_rule counts", account, err))
			return usual
		} else if u != nil {
			if rule := u.Extra("userdb_quota_rule"); rule != "" {
				return s.quotaOf(account, rule, usual)
			}
		}
		if maps == nil {
			return usual
		}
		for _, key := range []string{account, account[strings.LastIndexByte(account, '@')+1:]} {
			if key != account {
				key = "@" + key
			}
			switch rule, found, err := maps.Find(context.Background(), key); {
			case err != nil:
				s.warnOfTable(fmt.Errorf("quota_rule_maps: %s: %w; quota_rule counts", key, err))
				return usual
			case found:
				return s.quotaOf(account, rule, usual)
			}
		}
		return usual
	}
	return nil
}

// quotaOf is a rule's limits; usual, and a line in the log, where it can't be read.
func (s *Server) quotaOf(account, rule string, usual maildir.Quota) maildir.Quota {
	q, err := parseQuotaRule(rule)
	if err != nil {
		s.warnOfTable(fmt.Errorf("quota of %s: %w; quota_rule counts", account, err))
		return usual
	}
	return q
}

// parseQuotaRule reads Dovecot's notation, *:storage=1G:messages=1000, for the whole account. A storage without a unit is in kilobytes, bytes= in octets.
func parseQuotaRule(rule string) (q maildir.Quota, err error) {
	if rule == "" {
		return q, nil
	}
	what, limits, ok := strings.Cut(rule, ":")
	if !ok || what != "*" && what != "?" {
		return q, fmt.Errorf("%q must begin with *: and a limit, like *:storage=1G", rule)
	}
	for limit := range strings.SplitSeq(limits, ":") {
		name, value, _ := strings.Cut(limit, "=")
		switch name {
		case "storage":
			q.Storage, err = octets(value, 1<<10)
		case "bytes":
			q.Storage, err = octets(value, 1)
		case "messages":
			q.Messages, err = octets(value, 1)
		case "ignore":
			return maildir.Quota{}, nil
		default:
			err = fmt.Errorf("%q is no limit: there are storage=, bytes=, messages= and ignore", limit)
		}
		if err != nil {
			return maildir.Quota{}, err
		}
	}
	return q, nil
}

// octets reads a number with a unit: b, k, M, G or T.
func octets(s string, unit int64) (int64, error) {
	number := s
	if i := strings.IndexByte("bkmgt", (s + " ")[max(0, len(s)-1)]|0x20); i >= 0 && s != "" {
		number, unit = s[:len(s)-1], 1<<(10*i)
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/unit {
		return 0, errors.New(strconv.Quote(s) + " is no size like 500M or 2G")
	}
	return n * unit, nil
}
