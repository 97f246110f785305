// Package quota knows how much each account, and each domain with all its accounts, may keep: rules in Dovecot's notation, in tables, and in what
// is known of users.
package quota

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/buuta/mail/maildir"
)

// Rule is what an account, or a domain, may have; 0 is any number.
type Rule struct {
	Storage  int64 // octets
	Messages int64

	Mailboxes int64 // accounts of a domain
	Aliases   int64 // of a domain
}

// Store returns what the store has to look after.
func (r Rule) Store() maildir.Quota { return maildir.Quota{Storage: r.Storage, Messages: r.Messages} }

// Parse reads Dovecot's notation, *:storage=1G:messages=1000, for a whole account. A storage without a unit is in kilobytes, bytes= in octets; "" and
// *:ignore have no limits.
func Parse(rule string) (Rule, error) { return parse(rule, false) }

// ParseDomain is Parse for all of a domain, which may have mailboxes= and aliases= besides.
func ParseDomain(rule string) (Rule, error) { return parse(rule, true) }

func parse(rule string, domain bool) (r Rule, err error) {
	if rule == "" {
		return r, nil
	}
	what, limits, ok := strings.Cut(rule, ":")
	if !ok || what != "*" && what != "?" {
		return r, fmt.Errorf("%q must begin with *: and a limit, like *:storage=1G", rule)
	}
	for limit := range strings.SplitSeq(limits, ":") {
		name, value, _ := strings.Cut(limit, "=")
		switch {
		case name == "storage":
			r.Storage, err = octets(value, 1<<10)
		case name == "bytes":
			r.Storage, err = octets(value, 1)
		case name == "messages":
			r.Messages, err = octets(value, 1)
		case name == "mailboxes" && domain:
			r.Mailboxes, err = octets(value, 1)
		case name == "aliases" && domain:
			r.Aliases, err = octets(value, 1)
		case name == "ignore":
			return Rule{}, nil
		case domain:
			err = fmt.Errorf("%q is no limit of a domain: there are storage=, bytes=, messages=, mailboxes=, aliases= and ignore", limit)
		default:
			err = fmt.Errorf("%q is no limit: there are storage=, bytes=, messages= and ignore", limit)
		}
		if err != nil {
			return Rule{}, err
		}
	}
	return r, nil
}

// String writes a rule as Parse and ParseDomain read it; "*:ignore" where it has no limits.
func (r Rule) String() string {
	out := "*"
	if r.Storage > 0 {
		unit, n := "b", r.Storage
		for _, u := range []string{"k", "M", "G", "T"} {
			if n%1024 != 0 {
				break
			}
			unit, n = u, n/1024
		}
		out += ":storage=" + strconv.FormatInt(n, 10) + unit
	}
	for _, l := range []struct {
		name string
		n    int64
	}{{"messages", r.Messages}, {"mailboxes", r.Mailboxes}, {"aliases", r.Aliases}} {
		if l.n > 0 {
			out += ":" + l.name + "=" + strconv.FormatInt(l.n, 10)
		}
	}
	if out == "*" {
		return "*:ignore"
	}
	return out
}

// octets reads a number with a unit: b, k, M, G or T; kB, MiB and the like are the same, and a blank may be before it.
func octets(s string, unit int64) (int64, error) {
	digits := len(strings.TrimLeft(s, "0123456789"))
	number, word := s[:len(s)-digits], strings.ToLower(strings.TrimSpace(s[len(s)-digits:]))
	if word != "" {
		i := strings.IndexByte("bkmgt", word[0])
		if rest := word[1:]; i < 0 || rest != "" && (i == 0 || rest != "b" && rest != "ib") {
			number = ""
		}
		unit = 1 << (10 * max(i, 0))
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/unit {
		return 0, errors.New(strconv.Quote(s) + " is no size like 500M or 2G")
	}
	return n * unit, nil
}
