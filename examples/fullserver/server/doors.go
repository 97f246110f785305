package server

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/intake"
	"github.com/buuta/mail/examples/fullserver/mastercf"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/buuta/mail/examples/fullserver/tlscert"
	"github.com/buuta/mail/smtp/milter"
	"github.com/buuta/mail/smtp/proxyfilter"
)

// door is a service by which mail comes in, with its parameters.
type door struct {
	kind    intake.Kind
	set     *config.Settings
	policy  *policy.Policy
	filters []*milter.Filter    // smtpd_milters
	proxy   *proxyfilter.Filter // smtpd_proxy_filter
	backend *intake.Backend
	certs   *tlscert.Source // nil: no TLS
	pool    *x509.CertPool  // of authorities that vouch for clients; nil: nobody is asked for a certificate
	name    string          // by which clients are counted: "smtp"
	program string          // in the log: "postfix/smtpd"
	limit   int             // sessions at once
	svc     *mastercf.Service
}

var errNoCertificate = errors.New("needs a certificate, and smtpd_tls_cert_file is empty")

// main is the door of smtp_listen, submission_listen or lmtp_listen, whose parameters are main.cf's.
func (s *Server) main(kind intake.Kind, program string) *door {
	name := "smtp"
	if kind == intake.Submission {
		name = "submission"
	}
	return &door{kind: kind, name: name, set: s.set, policy: s.policy, filters: s.filters, certs: s.certs, program: s.set.SyslogName + "/" + program, limit: int(s.set.ProcessLimit)}
}

// door makes what a service of master.cf is.
func (s *Server) door(svc *mastercf.Service) (*door, error) {
	c, err := s.cfg.For(svc)
	if err != nil {
		return nil, err
	}
	if err := checkProtocols(c); err != nil {
		return nil, err
	}
	filters, err := s.milters(&c.Settings)
	if err != nil {
		return nil, c.ErrorFor("smtpd_milters", err)
	}
	p, err := s.doorPolicy(s.policy, c)
	if err != nil {
		return nil, err
	}
	certs, err := s.certsOf(c)
	if err != nil {
		return nil, err
	}
	pool, err := s.poolOf(c)
	if err != nil {
		return nil, err
	}
	d := &door{kind: intake.MTA, name: svc.Name, set: &c.Settings, policy: p, filters: filters, certs: certs, pool: pool, program: c.Settings.SyslogName + "/smtpd", limit: svc.Process, svc: svc}
	if d.limit < 0 {
		d.limit = int(c.Settings.ProcessLimit)
	}
	if d.proxy, err = s.proxyFilter(d); err != nil {
		return nil, c.ErrorFor("smtpd_proxy_filter", err)
	}
	s.doors = append(s.doors, d)
	s.onClose(func() { _ = p.Now().Close() })
	return d, nil
}

// override gives a door of main.cf its filter, and a policy of its own where receive_override_options or that asks for one: the server's is for its own
// mail, too.
func (s *Server) override(d *door) error {
	var err error
	if d.proxy, err = s.proxyFilter(d); err != nil {
		return s.cfg.ErrorFor("smtpd_proxy_filter", err)
	}
	if len(d.set.Filters.Overrides) == 0 {
		return nil
	}
	p, err := s.doorPolicy(s.policy, s.cfg)
	if err != nil {
		return err
	}
	d.policy = p
	s.doors = append(s.doors, d)
	s.onClose(func() { _ = p.Now().Close() })
	return nil
}

// doorPolicy is the policy as a service has it.
func (s *Server) doorPolicy(base *policy.Policy, c *config.Config) (*policy.Policy, error) {
	p, err := base.For(context.Background(), &c.Settings, s.policyOptions(c))
	if param, ok := errors.AsType[*policy.ParamError](err); ok {
		return nil, c.ErrorFor(param.Param, param.Err)
	}
	return p, err
}

// takesMaster reports whether master.cf says where SMTP is listened for: where main.cf says so itself, that counts alone.
func (s *Server) takesMaster() bool {
	return !slices.ContainsFunc([]string{"smtp_listen", "submission_listen", "submissions_listen"}, s.cfg.Given)
}

// listenMaster takes the addresses of master.cf's services.
func (s *Server) listenMaster() error {
	for _, svc := range s.cfg.Services() {
		if s.cfg.Disabled(svc) || svc.Type != "inet" && svc.Type != "unix" {
			continue
		}
		switch {
		case svc.Command == "smtpd" || svc.Command == "postscreen":
			if !s.takesMaster() {
				continue
			}
		case svc.Command == "spawn":
		case svc.Inside(), svc.Agent():
			continue
		default:
			return s.cfg.ServiceError(svc, "", fmt.Errorf("there is no program %q here; take the line out, or name the service in master_service_disable", svc.Command))
		}
		if svc.Process == 0 && svc.Command != "spawn" {
			svc.Process = int(s.set.ProcessLimit)
		}
		addrs, err := s.addresses(svc)
		if err != nil {
			return s.cfg.ServiceError(svc, "", err)
		}
		for _, a := range addrs {
			if a.Network == "unix" {
				if err := os.MkdirAll(filepath.Dir(a.Address), 0o700); err != nil {
					return s.cfg.ErrorFor("queue_directory", err)
				}
			}
			if err := s.take(a, &service{param: svc.Key(), svc: svc}); err != nil {
				return s.cfg.ServiceError(svc, "", fmt.Errorf("%s: %w", a, plainError(err)))
			}
		}
	}
	return nil
}

// addresses are where a service listens: a port, at all of inet_interfaces or at one address, or a socket in the queue's folder.
func (s *Server) addresses(svc *mastercf.Service) ([]config.Address, error) {
	if svc.Type == "unix" {
		return []config.Address{{Network: "unix", Address: s.socketOf(svc)}}, nil
	}
	if i := strings.LastIndexByte(svc.Name, ':'); i >= 0 {
		a, err := config.ParseAddress(svc.Name)
		return []config.Address{a}, err
	}
	interfaces := s.set.Addresses.InetInterfaces
	if c, err := s.cfg.For(svc); err == nil {
		interfaces = c.Settings.Addresses.InetInterfaces
	}
	var out []config.Address
	for _, host := range interfaces {
		var hosts []string
		switch host {
		case "all":
			hosts = []string{""}
		case "loopback-only":
			hosts = loopbacks(s.set.Addresses.InetProtocols)
		default:
			hosts = []string{strings.Trim(host, "[]")}
		}
		for _, h := range hosts {
			a, err := config.ParseAddress(net.JoinHostPort(h, svc.Name))
			if err != nil {
				return nil, err
			}
			out = append(out, a)
		}
	}
	return out, nil
}

// loopbacks are this machine's own addresses, of the kinds of inet_protocols that it has.
func loopbacks(protocols []string) []string {
	var out []string
	for _, kind := range []struct{ protocol, network, host string }{{"ipv4", "tcp4", "127.0.0.1"}, {"ipv6", "tcp6", "::1"}} {
		if !slices.Contains(protocols, kind.protocol) && !slices.Contains(protocols, "all") {
			continue
		}
		if l, err := net.Listen(kind.network, net.JoinHostPort(kind.host, "0")); err == nil {
			_ = l.Close()
			out = append(out, kind.host)
		}
	}
	return out
}

// socketOf is where a service's socket is.
func (s *Server) socketOf(svc *mastercf.Service) string {
	folder := "public"
	if svc.Private {
		folder = "private"
	}
	return filepath.Join(s.set.QueueDirectory, folder, svc.Name)
}

// buildMaster gives a listener of master.cf what serves it.
func (s *Server) buildMaster(v *service) error {
	if v.svc.Command == "spawn" {
		p, err := s.spawner(v.svc)
		if err != nil {
			return s.cfg.ServiceError(v.svc, "", err)
		}
		v.serve, s.servers = p.Serve, append(s.servers, p)
		return nil
	}
	for _, other := range s.services { // one server for all addresses of a service
		if other.svc == v.svc && other.serve != nil {
			v.serve = other.serve
			return nil
		}
	}
	if v.svc.Command == "postscreen" {
		return s.buildPostscreen(v)
	}
	d, err := s.door(v.svc)
	if err != nil {
		return err
	}
	srv := s.smtpServer(d)
	if err := s.guardDoor(d, srv); err != nil {
		return err
	}
	r := s.renewable(d, srv)
	v.serve = r.Serve
	if d.set.Receiving.TLSFirst {
		if d.certs == nil {
			return s.cfg.ServiceError(v.svc, "smtpd_tls_wrappermode", errNoCertificate)
		}
		v.serve = r.ServeTLS
	}
	return nil
}

// reloadDoors gives master.cf's services their parameters anew, over a new policy.
func (s *Server) reloadDoors(c *config.Config, base *policy.Policy) error {
	fresh := make([]*policy.Policy, len(s.doors))
	for i, d := range s.doors {
		if d.svc == nil {
			var err error
			if fresh[i], err = s.doorPolicy(base, c); err != nil {
				closePolicies(fresh)
				return err
			}
			continue
		}
		j := slices.IndexFunc(c.Services(), func(v *mastercf.Service) bool { return v.Key() == d.svc.Key() })
		if j < 0 {
			continue
		}
		own, err := c.For(c.Services()[j])
		if err == nil {
			fresh[i], err = s.doorPolicy(base, own)
		}
		if err != nil {
			closePolicies(fresh)
			return err
		}
	}
	for i, p := range fresh {
		if p != nil {
			s.doors[i].policy.Replace(p)
		}
	}
	return nil
}

func closePolicies(list []*policy.Policy) {
	for _, p := range list {
		if p != nil {
			_ = p.Close()
		}
	}
}
