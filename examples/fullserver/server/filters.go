package server

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/intake"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/proxyfilter"
)

// filter sets what has to do with content filters: where mail goes first, and what is left out on its way there and back.
func (s *Server) filter(d *door, b *intake.Backend) {
	if d.kind == intake.LMTP {
		return
	}
	f := &d.set.Filters
	b.Filter, b.FilterHop = f.Content, f.Nexthop
	b.Proxy = d.proxy
	if f.Without("no_header_body_checks") {
		b.Checks = nil
	}
	if f.Without("no_milters") { // our own check and signature stand where milters do
		b.Milters, b.Check, b.Keys, b.Checked = nil, nil, nil, true
	}
	if f.Without("no_address_mappings") {
		b.AlwaysBCC = ""
	}
}

// proxyFilter reads smtpd_proxy_filter: "host:port", "inet:host:port" or "unix:path"; without a host it is this machine.
func (s *Server) proxyFilter(d *door) (*proxyfilter.Filter, error) {
	f := &d.set.Filters
	if f.Proxy == "" || d.kind == intake.LMTP {
		return nil, nil
	}
	out := &proxyfilter.Filter{Timeout: f.ProxyTimeout, Options: smtp.ClientOptions{LocalName: f.ProxyName, TLS: smtp.TLSNone, Dial: s.opts.Dial}}
	if path, ok := strings.CutPrefix(f.Proxy, "unix:"); ok {
		if !filepath.IsAbs(path) {
			path = filepath.Join(s.set.QueueDirectory, path)
		}
		out.Addr = "unix:" + path
	} else {
		host, port, err := net.SplitHostPort(strings.TrimPrefix(f.Proxy, "inet:"))
		if err != nil {
			host, port = "", strings.TrimPrefix(f.Proxy, "inet:")
		}
		if host == "" {
			host = "localhost"
		}
		if _, err := net.LookupPort("tcp", port); err != nil {
			return nil, errors.New("is not host:port, inet:host:port or unix:path")
		}
		out.Addr = net.JoinHostPort(host, port)
	}
	if slices.Contains(f.ProxyOptions, "speed_adjust") {
		out.Spool = func(r io.Reader) (proxyfilter.Spooled, error) {
			b, err := s.spooler.Read(r)
			if err != nil {
				return nil, err
			}
			return b, nil
		}
	}
	return out, nil
}
