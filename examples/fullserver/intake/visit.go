package intake

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"strings"

	"github.com/buuta/mail/examples/fullserver/checks"
	"github.com/buuta/mail/examples/fullserver/clientcert"
	"github.com/buuta/mail/examples/fullserver/restrict"
)

// client is what restrictions are told of who has connected.
func (s *session) client() restrict.Client {
	c := restrict.Client{Name: s.c.ClientName(), Protocol: s.c.Protocol(), Method: s.c.Mechanism(), TLS: s.c.TLS() != nil}
	if c.Name == "unknown" {
		c.Name = ""
	}
	c.Reverse = c.Name
	if state := s.c.TLS(); state != nil {
		c.TLSVersion, c.Cipher, c.CipherBits = clientcert.Version(state), tls.CipherSuiteName(state.CipherSuite), clientcert.Bits(state.CipherSuite)
		if len(state.PeerCertificates) > 0 {
			leaf := state.PeerCertificates[0]
			c.Cert, c.CertKey = clientcert.Fingerprints(leaf, s.b.Digest)
			c.CertTrusted = len(state.VerifiedChains) > 0
			c.CertSubject, c.CertIssuer = leaf.Subject.CommonName, leaf.Issuer.CommonName
		}
	}
	if a, ok := s.c.RemoteAddr().(*net.TCPAddr); ok {
		ip, _ := netip.AddrFromSlice(a.IP)
		c.Addr, c.Port = ip.Unmap(), a.Port
	}
	if id := s.c.Identity(); id != nil {
		c.Login, c.Account = id.Username, id.AccountName()
	}
	return c
}

// StartData implements smtp.DataStarter: smtpd_data_restrictions.
func (t *transaction) StartData(ctx context.Context) error {
	if t.s.visit == nil {
		return nil
	}
	recipients := make([]string, len(t.said))
	for i := range t.said {
		recipients[i] = t.said[i].to
	}
	if r := t.s.visit.Data(ctx, recipients); r != nil {
		return r
	}
	if t.s.filters != nil {
		if err := t.filtered(t.s.filters.Data(ctx)); err != nil {
			return err
		}
	}
	if t.proxy != nil {
		return t.proxyData(ctx)
	}
	return nil
}

// endOfData asks smtpd_end_of_data_restrictions.
func (t *transaction) endOfData(ctx context.Context) error {
	if t.s.visit == nil {
		return nil
	}
	if r := t.s.visit.EndOfData(ctx, t.msg.Size); r != nil {
		return r
	}
	return nil
}

// ordered does what access tables and policy servers want done with the message: before its content is looked at.
func (t *transaction) ordered(ctx context.Context, r io.Reader) error {
	if t.s.visit == nil {
		return nil
	}
	m := &t.s.visit.Message
	v := checks.Verdict{Discard: m.Discard != "", Hold: m.Hold != "", Filter: m.Filter, Redirect: m.Redirect, BCC: m.BCC}
	if err := t.obey(ctx, &v); err != nil || !t.discarded {
		return err
	}
	_, err := io.Copy(io.Discard, r)
	return err
}

// prepended are the header fields of PREPEND.
func (t *transaction) prepended() string {
	if t.s.visit == nil || len(t.s.visit.Message.Prepend) == 0 {
		return ""
	}
	return strings.Join(t.s.visit.Message.Prepend, "\r\n") + "\r\n"
}
