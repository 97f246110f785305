// Package nameserver answers for a zone of package mailauthtest by the DNS's protocol, on a loopback address: for tests with programs
// that can't be given a resolver.
package nameserver

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/miekg/dns"

	"github.com/buuta/mail/internal/dnstext"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

// Server is a name server, over UDP and TCP.
type Server struct {
	Addr string // host and port, the same for both

	zone    atomic.Pointer[mailauthtest.Zone]
	servers []*dns.Server
	done    sync.WaitGroup
}

// Start starts a server on 127.0.0.1, at a port that is free.
func Start(zone *mailauthtest.Zone) (*Server, error) {
	pc, l, err := listen()
	if err != nil {
		return nil, err
	}
	return serve(zone, pc, l), nil
}

// StartAt starts a server at an address with a port, 53 for programs that can't be told another one.
func StartAt(zone *mailauthtest.Zone, addr string) (*Server, error) {
	pc, err := net.ListenPacket("udp", addr)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		pc.Close()
		return nil, err
	}
	return serve(zone, pc, l), nil
}

func serve(zone *mailauthtest.Zone, pc net.PacketConn, l net.Listener) *Server {
	s := &Server{}
	s.zone.Store(zone)
	s.Addr = pc.LocalAddr().String()
	handler := dns.HandlerFunc(s.answer)
	for _, srv := range []*dns.Server{{PacketConn: pc, Handler: handler}, {Listener: l, Handler: handler}} {
		started := make(chan struct{})
		srv.NotifyStartedFunc = func() { close(started) }
		s.servers = append(s.servers, srv)
		s.done.Go(func() { srv.ActivateAndServe() })
		<-started
	}
	return s
}

// listen returns a port that is free for both UDP and TCP: what is free for one may be taken for the other.
func listen() (pc net.PacketConn, l net.Listener, err error) {
	for range 20 {
		if pc, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			return nil, nil, err
		}
		if l, err = net.Listen("tcp", pc.LocalAddr().String()); err == nil {
			return pc, l, nil
		}
		pc.Close()
	}
	return nil, nil, err
}

// SetZone answers for another zone from now on.
func (s *Server) SetZone(zone *mailauthtest.Zone) { s.zone.Store(zone) }

// Close ends the server.
func (s *Server) Close() error {
	var err error
	for _, srv := range s.servers {
		err = errors.Join(err, srv.Shutdown())
	}
	s.done.Wait()
	return err
}

func (s *Server) answer(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	if len(q.Question) == 1 {
		var err error
		m.Answer, err = s.records(q.Question[0])
		name := strings.TrimSuffix(dnstext.Unescape(q.Question[0].Name), ".")
		if known, failed := s.zone.Load().Exists(context.Background(), name); failed != nil {
			m.Rcode = dns.RcodeServerFailure
		} else if err != nil && !known {
			m.Rcode = dns.RcodeNameError
		}
		var d *net.DNSError
		if errors.As(err, &d) && !d.IsNotFound {
			m.Rcode = dns.RcodeServerFailure
		}
	}
	if w.RemoteAddr().Network() == "udp" {
		size := dns.MinMsgSize
		if o := q.IsEdns0(); o != nil {
			size = int(o.UDPSize())
		}
		m.Truncate(size)
	}
	w.WriteMsg(m)
}

func (s *Server) records(q dns.Question) (out []dns.RR, err error) {
	zone, ctx, name := s.zone.Load(), context.Background(), dnstext.Unescape(q.Name)
	head := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET}
	switch q.Qtype {
	case dns.TypeTXT:
		list, err := zone.LookupTXT(ctx, name)
		for _, text := range list {
			rr := &dns.TXT{Hdr: head}
			for len(text) > 255 {
				rr.Txt, text = append(rr.Txt, dnstext.Escape(text[:255])), text[255:]
			}
			rr.Txt = append(rr.Txt, dnstext.Escape(text))
			out = append(out, rr)
		}
		return out, err
	case dns.TypeA, dns.TypeAAAA:
		list, err := zone.LookupNetIP(ctx, map[uint16]string{dns.TypeA: "ip4", dns.TypeAAAA: "ip6"}[q.Qtype], name)
		for _, a := range list {
			if a.Is4() {
				out = append(out, &dns.A{Hdr: head, A: a.AsSlice()})
			} else {
				out = append(out, &dns.AAAA{Hdr: head, AAAA: a.AsSlice()})
			}
		}
		return out, err
	case dns.TypeMX:
		list, err := zone.LookupMX(ctx, name)
		for _, mx := range list {
			out = append(out, &dns.MX{Hdr: head, Preference: mx.Pref, Mx: dns.Fqdn(mx.Host)})
		}
		return out, err
	case dns.TypePTR:
		list, err := zone.LookupAddr(ctx, address(name))
		for _, name := range list {
			out = append(out, &dns.PTR{Hdr: head, Ptr: dns.Fqdn(name)})
		}
		return out, err
	}
	return nil, nil
}

// address turns a name in in-addr.arpa or ip6.arpa into the address, "" for others.
func address(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if rest, ok := strings.CutSuffix(name, ".in-addr.arpa"); ok {
		p := strings.Split(rest, ".")
		for i, j := 0, len(p)-1; i < j; i, j = i+1, j-1 {
			p[i], p[j] = p[j], p[i]
		}
		return strings.Join(p, ".")
	}
	rest, ok := strings.CutSuffix(name, ".ip6.arpa")
	if !ok || len(rest) != 63 {
		return ""
	}
	var b strings.Builder
	for i := 62; i >= 0; i -= 2 {
		b.WriteByte(rest[i])
		if i%8 == 0 && i > 0 {
			b.WriteByte(':')
		}
	}
	a, err := netip.ParseAddr(b.String())
	if err != nil {
		return ""
	}
	return a.String()
}
