package dnssec

import (
	"context"
	"net"
	"time"

	"github.com/miekg/dns"

	"github.com/buuta/mail/internal/dnstext"
)

// ask puts one question. An answer that says that there is no such name is an error with IsNotFound; secure holds for
// it too. SERVFAIL, which is what a validating resolver says of a bogus answer, is temporary.
func (r *Resolver) ask(ctx context.Context, name string, kind uint16) (*dns.Msg, bool, error) {
	r.once.Do(r.setup)
	name = dnstext.Escape(name) // package dns reads it as the beginning of an escape
	if _, ok := dns.IsDomainName(name); !ok {
		return nil, false, &net.DNSError{Err: "bad name", Name: name, IsNotFound: true}
	}
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), kind)
	q.AuthenticatedData = true
	q.SetEdns0(1232, true)
	attempts := r.Attempts
	if attempts <= 0 {
		attempts = 2
	}
	last := &net.DNSError{Err: "no server", Name: name, IsTemporary: true}
	for range attempts {
		for _, s := range r.servers {
			q.Id = dns.Id()
			m, err := r.exchange(ctx, q, s.addr)
			switch {
			case ctx.Err() != nil:
				return nil, false, &net.DNSError{Err: ctx.Err().Error(), Name: name, Server: s.addr, IsTimeout: true, IsTemporary: true}
			case err != nil:
				last = &net.DNSError{Err: err.Error(), Name: name, Server: s.addr, IsTemporary: true}
			case m.Rcode == dns.RcodeSuccess:
				return m, m.AuthenticatedData && s.trusted, nil
			case m.Rcode == dns.RcodeNameError:
				return nil, m.AuthenticatedData && s.trusted, &net.DNSError{Err: "no such host", Name: name, Server: s.addr, IsNotFound: true}
			default:
				last = &net.DNSError{Err: dns.RcodeToString[m.Rcode], Name: name, Server: s.addr, IsTemporary: true}
			}
		}
	}
	return nil, false, last
}

// exchange asks one server by UDP, and again by TCP when the answer didn't fit.
func (r *Resolver) exchange(ctx context.Context, q *dns.Msg, addr string) (*dns.Msg, error) {
	m, err := r.exchangeOver(ctx, "udp", q, addr)
	if err == nil && m.Truncated {
		return r.exchangeOver(ctx, "tcp", q, addr)
	}
	return m, err
}

func (r *Resolver) exchangeOver(ctx context.Context, network string, q *dns.Msg, addr string) (*dns.Msg, error) {
	d := r.Timeout
	if d == 0 {
		d = 5 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	dial := r.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	c := dns.Client{Net: network, Timeout: d, UDPSize: 1232}
	m, _, err := c.ExchangeWithConnContext(ctx, q, &dns.Conn{Conn: conn, UDPSize: 1232})
	if err != nil {
		return nil, err
	}
	if len(m.Question) != 1 || m.Question[0].Qtype != q.Question[0].Qtype {
		return nil, dns.ErrId
	}
	return m, nil
}
