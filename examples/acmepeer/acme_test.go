package acmepeer

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/stretchr/testify/require"
)

// site is a fullserver that gets its certificates from an authority.
type site struct {
	*authority
	s    *server.Server
	dir  string
	skew atomic.Int64 // how far its clock goes before ours
	end  func()
}

func start(t *testing.T, a *authority, dir string, params ...string) *site {
	t.Helper()
	s := &site{authority: a, dir: dir}
	require.NoError(t, os.WriteFile(s.dir+"/users", []byte("alice@example.test:{PLAIN}secret\n"), 0o600))
	c, err := config.Load(config.Options{Overrides: append([]string{
		"data_directory=" + s.dir, "myhostname=mail.example.test", "maillog_file=" + s.dir + "/mail.log", "virtual_mailbox_domains=example.test", "mail_auth_check=no",
		"smtp_listen=127.0.0.1:0", "imaps_listen=127.0.0.1:0", "http_listen=127.0.0.1:0", "https_listen=127.0.0.1:0",
		"acme_names=$myhostname imap.example.test", "acme_accept_terms=yes", "acme_directory=" + a.url, "acme_ca_file=" + a.roots, "acme_contact=postmaster@example.test",
	}, params...)})
	require.NoError(t, err)
	s.s, err = server.Open(c, server.Options{Now: func() time.Time { return time.Now().Add(time.Duration(s.skew.Load())) }})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.s.Serve(ctx, nil) }()
	ended := false
	s.end = func() {
		if !ended {
			ended = true
			cancel()
			require.NoError(t, <-done)
		}
	}
	t.Cleanup(s.end)
	t.Cleanup(func() {
		if b, err := os.ReadFile(s.dir + "/mail.log"); t.Failed() && err == nil {
			t.Logf("the log:\n%s", b)
		}
	})
	return s
}

func (s *site) port(param string) int { return s.s.Addrs(param)[0].(*net.TCPAddr).Port }

// shown returns the certificate that IMAP clients see who ask for a name, "" for none.
func (s *site) shown(name string) *x509.Certificate {
	s.t.Helper()
	c, err := tls.Dial("tcp", s.s.Addrs("imaps_listen")[0].String(), &tls.Config{InsecureSkipVerify: true, ServerName: name})
	require.NoError(s.t, err)
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0]
}

// good reports whether clients that believe the authority are content.
func (s *site) good(name string) bool {
	b, err := os.ReadFile(s.issue)
	require.NoError(s.t, err)
	pool := x509.NewCertPool()
	require.True(s.t, pool.AppendCertsFromPEM(b))
	c, err := tls.Dial("tcp", s.s.Addrs("imaps_listen")[0].String(), &tls.Config{RootCAs: pool, ServerName: name})
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

func (s *site) until(what string, f func() bool) {
	s.t.Helper()
	require.Eventually(s.t, f, 60*time.Second, 20*time.Millisecond, what)
}

func (s *site) logged(pattern string) {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	s.until(pattern, func() bool {
		b, err := os.ReadFile(s.dir + "/mail.log")
		return err == nil && re.Match(b)
	})
}

// From nothing to certificates that clients believe, by either proof; then a renewal, during which a session goes on.
func TestIssueAndRenew(t *testing.T) {
	for _, proof := range []string{"http-01", "tls-alpn-01"} {
		t.Run(proof, func(t *testing.T) {
			a := newAuthority(t)
			a.names.Store("mail.example.test.", true)
			a.names.Store("imap.example.test.", true)
			s := start(t, a, t.TempDir(), "acme_challenges="+proof)
			require.False(t, s.good("mail.example.test"), "the self-signed one, until there is another")
			a.begin(s.port("http_listen"), s.port("https_listen"), false)
			for _, name := range []string{"mail.example.test", "imap.example.test"} {
				s.until(name, func() bool { return s.good(name) })
				require.Equal(t, []string{name}, s.shown(name).DNSNames)
			}
			s.until("clients that name nobody", func() bool {
				return s.shown("").VerifyHostname("mail.example.test") == nil && s.good("mail.example.test")
			})
			s.logged(`fullserver/acme\[\d+\]: acme: certificate for mail\.example\.test until [-\d]+ [\d:]+ UTC, by Pebble Intermediate CA`)

			conn, err := net.Dial("tcp", s.s.Addrs("smtp_listen")[0].String())
			require.NoError(t, err)
			defer conn.Close()
			r := bufio.NewReader(conn)
			say := func(text string) string {
				_, err := conn.Write([]byte(text))
				require.NoError(t, err)
				for {
					line, err := r.ReadString('\n')
					require.NoError(t, err)
					if len(line) > 3 && line[3] == ' ' {
						return strings.TrimSpace(line)
					}
				}
			}
			say("")
			say("EHLO c.test\r\n")
			require.Contains(t, say("STARTTLS\r\n"), "220 ")
			tc := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
			require.NoError(t, tc.Handshake())
			conn, r = tc, bufio.NewReader(tc)
			before := s.shown("mail.example.test")
			s.s.Reload()
			require.Equal(t, before.SerialNumber, s.shown("mail.example.test").SerialNumber, "it is not due")
			s.skew.Store(int64(5 * 24 * time.Hour)) // of six days
			s.s.Reload()
			s.until("a new one", func() bool { return s.shown("mail.example.test").SerialNumber.Cmp(before.SerialNumber) != 0 })
			require.NotEqual(t, before.PublicKey, s.shown("mail.example.test").PublicKey, "with a key of its own")
			require.Contains(t, say("EHLO c.test\r\n"), "250 ", "the session goes on")
			require.Contains(t, say("NOOP\r\n"), "250 ")
		})
	}
}

// An authority that is down, and a name that the DNS doesn't have: what is there stays, the log says what is wrong, and the other name isn't kept waiting.
func TestTroubles(t *testing.T) {
	a := newAuthority(t)
	a.names.Store("mail.example.test.", true)
	dir := t.TempDir()
	s := start(t, a, dir)
	a.begin(s.port("http_listen"), s.port("https_listen"), false)
	s.until("the one that is right", func() bool { return s.good("mail.example.test") })
	s.logged(`fullserver/acme\[\d+\]: warning: acme: no new certificate for imap\.example\.test: the authority can't find the proof: connection: .*could not resolve URL "http://imap\.example\.test.*; there is none, and it is tried again in 5m0s\n`)
	require.Equal(t, "mail.example.test", s.shown("imap.example.test").DNSNames[0], "better than nothing")
	before := s.shown("mail.example.test")

	a.down.Store(true)
	s.skew.Store(int64(5 * 24 * time.Hour))
	s.s.Reload()
	s.logged(`warning: acme: no new certificate for mail\.example\.test: account: .*; the one until [-\d]+ [\d:]+ UTC stays in use, and it is tried again in 5m0s\n`)
	require.Equal(t, before.SerialNumber, s.shown("mail.example.test").SerialNumber)

	// It is back, and the DNS is right; a restart alone is no reason to ask before the time.
	a.down.Store(false)
	a.names.Store("imap.example.test.", true)
	s.skew.Store(int64(5*24*time.Hour + 11*time.Minute))
	s.s.Reload()
	s.until("renewed", func() bool { return s.shown("mail.example.test").SerialNumber.Cmp(before.SerialNumber) != 0 })
	s.until("both", func() bool { return s.good("imap.example.test") })

	// After a restart they are there at once, for those who name no host as well.
	s.end()
	a.down.Store(true)
	s = start(t, a, dir)
	require.True(t, s.good("mail.example.test"))
	require.True(t, s.good("imap.example.test"))
	require.Equal(t, "mail.example.test", s.shown("").DNSNames[0])
}

// RFC 8555 section 7.3.4: an authority that wants to know whose the account is.
func TestExternalAccount(t *testing.T) {
	a := newAuthority(t)
	a.names.Store("mail.example.test.", true)
	require.NoError(t, a.db.AddExternalAccountKeyByID("kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"))
	key := t.TempDir() + "/mac"
	require.NoError(t, os.WriteFile(key, []byte("zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W\n"), 0o600))
	s := start(t, a, t.TempDir(), "acme_names=mail.example.test", "acme_key_id=kid-1", "acme_mac_key_file="+key)
	a.begin(s.port("http_listen"), s.port("https_listen"), true)
	s.until("issued", func() bool { return s.good("mail.example.test") })
}
