package restrict

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/nearest"
	"github.com/buuta/mail/smtp/dnsbl"
	"github.com/buuta/mail/smtp/rewrite"
)

// rule is one restriction.
type rule struct {
	name  string
	table rewrite.Table // of check_…
	class []rule        // of a restriction class
	zone  dnsbl.Zone    // of reject_rbl_client and its like
	pause time.Duration // of sleep
	serve *policyServer // of check_policy_service
	warn  bool          // warn_if_reject stands before it
}

// Checker is a Config that has been read. It may be used by many goroutines at once.
type Checker struct {
	Config
	client, helo, sender, relay, recipient, data, endOfData, etrn []rule
	classes                                                       map[string][]rule
	tables                                                        map[string]rewrite.Table
	delegates                                                     map[string]*policyServer
}

// A ListError is what is wrong in a list: Param is the parameter's name, or a class's.
type ListError struct {
	Param, Reason string
}

// Error implements error.
func (e *ListError) Error() string { return e.Param + ": " + e.Reason }

// New reads the lists and opens their tables. A restriction that isn't known is an error, as is a pair of smtpd_relay_restrictions and
// smtpd_recipient_restrictions that would let anybody send anywhere.
func New(ctx context.Context, c Config) (*Checker, error) {
	k := &Checker{Config: c, classes: map[string][]rule{}, tables: map[string]rewrite.Table{}, delegates: map[string]*policyServer{}}
	for _, l := range []struct {
		name string
		text string
		into *[]rule
	}{
		{"smtpd_client_restrictions", c.Client, &k.client}, {"smtpd_helo_restrictions", c.Helo, &k.helo},
		{"smtpd_sender_restrictions", c.Sender, &k.sender}, {"smtpd_relay_restrictions", c.Relay, &k.relay},
		{"smtpd_recipient_restrictions", c.Recipient, &k.recipient}, {"smtpd_data_restrictions", c.Data, &k.data},
		{"smtpd_end_of_data_restrictions", c.EndOfData, &k.endOfData}, {"smtpd_etrn_restrictions", c.Etrn, &k.etrn},
	} {
		rules, err := k.parse(ctx, l.name, l.text, nil)
		if err != nil {
			return nil, err
		}
		*l.into = rules
	}
	for name := range c.Classes { // those that only a table names
		if _, err := k.restrictionClass(ctx, name, nil); err != nil {
			return nil, err
		}
	}
	if !closes(k.relay) && !closes(k.recipient) {
		return nil, &ListError{"smtpd_relay_restrictions", "everybody could send anywhere through this server: add reject_unauth_destination"}
	}
	return k, nil
}

// closes reports whether a list ends what strangers may do.
func closes(rules []rule) bool {
	return slices.ContainsFunc(rules, func(r rule) bool {
		switch r.name {
		case "reject", "defer", "defer_if_permit", "reject_unauth_destination", "defer_unauth_destination":
			return !r.warn
		}
		return false
	})
}

// split divides a list at commas and spaces outside of braces.
func split(s string) ([]string, error) {
	var out []string
	depth, start := 0, -1
	for i := 0; i <= len(s); i++ {
		sep := i == len(s) || depth == 0 && strings.IndexByte(", \t\r\n", s[i]) >= 0
		switch {
		case sep && start >= 0:
			out, start = append(out, s[start:i]), -1
		case sep:
		case s[i] == '{':
			depth++
		case s[i] == '}':
			depth--
		}
		if !sep && start < 0 {
			start = i
		}
		if depth < 0 {
			break
		}
	}
	if depth != 0 {
		return nil, fmt.Errorf("has a brace without its other half")
	}
	return out, nil
}

// parse reads a list. within are the classes that it is part of.
func (k *Checker) parse(ctx context.Context, param, text string, within []string) ([]rule, error) {
	words, err := split(text)
	if err != nil {
		return nil, &ListError{param, err.Error()}
	}
	var out []rule
	warn := false
	for i := 0; i < len(words); i++ {
		r := rule{name: strings.ToLower(words[i]), warn: warn}
		warn = false
		arg := func() (string, error) {
			if i++; i >= len(words) || known[strings.ToLower(words[i])] != "" {
				return "", &ListError{param, r.name + " needs " + needs(known[r.name])}
			}
			return words[i], nil
		}
		var a string
		switch kind := known[r.name]; {
		case r.name == "warn_if_reject":
			warn = true
			continue
		case strings.HasPrefix(r.name, "reject_unverified_") && k.Verify == nil:
			return nil, &ListError{param, r.name + ": nobody can be asked about addresses here; leave it out"}
		case kind == "-":
		case kind == "table":
			if a, err = arg(); err == nil {
				r.table, err = k.open(ctx, param, a)
			}
		case kind == "zone":
			if a, err = arg(); err == nil {
				if r.zone, err = dnsbl.ParseZone(a); err == nil && strings.Contains(a, "*") {
					err = fmt.Errorf("%q: weights are for postscreen_dnsbl_sites", a)
				}
				if err != nil {
					err = &ListError{param, r.name + ": " + err.Error()}
				}
			}
		case kind == "time":
			if a, err = arg(); err == nil {
				n, nerr := strconv.ParseUint(strings.TrimSuffix(a, "s"), 10, 16)
				if r.pause = time.Duration(n) * time.Second; nerr != nil {
					err = &ListError{param, "sleep " + a + ": is no number of seconds"}
				}
			}
		case kind == "server":
			if a, err = arg(); err == nil {
				r.serve, err = k.policyServer(param, a)
			}
		case strings.Contains(words[i], ":"):
			r.name = map[string]string{"smtpd_client_restrictions": "check_client_access", "smtpd_helo_restrictions": "check_helo_access",
				"smtpd_sender_restrictions": "check_sender_access", "smtpd_etrn_restrictions": "check_etrn_access"}[param]
			if r.name == "" {
				r.name = "check_recipient_access"
			}
			r.table, err = k.open(ctx, param, words[i])
		default:
			name := words[i]
			if _, ok := k.Config.Classes[name]; !ok {
				return nil, &ListError{param, unknown(words[i])}
			}
			r.name = name
			r.class, err = k.restrictionClass(ctx, name, within)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	if warn {
		return nil, &ListError{param, "warn_if_reject stands before nothing"}
	}
	return out, nil
}

func (k *Checker) restrictionClass(ctx context.Context, name string, within []string) ([]rule, error) {
	if rules, ok := k.classes[name]; ok {
		return rules, nil
	}
	if slices.Contains(within, name) {
		return nil, &ListError{name, "leads to itself: " + strings.Join(append(within, name), ", ")}
	}
	rules, err := k.parse(ctx, name, k.Config.Classes[name], append(slices.Clone(within), name))
	if err == nil {
		k.classes[name] = rules
	}
	return rules, err
}

func (k *Checker) open(ctx context.Context, param, spec string) (rewrite.Table, error) {
	if t, ok := k.tables[spec]; ok {
		return t, nil
	}
	t, err := k.Open(ctx, spec)
	if err != nil {
		return nil, &ListError{param, err.Error()}
	}
	k.tables[spec] = t
	return t, nil
}

func needs(kind string) string {
	switch kind {
	case "table":
		return "a table, type:name"
	case "zone":
		return "a domain"
	case "time":
		return "a number of seconds"
	}
	return "a server, inet:host:port or unix:path"
}

// unknown says that there is no such restriction, and which one is nearest.
func unknown(word string) string {
	best := nearest.Name(strings.ToLower(word), maps.Keys(known), 4)
	if best != "" {
		return fmt.Sprintf("unknown restriction %q; is it %s?", word, best)
	}
	return fmt.Sprintf("unknown restriction %q", word)
}
