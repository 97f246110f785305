package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/clientcert"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/examples/fullserver/tlscert"
	"github.com/buuta/mail/examples/fullserver/tlspolicy"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/mx"
	"github.com/buuta/mail/smtp/mx/dnssec"
	"github.com/buuta/mail/smtp/rewrite"
)

// outlet speaks with other servers as a set of parameters says: main.cf's, or those of a service of master.cf.
type outlet struct {
	s         *Server
	cfg       *config.Config
	set       *config.Settings
	mx        *mx.Transport
	tls       tlspolicy.Rules
	passwords *lookup.List  // smtp_sasl_password_maps; nil for none
	generic   rewrite.Table // of its own, where owns is set
	owns      bool
}

// openOutlet makes what speaks with other servers.
func (s *Server) openOutlet(cfg *config.Config) (*outlet, error) {
	o := &outlet{s: s, cfg: cfg, set: &cfg.Settings}
	c := &o.set.Sending
	roots, err := o.tlsConfig()
	if err != nil {
		return nil, err
	}
	if err := o.openTLS(); err != nil {
		return nil, err
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
		Policy: o.tlsPolicy, Fallback: c.Fallback,
		OwnAddress: func(ip net.IP) bool {
			a, ok := netip.AddrFromSlice(ip)
			return ok && s.servesPort25() && s.policy.Now().Rules.OwnAddress(a.Unmap())
		},
		Logger: s.log.Logger("postfix/smtp", slog.LevelWarn),
	}
	if c.DNSLevel == "dnssec" && s.opts.Resolver == nil {
		o.mx.Resolver = &dnssec.Resolver{}
	}
	if c.MTASTS {
		o.mx.STS = &mx.STS{Cache: stsCache(filepath.Join(s.set.DataDirectory, "mta-sts"))}
	}
	if c.TLSLogLevel > 0 {
		o.mx.Secured = o.secured
	}
	if s.tlsReporter != nil {
		o.mx.TLSReport = s.tlsReporter.Collector.Add
	}
	if o.passwords != nil {
		o.mx.Auth = o.credentials
	}
	s.onClose(func() { _ = o.mx.Close() })
	if maps := o.set.Addresses.GenericMaps; maps != s.set.Addresses.GenericMaps {
		o.owns = true
		if maps != "" {
			l, err := lookup.OpenList(context.Background(), maps, s.tableOptions())
			if err != nil {
				return nil, cfg.ErrorFor("smtp_generic_maps", err)
			}
			o.generic = l
			s.onClose(func() { _ = l.Close() })
		}
	}
	return o, nil
}

// secured writes smtp_tls_loglevel's line.
func (o *outlet) secured(relay string, state *tls.ConnectionState, level mx.Level) {
	var roots *x509.CertPool
	if o.mx.TLSConfig != nil {
		roots = o.mx.TLSConfig.RootCAs
	}
	verified := level != mx.LevelMay && level != mx.LevelEncrypt
	o.s.log.Print(o.set.SyslogName+"/smtp", clientcert.Established(state, relay, verified, roots))
}

// tlsConfig is what servers are believed with, and shown; nil for the usual.
func (o *outlet) tlsConfig() (*tls.Config, error) {
	c, conf := &o.set.Sending, &tls.Config{}
	if c.TLSCAFile == "" && c.TLSCAPath == "" && c.TLS.None() {
		return nil, nil
	}
	if c.TLSCAFile != "" || c.TLSCAPath != "" {
		pool, err := clientcert.Pool(c.TLSCAFile, c.TLSCAPath)
		if err != nil {
			return nil, o.cfg.ErrorFor("smtp_tls_CAfile", err)
		}
		conf.RootCAs = pool
	}
	if !c.TLS.None() {
		src, err := tlscert.Open(tlscert.Options{Files: filesOf(&c.TLS), Warn: func(err error) {
			o.s.log.Print("postfix/smtp", "warning: certificates can't be read again, those before stay in use: ", err.Error())
		}})
		if err != nil {
			return nil, o.cfg.ErrorFor(strings.Replace(c.TLS.Param(), "smtpd_", "smtp_", 1), err)
		}
		conf.GetClientCertificate = src.ClientCertificate
	}
	return conf, nil
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

// tlsPolicy is smtp_tls_policy_maps and smtp_tls_security_level. Where we log in, a certificate must be right, unless main.cf asks for something else
// than TLS when offered.
func (o *outlet) tlsPolicy(ctx context.Context, nexthop string) (mx.Policy, error) {
	p, found, err := o.tls.For(ctx, nexthop)
	if err != nil {
		o.s.log.Print("postfix/smtp", "warning: ", mail.ReplyOf(err).Err.Error())
	}
	p.VerifyLogin = !found && !loopback(nexthop)
	return p, err
}

// openTLS reads what there is about TLS with other servers.
func (o *outlet) openTLS() error {
	c := &o.set.Sending
	o.tls = tlspolicy.Rules{
		Level: o.set.SMTPTLSSecurityLevel, VerifyMatch: c.VerifyMatch, SecureMatch: c.SecureMatch, Fingerprints: c.FingerprintMatch, Digest: c.FingerprintDigest,
		Protocols: c.TLSProtocols, Mandatory: c.TLSMandatory, Secure: c.DNSLevel == "dnssec",
	}
	if param, err := o.tls.Check(); err != nil {
		return o.cfg.ErrorFor(param, err)
	}
	if c.TLSPolicyMaps != "" {
		l, err := lookup.OpenList(context.Background(), c.TLSPolicyMaps, o.s.tableOptions())
		if err != nil {
			return o.cfg.ErrorFor("smtp_tls_policy_maps", err)
		}
		o.tls.Table = l
		o.s.onClose(func() { _ = l.Close() })
	}
	for _, f := range c.Fallback {
		if err := checkNexthop(f); err != nil {
			return o.cfg.ErrorFor("smtp_fallback_relay", fmt.Errorf("%s: %w", f, err))
		}
	}
	return nil
}

// loopback reports whether a next hop is this machine, by its address.
func loopback(nexthop string) bool {
	a, err := netip.ParseAddr(tlspolicy.Host(nexthop))
	return err == nil && a.IsLoopback()
}

// openPasswords opens smtp_sasl_password_maps.
func (o *outlet) openPasswords() error {
	if !o.set.Sending.SASLAuth || o.set.Sending.SASLPasswordMaps == "" {
		return nil
	}
	l, err := lookup.OpenList(context.Background(), o.set.Sending.SASLPasswordMaps, o.s.tableOptions())
	if err != nil {
		return o.cfg.ErrorFor("smtp_sasl_password_maps", err)
	}
	o.passwords = l
	o.s.onClose(func() { _ = l.Close() })
	return nil
}

// credentials are what to log in with at a next hop, as it stands in relayhost or by its name alone, or with mail from a sender; nil for nothing.
func (o *outlet) credentials(ctx context.Context, nexthop, sender string) (*mail.Credentials, error) {
	keys := []string{nexthop, tlspolicy.Host(nexthop)}
	if o.set.Sending.SASLBySender && sender != "" {
		keys = append([]string{sender, sender[max(0, strings.LastIndexByte(sender, '@')):]}, keys...)
	}
	for _, key := range keys {
		value, found, err := o.passwords.Find(ctx, key)
		if err != nil {
			return nil, &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 0}, Text: "smtp_sasl_password_maps lookup failure", Err: err}
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
	next = s.sealed(next)
	if out := s.content.Load().out; !out.Empty() { // before addresses are shown otherwise, as with Postfix
		next = &checked{next: next, checks: out, spooler: s.spooler, note: func(text string) { s.log.Print("postfix/smtp", text) }}
	}
	if rewriter := s.policy.Now().SRS(); rewriter != nil {
		next = &forwarding{next: next, srs: rewriter, policy: s.policy}
	}
	return next
}
