package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/mx"
	"github.com/buuta/mail/smtp/rewrite"
)

// outlet speaks with other servers as a set of parameters says: main.cf's, or those of a service of master.cf.
type outlet struct {
	s         *Server
	cfg       *config.Config
	set       *config.Settings
	mx        *mx.Transport
	passwords *lookup.List  // smtp_sasl_password_maps; nil for none
	generic   rewrite.Table // of its own, where owns is set
	owns      bool
}

// openOutlet makes what speaks with other servers.
func (s *Server) openOutlet(cfg *config.Config) (*outlet, error) {
	o := &outlet{s: s, cfg: cfg, set: &cfg.Settings}
	c := &o.set.Sending
	roots, err := certificates(c.TLSCAFile)
	if err != nil {
		return nil, cfg.ErrorFor("smtp_tls_CAfile", err)
	}
	if err := o.openPasswords(); err != nil {
		return nil, err
	}
	dial, err := o.dialer()
	if err != nil {
		return nil, err
	}
	o.mx = &mx.Transport{
		Hostname: o.set.SMTPHeloName, Resolver: s.opts.Resolver, Dial: dial, Network: network(o.set.Addresses.InetProtocols),
		Timeouts: smtp.ClientTimeouts{
			Dial: o.set.SMTPConnectTimeout, Greeting: c.HeloTimeout, Hello: c.HeloTimeout, Mail: c.MailTimeout, Recipient: c.RcptTimeout,
			DataInit: c.DataInitTimeout, DataBlock: c.DataXferTimeout, DataDone: c.DataDoneTimeout,
		},
		AddressLimit: int(c.MXAddressLimit), SessionLimit: int(c.MXSessionLimit), TLSConfig: roots,
		Policy: o.tlsPolicy,
		OwnAddress: func(ip net.IP) bool {
			a, ok := netip.AddrFromSlice(ip)
			return ok && s.servesPort25() && s.policy.Now().Rules.OwnAddress(a.Unmap())
		},
		Logger: s.log.Logger("postfix/smtp", slog.LevelWarn),
	}
	if o.passwords != nil {
		o.mx.Auth = func(nexthop string) *mail.Credentials {
			cred, err := o.credentials(context.Background(), nexthop)
			if err != nil { // elsewhere has said so before; nobody is to get mail from us as from a stranger
				return &mail.Credentials{Mechanisms: []string{"NONE"}}
			}
			return cred
		}
	}
	s.onClose(func() { _ = o.mx.Close() })
	if maps := o.set.Addresses.GenericMaps; maps != s.set.Addresses.GenericMaps {
		o.owns = true
		if maps != "" {
			l, err := lookup.OpenList(context.Background(), maps, &lookup.Options{Warn: s.warnOfTable})
			if err != nil {
				return nil, cfg.ErrorFor("smtp_generic_maps", err)
			}
			o.generic = l
			s.onClose(func() { _ = l.Close() })
		}
	}
	return o, nil
}

// rules are those by which addresses are shown to other servers.
func (o *outlet) rules() *rewrite.Rules {
	rules := o.s.policy.Now().Rules
	if o.owns {
		own := *rules
		own.SMTPGeneric, rules = o.generic, &own
	}
	return rules
}

// network is inet_protocols as package net has it.
func network(protocols []string) string {
	if len(protocols) != 1 {
		return ""
	}
	return map[string]string{"ipv4": "tcp4", "ipv6": "tcp6"}[protocols[0]]
}

// certificates reads smtp_tls_CAfile.
func certificates(file string) (*tls.Config, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New(file + ": has no certificate in PEM")
	}
	return &tls.Config{RootCAs: pool}, nil
}

// dialer makes connections from smtp_bind_address and smtp_bind_address6.
func (o *outlet) dialer() (func(ctx context.Context, network, addr string) (net.Conn, error), error) {
	var own [2]net.IP
	for i, p := range []struct{ name, value string }{{"smtp_bind_address", o.set.Sending.BindAddress}, {"smtp_bind_address6", o.set.Sending.BindAddress6}} {
		if p.value == "" {
			continue
		}
		a, err := netip.ParseAddr(strings.Trim(p.value, "[]"))
		if err != nil || a.Is6() != (i == 1) {
			return nil, o.cfg.ErrorFor(p.name, errors.New("is no address of this kind"))
		}
		own[i] = a.AsSlice()
	}
	for i, a := range onlyInterfaces(o.set.Addresses.InetInterfaces) {
		if own[i] == nil && a.IsValid() {
			own[i] = a.AsSlice()
		}
	}
	if o.s.opts.Dial != nil || own[0] == nil && own[1] == nil {
		return o.s.opts.Dial, nil
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		d := net.Dialer{}
		host, _, _ := net.SplitHostPort(addr)
		if a, err := netip.ParseAddr(host); err == nil {
			i := 0
			if a.Is6() && !a.Is4In6() {
				i = 1
			}
			if own[i] != nil {
				d.LocalAddr = &net.TCPAddr{IP: own[i]}
			}
		}
		return d.DialContext(ctx, network, addr)
	}, nil
}

// onlyInterfaces are the one IPv4 and the one IPv6 address of inet_interfaces. Where there is but one of a kind, and it is no loopback address,
// connections are made from it, as Postfix's are.
func onlyInterfaces(list []string) (only [2]netip.Addr) {
	var count [2]int
	for _, s := range list {
		a, err := netip.ParseAddr(strings.Trim(s, "[]"))
		if err != nil { // all, loopback-only or a name
			return [2]netip.Addr{}
		}
		i := 0
		if a.Is6() && !a.Is4In6() {
			i = 1
		}
		count[i]++
		only[i] = a
	}
	for i := range only {
		if count[i] != 1 || only[i].IsLoopback() {
			only[i] = netip.Addr{}
		}
	}
	return only
}

// tlsPolicy is smtp_tls_security_level. Where we log in, a certificate must be right, unless main.cf asks for encryption and no more.
func (o *outlet) tlsPolicy(ctx context.Context, nexthop string) (mx.Policy, error) {
	level := mx.LevelMay
	switch o.set.SMTPTLSSecurityLevel {
	case "none":
		level = mx.LevelNone
	case "encrypt":
		level = mx.LevelEncrypt
	}
	if level == mx.LevelMay && o.passwords != nil {
		cred, err := o.credentials(ctx, nexthop)
		if err != nil {
			return mx.Policy{}, mail.NewReply(451, mail.EnhancedCode{4, 3, 0}, "smtp_sasl_password_maps lookup failure")
		}
		if cred != nil && !loopback(nexthop) {
			level = mx.LevelVerify
		}
	}
	return mx.Policy{Level: level}, nil
}

// loopback reports whether a next hop is this machine, by its address.
func loopback(nexthop string) bool {
	a, err := netip.ParseAddr(hostOf(nexthop))
	return err == nil && a.IsLoopback()
}

// hostOf is a next hop without brackets and port.
func hostOf(nexthop string) string {
	if inner, _, ok := strings.Cut(strings.TrimPrefix(nexthop, "["), "]"); ok {
		return strings.TrimPrefix(inner, "IPv6:")
	}
	host, _, _ := strings.Cut(nexthop, ":")
	return host
}

// openPasswords opens smtp_sasl_password_maps.
func (o *outlet) openPasswords() error {
	if !o.set.Sending.SASLAuth || o.set.Sending.SASLPasswordMaps == "" {
		return nil
	}
	l, err := lookup.OpenList(context.Background(), o.set.Sending.SASLPasswordMaps, &lookup.Options{Warn: o.s.warnOfTable})
	if err != nil {
		return o.cfg.ErrorFor("smtp_sasl_password_maps", err)
	}
	o.passwords = l
	o.s.onClose(func() { _ = l.Close() })
	return nil
}

// credentials are what to log in with at a next hop, as it stands in relayhost or by its name alone; nil for nothing.
func (o *outlet) credentials(ctx context.Context, nexthop string) (*mail.Credentials, error) {
	for _, key := range []string{nexthop, hostOf(nexthop)} {
		value, found, err := o.passwords.Find(ctx, key)
		if err != nil {
			return nil, err
		}
		if found {
			user, password, _ := strings.Cut(value, ":")
			return &mail.Credentials{Username: user, Password: password, AllowPlaintext: loopback(nexthop)}, nil
		}
	}
	return nil, nil
}

// To delivers to other servers; notifications are signed on their way.
func (o *outlet) To(nexthop string) mail.Deliverer {
	s := o.s
	var next mail.Deliverer = o.mx.To(nexthop)
	if s.keys != nil {
		next = &mailcheck.Notices{Next: next, Keys: s.keys, Spooler: s.spooler, Log: func(text string) { s.log.Print("postfix/smtp", text) }}
	}
	if rules := o.rules(); rules.SMTPGeneric != nil {
		next = &generic{next: next, rules: rules, spooler: s.spooler}
	}
	return next
}
