package dnstext_test

import (
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/dnstext"
)

// What goes through the wire in either direction is what was meant.
func FuzzTexts(f *testing.F) {
	f.Add(`plain`)
	f.Add("\\ \" \x00\xff \\065 @;.")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 255 {
			return
		}
		m := new(dns.Msg)
		m.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: "x.", Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{dnstext.Escape(s)}}}
		wire, err := m.Pack()
		require.NoError(t, err)
		got := new(dns.Msg)
		require.NoError(t, got.Unpack(wire))
		require.Equal(t, s, dnstext.Unescape(got.Answer[0].(*dns.TXT).Txt[0]))
	})
}
