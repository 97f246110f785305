package tlspolicy_test

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/tlspolicy"
	"github.com/buuta/mail/smtp/mx"
	"github.com/stretchr/testify/require"
)

type table map[string]string

func (t table) Find(_ context.Context, key string) (string, bool, error) {
	if key == "fails.test" {
		return "", false, errors.New("broken")
	}
	v, ok := t[key]
	return v, ok, nil
}

var digest = strings.Repeat("0A:", 31) + "0a"

func TestFor(t *testing.T) {
	r := &tlspolicy.Rules{Level: "may", Secure: true, Table: table{
		"none.test": "none", "[smart.test]:587": "secure match=smart.test:.other.test", "sec.test": "secure", ".parent.test": "encrypt protocols=TLSv1.3",
		"ver.test": "verify", "ver2.test": "verify match=hostname|x.test", "fp.test": "fingerprint match=" + digest, "dane.test": "dane-only ciphers=high",
		"bad.test": "secure color=red", "worse.test": "sometimes", "old.test": "may protocols=TLSv1", "fp2.test": "fingerprint", "port.test": "encrypt",
	}}
	both := mx.Policy{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13}
	with := func(change func(*mx.Policy)) mx.Policy { p := both; change(&p); return p }
	for hop, want := range map[string]mx.Policy{
		"other.test":       with(func(p *mx.Policy) { p.Level = mx.LevelMay }),
		"None.TEST":        with(func(p *mx.Policy) { p.Level = mx.LevelNone }),
		"[none.test]":      with(func(p *mx.Policy) { p.Level = mx.LevelMay }),
		"[smart.test]:587": with(func(p *mx.Policy) { p.Level, p.Names = mx.LevelVerify, []string{"smart.test", ".other.test"} }),
		"sec.test":         with(func(p *mx.Policy) { p.Level, p.Names = mx.LevelVerify, []string{"sec.test", ".sec.test"} }),
		"a.b.parent.test":  {Level: mx.LevelEncrypt, MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS13},
		"parent.test":      with(func(p *mx.Policy) { p.Level = mx.LevelMay }),
		"ver.test":         with(func(p *mx.Policy) { p.Level, p.MXName = mx.LevelVerify, true }),
		"ver2.test":        with(func(p *mx.Policy) { p.Level, p.MXName, p.Names = mx.LevelVerify, true, []string{"x.test"} }),
		"fp.test":          with(func(p *mx.Policy) { p.Level, p.Fingerprints = mx.LevelFingerprint, []string{digest} }),
		"dane.test":        with(func(p *mx.Policy) { p.Level = mx.LevelDANEOnly }),
		"port.test:2525":   with(func(p *mx.Policy) { p.Level = mx.LevelEncrypt }),
	} {
		got, _, err := r.For(t.Context(), hop)
		require.NoError(t, err, hop)
		require.Equal(t, want, got, hop)
	}
	// A policy that can't be read lets no mail out in a way that nobody has chosen.
	for hop, want := range map[string]string{
		"bad.test":   `TLS policy for bad.test: unknown attribute "color": there are match, protocols, tafile, ciphers, exclude, connection_reuse`,
		"worse.test": `TLS policy for worse.test: "sometimes" is no security level: there are none, may, encrypt, fingerprint, dane, dane-only, verify, secure`,
		"old.test":   "TLS policy for old.test: TLSv1 leaves neither TLS 1.2 nor 1.3, which are what is spoken",
		"fp2.test":   "TLS policy for fp2.test: level fingerprint needs match=, or smtp_tls_fingerprint_cert_match",
		"fails.test": "broken",
	} {
		_, _, err := r.For(t.Context(), hop)
		reply := mail.ReplyOf(err)
		require.True(t, reply.Temporary(), hop)
		require.ErrorContains(t, reply.Err, want)
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		r           tlspolicy.Rules
		param, want string
	}{
		{tlspolicy.Rules{}, "", ""},
		{tlspolicy.Rules{Level: "dane"}, "smtp_tls_security_level", "level dane needs smtp_dns_support_level = dnssec"},
		{tlspolicy.Rules{Level: "fingerprint", Fingerprints: []string{"ab"}}, "smtp_tls_security_level", `"ab" is no SHA-256 fingerprint of 32 octets in hex`},
		{tlspolicy.Rules{Protocols: []string{"!SSLv2", "!SSLv3"}, Mandatory: []string{">=TLSv1"}}, "", ""},
		{tlspolicy.Rules{Protocols: []string{"TLSv4"}}, "smtp_tls_protocols", `"TLSv4" is no version of TLS: write >=TLSv1.2 or the like`},
		{tlspolicy.Rules{Mandatory: []string{"<=TLSv1.1"}}, "smtp_tls_mandatory_protocols", "<=TLSv1.1 leaves neither TLS 1.2 nor 1.3, which are what is spoken"},
		{tlspolicy.Rules{Mandatory: []string{"=>TLSv1.1"}}, "smtp_tls_mandatory_protocols", `"=>TLSv1.1" is no bound: write >=TLSv1.2 or the like`},
	} {
		param, err := tt.r.Check()
		require.Equal(t, tt.param, param)
		if tt.want == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, tt.want)
		}
	}
	least, most, err := tlspolicy.Versions([]string{">=TLSv1", "!TLSv1.3"})
	require.NoError(t, err)
	require.Equal(t, []uint16{tls.VersionTLS12, tls.VersionTLS12}, []uint16{least, most})
}
