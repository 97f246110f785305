// Package policy decides whose mail this server takes: which addresses are here, who they belong to, where mail for the others goes, and who may send
// elsewhere through it. The rules are Postfix's, by package rewrite; the replies are Postfix's too, word for word, because people and programs
// know them.
package policy

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/hostlist"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/restrict"
	"github.com/buuta/mail/smtp/rewrite"
	"github.com/buuta/mail/smtp/srs"
	"github.com/buuta/mail/smtp/verify"
)

// Users knows the mailboxes.
type Users interface {
	// Account returns the account that a name user@domain stands for, in any case.
	Account(name string) (account string, ok bool)
	// First is who gets postmaster's mail when nobody is named for it; "" when there is nobody.
	First() string
}

// Finder is a Users who are in a place that may not answer. An error says that nobody knows.
type Finder interface {
	Find(ctx context.Context, name string) (account string, ok bool, err error)
	FindHome(ctx context.Context, account string) (home string, err error)
}

// Homes is a Users that knows where users' own files are, such as .forward.
type Homes interface {
	Home(account string) string
}

// Class says how mail gets to a recipient: it is the name of a transport.
type Class string

// Some classes.
const (
	Local   Class = "local"   // in mydestination, or an address literal of this machine
	Virtual Class = "virtual" // in virtual_mailbox_domains
	Remote  Class = "smtp"    // elsewhere
)

// Target is where a recipient's mail goes.
type Target struct {
	Address string        // with its domain
	Class   Class         // the transport
	Kind    rewrite.Class // what its domain is
	Account string        // whose mailbox here it is; "" when it goes through the queue
	Nexthop string        // what the transport is to reach
	Routed  bool          // the local part names another place
}

// Ours reports whether mail for it is taken from everybody.
func (t *Target) Ours() bool { return t.Kind != rewrite.Default && !t.Routed }

// Options are what a Policy gets beside main.cf.
type Options struct {
	Users Users
	// Own reports whether an address is this machine's, for recipients like <bob@[192.0.2.1]>; nil knows loopback only.
	Own func(netip.Addr) bool
	// Warn is told what Postfix would only warn of; nil: nobody.
	Warn func(error)
	// Transports are the names of the ways that mail can go; nil: those of [Transports].
	Transports []string
	// Tables are more options of tables.
	Tables lookup.Options
	// Resolver is asked about the names of clients and domains; nil: the system's.
	Resolver restrict.Resolver
	// Parameter returns what main.cf says of a name that the site has made up, for smtpd_restriction_classes; nil knows none.
	Parameter func(name string) (string, bool)
	// Verify finds out whether an address takes mail, for reject_unverified_recipient and its like; nil: they are not there.
	Verify func(ctx context.Context, address string) verify.Answer
	// Restricted hears what restrictions say beside their replies; nil: nobody.
	Restricted func(v *restrict.Visit, text string)
}

// Policy is a site's rules. It may be used by many goroutines at once.
type Policy struct {
	Rules *rewrite.Rules

	set       *config.Settings
	overrides config.Filters // receive_override_options of a service; the server's own mail knows none
	users     Users
	names     map[string]string     // domains as configured, which is how passwd_file has them, by their folded form
	home      string                // mydomain
	networks  func(netip.Addr) bool // mynetworks
	lists     []*hostlist.List
	alias     *lookup.List
	login     *lookup.List
	restrict  *restrict.Checker
	tables    []lookup.Table
	notes     []string

	srs    *srs.Rewriter
	probes *Policy // where probes of addresses go, if not where mail goes

	next atomic.Pointer[Policy] // what counts instead
}

// Now returns the policy that counts: this one, or what has replaced it. Who keeps a Policy asks Now at each use.
func (p *Policy) Now() *Policy {
	if n := p.next.Load(); n != nil {
		return n
	}
	return p
}

// Replace makes Now return another policy, at once for everybody. The tables of the one before are closed when nobody can be asking them any more.
func (p *Policy) Replace(other *Policy) {
	old := p.Now()
	p.next.Store(other)
	time.AfterFunc(time.Minute, func() { _ = old.Close() })
}

// A ParamError is a parameter that can't be used.
type ParamError struct {
	Param string
	Err   error
}

func (e *ParamError) Error() string { return e.Param + ": " + e.Err.Error() }
func (e *ParamError) Unwrap() error { return e.Err }

// Open opens the tables that the settings name. The error is a *ParamError.
func Open(ctx context.Context, s *config.Settings, o Options) (*Policy, error) {
	p := &Policy{
		set: s, users: o.Users, names: map[string]string{}, home: strings.ToLower(s.MyDomain),
	}
	if err := p.open(ctx, &o); err != nil {
		_ = p.Close()
		return nil, err
	}
	return p, nil
}

// Ping asks whether the databases and directories that tables are in answer.
func (p *Policy) Ping(ctx context.Context) error {
	var errs []error
	for _, t := range p.tables {
		errs = append(errs, lookup.Ping(ctx, t))
	}
	return errors.Join(errs...)
}

// Close closes the tables.
func (p *Policy) Close() error {
	var errs []error
	if p.restrict != nil {
		errs = append(errs, p.restrict.Close())
	}
	for _, t := range p.tables {
		errs = append(errs, lookup.Close(t))
	}
	for _, l := range p.lists {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// Notes are what the log should say about the rules.
func (p *Policy) Notes() []string { return p.notes }

// Trusted reports whether a client may send anywhere without a password: it is in mynetworks, or comes over a socket of
// this machine.
func (p *Policy) Trusted(client net.Addr) bool {
	switch a := client.(type) {
	case *net.TCPAddr:
		ip, ok := netip.AddrFromSlice(a.IP)
		return ok && p.inNetworks(ip.Unmap())
	case *net.UnixAddr:
		return true
	}
	return false
}

func (p *Policy) inNetworks(ip netip.Addr) bool {
	return p.networks(ip)
}

// openNetworks opens mynetworks.
func (p *Policy) openNetworks(x *opener) {
	p.networks = func(ip netip.Addr) bool {
		return slices.ContainsFunc(p.set.MyNetworks, func(n netip.Prefix) bool { return n.Contains(ip) })
	}
	if p.set.NetworkPatterns == "" {
		return
	}
	l, err := hostlist.Open(x.ctx, p.set.NetworkPatterns, false, &x.o)
	if err != nil {
		x.fail("mynetworks", err)
		return
	}
	p.lists = append(p.lists, l)
	p.networks = func(ip netip.Addr) bool { return l.Has("", ip) }
}

// HeaderOrigin returns the domain that completes addresses in the header of a client's mail, and whether addresses there are rewritten at all
// (local_header_rewrite_clients, remote_header_rewrite_domain).
func (p *Policy) HeaderOrigin(client net.Addr, authenticated bool) (string, bool) {
	for _, c := range p.set.Addresses.LocalHeaderClients {
		switch {
		case c == "permit_mynetworks" && p.Trusted(client), c == "permit_sasl_authenticated" && authenticated,
			c == "permit_inet_interfaces" && p.fromHere(client), c == "static:all":
			return p.Rules.Origin, true
		}
	}
	origin := p.set.Addresses.RemoteHeaderDomain
	return origin, origin != ""
}

// fromHere reports whether a client is this machine.
func (p *Policy) fromHere(client net.Addr) bool {
	switch a := client.(type) {
	case *net.TCPAddr:
		ip, ok := netip.AddrFromSlice(a.IP)
		return ok && p.Rules.OwnAddress(ip.Unmap())
	case *net.UnixAddr:
		return true
	}
	return false
}

// FromThisMachine reports whether both ends of a connection are here, so that nobody can listen to it. That is what
// Dovecot counts as secured beside TLS.
func FromThisMachine(remote, local net.Addr) bool {
	switch r := remote.(type) {
	case *net.UnixAddr:
		return true
	case *net.TCPAddr:
		if r.IP.IsLoopback() {
			return true
		}
		l, ok := local.(*net.TCPAddr)
		return ok && l.IP.Equal(r.IP)
	}
	return false
}
