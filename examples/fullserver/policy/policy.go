// Package policy decides whose mail this server takes: which addresses are here, who they belong to, and who may send
// elsewhere through it. The replies are Postfix's, word for word, because people and programs know them.
package policy

import (
	"net"
	"net/netip"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"golang.org/x/net/idna"
)

// Users knows the mailboxes.
type Users interface {
	// Account returns the account that a name user@domain stands for, in any case.
	Account(name string) (account string, ok bool)
	// First is who gets postmaster's mail when nobody is named for it; "" when there is nobody.
	First() string
}

// Class says what kind of address a recipient has, in Postfix's terms.
type Class string

// The classes.
const (
	Local   Class = "local"   // in mydestination, or an address literal of this machine
	Virtual Class = "virtual" // in virtual_mailbox_domains
	Remote  Class = "smtp"    // elsewhere
)

// Target is where a recipient's mail goes.
type Target struct {
	Address string // with its domain
	Class   Class
	Account string // whose mailbox it is; "" for Remote
	Nexthop string // relayhost or the domain, for Remote
}

// Policy is a site's rules. It may be used by many goroutines at once.
type Policy struct {
	origin     string
	home       string // mydomain
	domains    map[string]domain
	networks   []netip.Prefix
	postmaster string
	relayhost  string
	users      Users
	own        func(netip.Addr) bool
}

// domain is one of ours.
type domain struct {
	class Class
	name  string // as configured, which is how passwd_file has it
}

// New makes the rules that the settings describe. own reports whether an address is this machine's, for recipients
// like <bob@[192.0.2.1]>; nil knows loopback only. A domain in two lists is virtual, and New says so in the second result.
func New(s *config.Settings, users Users, own func(netip.Addr) bool) (*Policy, []string) {
	p := &Policy{
		origin: s.MyOrigin, home: strings.ToLower(s.MyDomain), domains: map[string]domain{}, networks: s.MyNetworks,
		postmaster: s.PostmasterAddress, relayhost: s.RelayHost, users: users, own: own,
	}
	var notes []string
	for _, d := range config.Members(s.Addresses.MyDestination) {
		p.domains[fold(d)] = domain{Local, d}
	}
	for _, d := range config.Members(s.Addresses.VirtualMailboxDomains) {
		if _, ok := p.domains[fold(d)]; ok {
			notes = append(notes, strings.ToLower(d)+" is in both mydestination and virtual_mailbox_domains, and taken as the latter")
		}
		p.domains[fold(d)] = domain{Virtual, d}
	}
	return p, notes
}

// fold brings a domain into the one form in which it is compared: lower case, and as the DNS has it (RFC 5890).
func fold(d string) string {
	d = strings.ToLower(d)
	for i := range len(d) {
		if d[i] >= 0x80 {
			if a, err := idna.Lookup.ToASCII(d); err == nil {
				return a
			}
			break
		}
	}
	return d
}

// Sender completes a reverse-path that has no domain with myorigin. The null sender stays.
func (p *Policy) Sender(from string) string {
	if from == "" || domainAt(from) >= 0 {
		return from
	}
	return from + "@" + p.origin
}

// domainAt returns where the "@" is that divides an address, -1 when it has no domain: what stands in quotes to its end,
// <"a@b">, is a local part alone.
func domainAt(address string) int {
	if strings.HasSuffix(address, "\"") {
		return -1
	}
	return strings.LastIndexByte(address, '@')
}

// Resolve finds out where a forward-path leads. The error is the reply to an address at one of our domains that nobody
// has.
func (p *Policy) Resolve(to string) (Target, error) {
	full := to
	at := domainAt(full)
	if at < 0 {
		at = len(full)
		full += "@" + p.origin
	}
	t := Target{Address: full}
	name := full[at+1:]
	d, ours := p.domains[fold(name)]
	if !ours && p.isOwnLiteral(name) {
		d, ours = domain{Local, p.home}, true
	}
	if !ours {
		t.Class, t.Nexthop = Remote, p.relayhost
		if t.Nexthop == "" {
			t.Nexthop = strings.ToLower(name)
		}
		return t, nil
	}
	t.Class = d.class
	t.Account = p.account(unquote(full[:at]), d)
	if t.Account == "" {
		table := "virtual mailbox"
		if t.Class == Local {
			table = "local recipient"
		}
		return t, mail.NewReply(550, mail.EnhancedCode{5, 1, 1}, "<"+to+">: Recipient address rejected: User unknown in "+table+" table")
	}
	return t, nil
}

// account returns whose mailbox an address is, "" for nobody's.
func (p *Policy) account(local string, d domain) string {
	if a, ok := p.users.Account(local + "@" + d.name); ok {
		return a
	}
	if d.class == Local && d.name != p.home {
		if a, ok := p.users.Account(local + "@" + p.home); ok {
			return a
		}
	}
	if !strings.EqualFold(local, "postmaster") {
		return ""
	}
	// RFC 5321 section 4.5.1: "Any system that includes an SMTP server … MUST support the reserved mailbox postmaster".
	if a, ok := p.users.Account(p.postmaster); ok {
		return a
	}
	return p.users.First()
}

// unquote takes the quotes off a local part: <"bob"@example.test> is <bob@example.test> (RFC 5321 section 4.1.2).
func unquote(local string) string {
	if len(local) < 2 || local[0] != '"' || local[len(local)-1] != '"' {
		return local
	}
	local = local[1 : len(local)-1]
	if strings.IndexByte(local, '\\') < 0 {
		return local
	}
	var b strings.Builder
	for i := 0; i < len(local); i++ {
		if local[i] == '\\' && i+1 < len(local) {
			i++
		}
		b.WriteByte(local[i])
	}
	return b.String()
}

// isOwnLiteral reports whether s is an address literal (RFC 5321 section 4.1.3) of this machine.
func (p *Policy) isOwnLiteral(s string) bool {
	if len(s) < 3 || s[0] != '[' || s[len(s)-1] != ']' {
		return false
	}
	s = s[1 : len(s)-1]
	if len(s) > 5 && strings.EqualFold(s[:5], "IPv6:") {
		s = s[5:]
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return false
	}
	a = a.Unmap()
	return a.IsLoopback() || p.own != nil && p.own(a)
}

// Trusted reports whether a client may send anywhere without a password: it is in mynetworks, or comes over a socket of
// this machine.
func (p *Policy) Trusted(client net.Addr) bool {
	switch a := client.(type) {
	case *net.TCPAddr:
		ip, ok := netip.AddrFromSlice(a.IP)
		ip = ip.Unmap()
		if !ok {
			return false
		}
		for _, n := range p.networks {
			if n.Contains(ip) {
				return true
			}
		}
	case *net.UnixAddr:
		return true
	}
	return false
}

// MayRelay returns nil when a client may send to an address elsewhere, and otherwise the reply to RCPT.
func (p *Policy) MayRelay(client net.Addr, authenticated bool, to string) error {
	if authenticated || p.Trusted(client) {
		return nil
	}
	return mail.NewReply(554, mail.EnhancedCode{5, 7, 1}, "<"+to+">: Relay access denied")
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
