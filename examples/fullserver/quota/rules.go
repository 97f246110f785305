package quota

import (
	"context"
	"fmt"
	"strings"

	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/lookup"
)

// Rules are a site's. A rule that can't be read or asked for counts as the usual one: no mail is refused for a typing error, or because a database
// is down.
type Rules struct {
	Users       accounts.Users
	Usual       Rule         // quota_rule
	Maps        *lookup.List // quota_rule_maps; nil: none
	UsualDomain Rule         // domain_quota_rule
	DomainMaps  *lookup.List // domain_quota_rule_maps; nil: none
	Warn        func(error)  // hears of rules that don't count
}

// RuleOf is what userdb says of a user's quota, in the notation of [Parse]: userdb_quota_rule, or Dovecot 2.4's userdb_quota_storage_size, in octets where
// it has no unit, and userdb_quota_message_count. "" where it says nothing.
func RuleOf(user interface{ Extra(name string) string }) string {
	if rule := user.Extra("userdb_quota_rule"); rule != "" {
		return rule
	}
	size, count := user.Extra("userdb_quota_storage_size"), user.Extra("userdb_quota_message_count")
	if size+count == "" {
		return ""
	}
	out := "*"
	if size != "" && size != "unlimited" {
		out += ":bytes=" + size
	}
	if count != "" && count != "unlimited" {
		out += ":messages=" + count
	}
	if out == "*" {
		out += ":ignore"
	}
	return out
}

// Account returns what one account may keep: what is known of the user (RuleOf), else what the table says of the address, else of its
// @domain, else the usual.
func (r *Rules) Account(ctx context.Context, account string) Rule {
	if u, err := r.Users.Lookup(ctx, account); err != nil {
		r.Warn(fmt.Errorf("quota of %s: %w; quota_rule counts", account, err))
		return r.Usual
	} else if u != nil {
		if rule := RuleOf(u); rule != "" {
			return r.read(account, rule)
		}
	}
	return r.listed(ctx, account, account, "@"+DomainOf(account))
}

// Each returns what each account of a domain may keep of which nothing else is said.
func (r *Rules) Each(ctx context.Context, domain string) Rule {
	return r.listed(ctx, "@"+domain, "@"+domain)
}

// listed is what the table says of the first of some keys that it has.
func (r *Rules) listed(ctx context.Context, account string, keys ...string) Rule {
	if r.Maps == nil {
		return r.Usual
	}
	for _, key := range keys {
		switch rule, found, err := r.Maps.Find(ctx, key); {
		case err != nil:
			r.Warn(fmt.Errorf("quota_rule_maps: %s: %w; quota_rule counts", key, err))
			return r.Usual
		case found:
			return r.read(account, rule)
		}
	}
	return r.Usual
}

func (r *Rules) read(account, rule string) Rule {
	q, err := Parse(rule)
	if err != nil {
		r.Warn(fmt.Errorf("quota of %s: %w; quota_rule counts", account, err))
		return r.Usual
	}
	return q
}

// Domain returns what all accounts of a domain may keep together.
func (r *Rules) Domain(ctx context.Context, domain string) Rule {
	if r.DomainMaps == nil {
		return r.UsualDomain
	}
	rule, found, err := r.DomainMaps.Find(ctx, domain)
	if err == nil && !found {
		return r.UsualDomain
	}
	var q Rule
	if err == nil {
		q, err = ParseDomain(rule)
	}
	if err != nil {
		r.Warn(fmt.Errorf("domain_quota_rule_maps: %s: %w; domain_quota_rule counts", domain, err))
		return r.UsualDomain
	}
	return q
}

// DomainOf returns what is behind an account's "@".
func DomainOf(account string) string { return account[strings.LastIndexByte(account, '@')+1:] }
