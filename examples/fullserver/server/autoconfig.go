package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail/examples/fullserver/autoconfig"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/mastercf"
	"github.com/buuta/mail/smtp/rewrite"
)

// reached is a service at an address of this machine.
type reached struct {
	autoconfig.Service
	host string
}

// programService says as what users' programs know a listener; ok is false for one that isn't theirs.
func (s *Server) programService(param string, svc *mastercf.Service) (v autoconfig.Service, ok bool) {
	switch param {
	case "submission_listen":
		return autoconfig.Service{Protocol: "smtp"}, true
	case "submissions_listen":
		return autoconfig.Service{Protocol: "smtp", TLS: true}, true
	case "imap_listen":
		return autoconfig.Service{Protocol: "imap"}, true
	case "imaps_listen":
		return autoconfig.Service{Protocol: "imap", TLS: true}, true
	case "pop3_listen":
		return autoconfig.Service{Protocol: "pop3"}, true
	case "pop3s_listen":
		return autoconfig.Service{Protocol: "pop3", TLS: true}, true
	}
	if svc == nil || svc.Type != "inet" || svc.Command != "smtpd" {
		return v, false
	}
	port := svc.Name[strings.LastIndexByte(svc.Name, ':')+1:]
	if !slices.Contains([]string{"submission", "587", "submissions", "smtps", "465"}, port) {
		return v, false
	}
	c, err := s.cfg.For(svc)
	return autoconfig.Service{Protocol: "smtp", TLS: err == nil && c.Settings.Receiving.TLSFirst}, err == nil
}

// offered are the services that programs are told of: one of each kind, and those that only this machine reaches when there are no others. None is
// told of without a certificate: passwords would be read on the way.
func offered(list []reached, encrypted bool) []autoconfig.Service {
	if !encrypted {
		return nil
	}
	outside := slices.ContainsFunc(list, func(r reached) bool { return !onlyHere(r.host) })
	var out []autoconfig.Service
	for _, r := range list {
		same := func(v autoconfig.Service) bool { return v.Protocol == r.Protocol && v.TLS == r.TLS }
		if r.Port == 0 || outside && onlyHere(r.host) || slices.ContainsFunc(out, same) {
			continue
		}
		out = append(out, r.Service)
	}
	autoconfig.Sort(out)
	return out
}

func onlyHere(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Programs returns what users' programs are to be told of a configuration's services, and the ports of its web servers that speak TLS.
func Programs(c *config.Config) (services []autoconfig.Service, https []uint16) {
	s := newServer(c, Options{})
	defer s.closeAll()
	var list []reached
	add := func(param string, svc *mastercf.Service, addrs []config.Address) {
		v, ok := s.programService(param, svc)
		if !ok {
			return
		}
		for _, a := range addrs {
			if host, port, ok := hostPort(a); ok {
				v.Port = port
				list = append(list, reached{v, host})
			}
		}
	}
	for _, l := range c.Listens() {
		add(l.Param, nil, l.Addresses)
	}
	if s.takesMaster() {
		for _, svc := range c.Services() {
			if !c.Disabled(svc) && svc.Type == "inet" {
				if addrs, err := s.addresses(svc); err == nil {
					add(svc.Key(), svc, addrs)
				}
			}
		}
	}
	if s.set.Autoconfig {
		for _, a := range slices.Concat(s.set.WebmailsListen, s.set.HTTPSListen) {
			if _, port, ok := hostPort(a); ok && port > 0 {
				https = append(https, port)
			}
		}
	}
	return offered(list, !s.set.TLS.None()), https
}

// hostPort takes an address apart; ok is false for a socket of the file system.
func hostPort(a config.Address) (host string, port uint16, ok bool) {
	host, text, err := net.SplitHostPort(a.Address)
	if err != nil || a.Network == "unix" {
		return "", 0, false
	}
	n, err := strconv.ParseUint(text, 10, 16)
	return host, uint16(n), err == nil
}

// programs puts what users' programs ask before a web server's pages.
func (s *Server) programs(next http.Handler) http.Handler {
	if !s.set.Autoconfig {
		return next
	}
	var list []reached
	secure := ""
	for _, v := range s.services {
		a, ok := v.listener.Addr().(*net.TCPAddr)
		if !ok {
			continue
		}
		if p, ok := s.programService(v.param, v.svc); ok {
			p.Port = uint16(a.Port)
			list = append(list, reached{p, a.IP.String()})
		}
		if (v.param == "webmails_listen" || v.param == "https_listen") && secure == "" {
			secure = "https://" + s.set.MyHostname
			if a.Port != 443 {
				secure = "https://" + net.JoinHostPort(s.set.MyHostname, strconv.Itoa(a.Port))
			}
		}
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(s.set.AuthMechanisms, func(m string) bool { return slices.Contains(names, m) })
	}
	site := autoconfig.Site{Hostname: s.set.MyHostname, Services: offered(list, s.certs != nil), Password: has("plain", "login"), CRAM: has("cram-md5")}
	h := &autoconfig.Handler{Hosts: s.hosts, Secure: secure, Now: s.opts.Now, Site: func() *autoconfig.Site {
		now := site
		now.Certificate = s.certificateFor(site.Hostname)
		return &now
	}}
	return h.Before(next)
}

// hosts reports whether a domain's users have mailboxes here. Whether there is a user is not asked.
func (s *Server) hosts(ctx context.Context, domain string) (bool, error) {
	t, err := s.policy.Now().Kind(ctx, "postmaster@"+domain)
	if err != nil {
		return false, err
	}
	return t.Kind == rewrite.Local || t.Kind == rewrite.VirtualMailbox, nil
}

// certificateFor is the certificate that a client of today sees; nil without one.
func (s *Server) certificateFor(host string) *tls.Certificate {
	if s.certs == nil {
		return nil
	}
	c, err := s.certs.Certificate(&tls.ClientHelloInfo{ServerName: host, SupportedVersions: []uint16{tls.VersionTLS13, tls.VersionTLS12},
		CipherSuites:     []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.ECDSAWithP384AndSHA384, tls.ECDSAWithP521AndSHA512, tls.PSSWithSHA256, tls.PKCS1WithSHA256},
		SupportedCurves:  []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}, SupportedPoints: []uint8{0}})
	if err != nil {
		return nil
	}
	return c
}
