// Package check looks at a configuration and what is around it before, or while, the server runs: files, ports, certificates, DNS, and whether
// strangers could send anywhere. Each finding is a line that says where it is and how to mend it.
package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/internal/directory"
	"github.com/buuta/mail/examples/fullserver/internal/sqldb"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/buuta/mail/examples/fullserver/process"
	"github.com/buuta/mail/smtp/verify"
)

// Resolver is what is asked of the DNS; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// Env is what a check works with. The zero value of each field but Out is the system's.
type Env struct {
	Out      io.Writer
	Resolver Resolver
	Own      func(netip.Addr) bool // is an address this machine's? nil: asks its interfaces
	Now      func() time.Time
}

// checker is one run.
type checker struct {
	Env
	c           *config.Config
	s           *config.Settings
	users       accounts.Users // nil: they can't be opened
	owner       *process.Owner // nil: nobody is named
	policy      *policy.Policy
	databases   sqldb.Pools
	directories directory.Directories
	silent      []string // what doesn't answer
	errors      int
	count       int
}

// Run checks what load returns and writes the findings. It returns 1 when there is an error among them, 0 otherwise.
func (e Env) Run(ctx context.Context, load func() (*config.Config, error)) int {
	k := &checker{Env: e}
	defer k.databases.Close()
	defer k.directories.Close()
	if k.Now == nil {
		k.Now = time.Now
	}
	if k.Resolver == nil {
		k.Resolver = net.DefaultResolver
	}
	if k.Own == nil {
		k.Own = ownAddress
	}
	c, err := load()
	if err != nil {
		k.fail(err)
		return 1
	}
	k.c, k.s = c, &c.Settings
	for _, w := range c.Warnings() {
		k.warn(w)
	}
	for _, step := range []func(context.Context){k.files, k.tables, k.quotas, k.services, k.sockets, k.ports, k.certificate, k.relay, k.dns, k.mtaSTS} {
		step(ctx)
	}
	if k.count == 0 {
		fmt.Fprintln(k.Out, "no problems found")
	}
	return min(k.errors, 1)
}

// fail and warn write a finding.
func (k *checker) fail(err error) {
	k.errors++
	k.say("error", err)
}

func (k *checker) warn(err error) { k.say("warning", err) }

func (k *checker) say(what string, err error) {
	k.count++
	fmt.Fprintf(k.Out, "%s: %s\n", what, strings.ReplaceAll(err.Error(), "\n", " "))
}

// at is an error at the place where a parameter was set.
func (k *checker) at(param, format string, args ...any) error {
	return k.c.ErrorFor(param, fmt.Errorf(format, args...))
}

// tables opens every table that main.cf names.
func (k *checker) tables(ctx context.Context) {
	warn := func(err error) { k.warn(err) }
	if k.users != nil {
		k.answers(k.users.Ping(ctx))
		p, err := policy.Open(ctx, k.s, policy.Options{Users: k.users, Own: k.Own, Warn: warn, Parameter: k.c.Value, Transports: k.c.Transports(), Verify: nobodyAsked})
		if param, ok := errors.AsType[*policy.ParamError](err); ok {
			err = k.c.ErrorFor(param.Param, param.Err)
		}
		if err != nil {
			k.fail(err)
		} else {
			k.policy = p
			for _, n := range p.Notes() {
				k.warn(errors.New(n))
			}
			tell := func(param, text string) { k.fail(k.at(param, "%s", text)) }
			p.Circles(ctx, 1_000_000, tell)
			p.Misrouted(ctx, 1_000_000, k.c.Transports(), tell)
			k.answers(p.Ping(ctx))
		}
	}
	for _, t := range []struct{ param, list string }{
		{"header_checks", k.s.Checks.Header}, {"mime_header_checks", k.s.Checks.MIMEHeader}, {"nested_header_checks", k.s.Checks.NestedHeader}, {"body_checks", k.s.Checks.Body},
		{"smtp_header_checks", k.s.Checks.Out.Header}, {"smtp_body_checks", k.s.Checks.Out.Body},
		{"mailbox_transport_maps", k.s.Local.MailboxTransportMaps}, {"mailbox_command_maps", k.s.Local.MailboxCommandMaps}, {"fallback_transport_maps", k.s.Local.FallbackTransportMaps},
		{"smtp_sasl_password_maps", k.s.Sending.SASLPasswordMaps}, {"quota_rule_maps", k.s.QuotaRuleMaps},
		{"seal_sign_maps", k.s.SealSignMaps}, {"seal_encrypt_maps", k.s.SealEncryptMaps}, {"domain_quota_rule_maps", k.s.DomainQuotaRuleMaps}, {"domain_admin_maps", k.s.DomainAdminMaps},
	} {
		if !k.c.Given(t.param) {
			continue
		}
		l, err := lookup.OpenList(ctx, t.list, &lookup.Options{Warn: warn})
		if err != nil {
			k.fail(k.c.ErrorFor(t.param, err))
			continue
		}
		k.answers(l.Ping(ctx))
		_ = lookup.Close(l)
	}
}

// answers reports databases that don't answer, each once. Mail that needs them has to wait.
func (k *checker) answers(err error) {
	if err == nil {
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if !slices.Contains(k.silent, line) {
			k.silent = append(k.silent, line)
			k.fail(errors.New(line + "; mail that needs it is answered 4xx until it does"))
		}
	}
}

// nobodyAsked stands for a server that asks others about addresses: a check doesn't.
func nobodyAsked(context.Context, string) verify.Answer {
	return verify.Answer{Status: verify.Deliverable}
}

// ownAddress reports whether an address is one of this machine's.
func ownAddress(a netip.Addr) bool {
	addrs, err := net.InterfaceAddrs()
	if err != nil || a.IsLoopback() {
		return a.IsLoopback()
	}
	for _, n := range addrs {
		if p, err := netip.ParsePrefix(n.String()); err == nil && p.Addr().WithZone("") == a.Unmap().WithZone("") {
			return true
		}
	}
	return false
}
