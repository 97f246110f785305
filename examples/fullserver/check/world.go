package check

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/smtp/rewrite"
)

// stranger is a client from an address that is nobody's (RFC 5737).
var stranger = net.IPv4(203, 0, 113, 9)

// relay asks the rules what a stranger may do, in the ways that have opened relays.
func (k *checker) relay(ctx context.Context) {
	if k.policy == nil {
		return
	}
	for _, n := range k.s.MyNetworks {
		if n.Bits() == 0 || n.Addr().Is4() && n.Bits() < 8 || n.Addr().Is6() && n.Bits() < 32 {
			k.fail(k.at("mynetworks", "%s is a large part of the Internet, and may send anywhere: name your own networks only", n))
			return
		}
	}
	own := k.s.MyHostname
	open := 0
	for _, to := range []string{
		"x@elsewhere.invalid", "x%elsewhere.invalid@" + own, "x%elsewhere.invalid@localhost", "elsewhere.invalid!x", "elsewhere.invalid!x@" + own, `"x@elsewhere.invalid"`, `"x@elsewhere.invalid"@` + own,
		`"x%elsewhere.invalid"@` + own, "x@elsewhere.invalid@" + own, "x@[192.0.2.99]", "postmaster@elsewhere.invalid", "x@elsewhere.invalid.",
	} {
		t, err := k.policy.Kind(ctx, to)
		if err == nil {
			err = k.policy.MayRelay(ctx, &net.TCPAddr{IP: stranger, Port: 1}, "", to)
		}
		if err == nil && t.Kind == rewrite.Default && open == 0 {
			open++
			k.fail(k.at("smtpd_relay_restrictions", "a stranger may send to <%s> through this server: add reject_unauth_destination", to))
		}
	}
}

// dns compares what the DNS says with what is so.
func (k *checker) dns(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	host := k.s.MyHostname
	if strings.HasSuffix(host, ".localdomain") || !strings.Contains(host, ".") {
		k.warn(k.at("myhostname", "%s is no name on the Internet: set myhostname = mail.your.domain", host))
		return
	}
	addrs, err := k.Resolver.LookupNetIP(ctx, "ip", host)
	switch {
	case gone(err):
		k.fail(k.at("myhostname", "the DNS has no address for %s: add an A record, and an AAAA record for IPv6", host))
	case err != nil:
		k.warn(k.at("myhostname", "the DNS can't be asked for %s: %v", host, err))
		return
	}
	here := false
	for _, a := range addrs {
		here = here || k.Own(a.Unmap())
		names, err := k.Resolver.LookupAddr(ctx, a.Unmap().String())
		if gone(err) || err == nil && !has(names, host) {
			k.warn(k.at("myhostname", "the name of %s is not %s, for which others refuse mail: have your provider set its PTR record", a.Unmap(), host))
		}
	}
	if len(addrs) > 0 && !here && len(k.s.Addresses.ProxyInterfaces) == 0 {
		k.warn(k.at("myhostname", "%s has none of this machine's addresses: mend the A record, or name the translator's address in proxy_interfaces", host))
	}
	for _, d := range k.domains() {
		k.mx(ctx, d, host)
	}
}

// domains are those that mail is taken for, as far as main.cf names them.
func (k *checker) domains() []string {
	var out []string
	for _, list := range []string{k.s.Addresses.MyDestination, k.s.Addresses.VirtualMailboxDomains, k.s.Addresses.VirtualAliasDomains} {
		for _, d := range config.Members(list) {
			if len(out) < 50 && !strings.ContainsAny(d, ":/![") && !strings.HasPrefix(d, "localhost") && !strings.EqualFold(d, k.s.MyHostname) && strings.Contains(d, ".") {
				out = append(out, d)
			}
		}
	}
	return out
}

func (k *checker) mx(ctx context.Context, domain, host string) {
	list, err := k.Resolver.LookupMX(ctx, domain)
	switch {
	case gone(err):
		k.warn(errors.New("the DNS says of " + domain + " that no mail goes here: add \"" + domain + ". MX 10 " + host + ".\""))
		return
	case err != nil:
		k.warn(errors.New("the DNS can't be asked for the MX of " + domain + ": " + err.Error()))
		return
	}
	var names []string
	for _, m := range list {
		names = append(names, m.Host)
		if addrs, err := k.Resolver.LookupNetIP(ctx, "ip", m.Host); err == nil {
			for _, a := range addrs {
				if k.Own(a.Unmap()) && !a.IsLoopback() {
					return
				}
			}
		}
	}
	if !has(names, host) {
		k.warn(errors.New("mail for " + domain + " goes to " + strings.Join(names, " ") + " and not here: add \"" + domain + ". MX 10 " + host + ".\", or take it out of main.cf"))
	}
}

func has(names []string, host string) bool {
	for _, n := range names {
		if strings.EqualFold(strings.TrimSuffix(n, "."), host) {
			return true
		}
	}
	return false
}

// gone reports whether the DNS says that there is no such thing.
func gone(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}
