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
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/mx"
)

// openClient makes what speaks with other servers.
func (s *Server) openClient() error {
	c := &s.set.Sending
	roots, err := certificates(c.TLSCAFile)
	if err != nil {
		return s.cfg.ErrorFor("smtp_tls_CAfile", err)
	}
	if err := s.openPasswords(); err != nil {
		return err
	}
	dial, err := s.dialer()
	if err != nil {
		return err
	}
	s.mx = &mx.Transport{
		Hostname: s.set.SMTPHeloName, Resolver: s.opts.Resolver, Dial: dial, Network: network(s.set.Addresses.InetProtocols),
		Timeouts: smtp.ClientTimeouts{
			Dial: s.set.SMTPConnectTimeout, Greeting: c.HeloTimeout, Hello: c.HeloTimeout, Mail: c.MailTimeout, Recipient: c.RcptTimeout,
			DataInit: c.DataInitTimeout, DataBlock: c.DataXferTimeout, DataDone: c.DataDoneTimeout,
		},
		AddressLimit: int(c.MXAddressLimit), SessionLimit: int(c.MXSessionLimit), TLSConfig: roots,
		Policy: s.tlsPolicy,
		OwnAddress: func(ip net.IP) bool {
			a, ok := netip.AddrFromSlice(ip)
			return ok && s.servesPort25() && s.policy.Now().Rules.OwnAddress(a.Unmap())
		},
		Logger: s.log.Logger("postfix/smtp", slog.LevelWarn),
	}
	if s.passwords != nil {
		s.mx.Auth = func(nexthop string) *mail.Credentials {
			cred, err := s.credentials(context.Background(), nexthop)
			if err != nil { // elsewhere has said so before; nobody is to get mail from us as from a stranger
				return &mail.Credentials{Mechanisms: []string{"NONE"}}
			}
			return cred
		}
	}
	return nil
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
func (s *Server) dialer() (func(ctx context.Context, network, addr string) (net.Conn, error), error) {
	var own [2]net.IP
	for i, p := range []struct{ name, value string }{{"smtp_bind_address", s.set.Sending.BindAddress}, {"smtp_bind_address6", s.set.Sending.BindAddress6}} {
		if p.value == "" {
			continue
		}
		a, err := netip.ParseAddr(strings.Trim(p.value, "[]"))
		if err != nil || a.Is6() != (i == 1) {
			return nil, s.cfg.ErrorFor(p.name, errors.New("is no address of this kind"))
		}
		own[i] = a.AsSlice()
	}
	for i, a := range onlyInterfaces(s.set.Addresses.InetInterfaces) {
		if own[i] == nil && a.IsValid() {
			own[i] = a.AsSlice()
		}
	}
	if s.opts.Dial != nil || own[0] == nil && own[1] == nil {
		return s.opts.Dial, nil
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
func (s *Server) tlsPolicy(ctx context.Context, nexthop string) (mx.Policy, error) {
	level := mx.LevelMay
	switch s.set.SMTPTLSSecurityLevel {
	case "none":
		level = mx.LevelNone
	case "encrypt":
		level = mx.LevelEncrypt
	}
	if level == mx.LevelMay && s.passwords != nil {
		cred, err := s.credentials(ctx, nexthop)
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
func (s *Server) openPasswords() error {
	if !s.set.Sending.SASLAuth || s.set.Sending.SASLPasswordMaps == "" {
		return nil
	}
	l, err := lookup.OpenList(context.Background(), s.set.Sending.SASLPasswordMaps, &lookup.Options{Warn: s.warnOfTable})
	if err != nil {
		return s.cfg.ErrorFor("smtp_sasl_password_maps", err)
	}
	s.passwords = l
	s.onClose(func() { _ = l.Close() })
	return nil
}

// credentials are what to log in with at a next hop, as it stands in relayhost or by its name alone; nil for nothing.
func (s *Server) credentials(ctx context.Context, nexthop string) (*mail.Credentials, error) {
	for _, key := range []string{nexthop, hostOf(nexthop)} {
		value, found, err := s.passwords.Find(ctx, key)
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

// elsewhere delivers to other servers; notifications are signed on their way.
func (s *Server) elsewhere(nexthop string) mail.Deliverer {
	var next mail.Deliverer = s.mx.To(nexthop)
	if s.keys != nil {
		next = &mailcheck.Notices{Next: next, Keys: s.keys, Spooler: s.spooler, Log: func(text string) { s.log.Print("postfix/smtp", text) }}
	}
	if s.policy.Now().Rules.SMTPGeneric != nil {
		next = &generic{next: next, rules: s.policy.Now().Rules, spooler: s.spooler}
	}
	return next
}
