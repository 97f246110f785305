package tlscert_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/tlscert"
	"github.com/stretchr/testify/require"
)

func open(file string, warn func(error)) (*tlscert.Source, error) {
	return tlscert.Open(tlscert.Options{Files: tlscert.Files{Pairs: []tlscert.Pair{{Cert: file, Key: file}}}, Warn: warn})
}

// shown returns the certificate that a client sees.
func shown(t *testing.T, c *tls.Config) *x509.Certificate {
	t.Helper()
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	done := make(chan error, 1)
	go func() { done <- tls.Server(server, c).Handshake() }()
	tc := tls.Client(client, &tls.Config{InsecureSkipVerify: true})
	require.NoError(t, tc.Handshake())
	require.NoError(t, <-done)
	return tc.ConnectionState().PeerCertificates[0]
}

func TestSelfSigned(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tls.pem")
	now := time.Now()
	require.NoError(t, tlscert.SelfSigned(file, now, "mail.example.test", "localhost", "127.0.0.1"))
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	s, err := open(file, nil)
	require.NoError(t, err)
	c := shown(t, s.Config())
	require.NoError(t, c.VerifyHostname("mail.example.test"))
	require.NoError(t, c.VerifyHostname("127.0.0.1"))
	require.Error(t, c.VerifyHostname("example.test"))
	require.True(t, c.NotAfter.After(now.AddDate(2, 0, 0)))

	// Made once: what clients have come to trust stays.
	require.NoError(t, tlscert.SelfSigned(file, now, "other.test"))
	require.Equal(t, c.Raw, shown(t, s.Config()).Raw)
	require.Error(t, tlscert.SelfSigned(filepath.Join(file, "x"), now, "a.test"))
	entries, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file stays")
}

func TestRenewal(t *testing.T) {
	dir := t.TempDir()
	live, next := filepath.Join(dir, "live.pem"), filepath.Join(dir, "next.pem")
	require.NoError(t, tlscert.SelfSigned(live, time.Now(), "one.test"))
	require.NoError(t, tlscert.SelfSigned(next, time.Now(), "two.test"))
	var complaints []error
	s, err := open(live, func(err error) { complaints = append(complaints, err) })
	require.NoError(t, err)
	c := s.Config()
	require.Equal(t, "one.test", shown(t, c).Subject.CommonName)
	require.NoError(t, os.Rename(next, live))
	require.Equal(t, "two.test", shown(t, c).Subject.CommonName)

	// Damaged: the one in memory goes on, and it is said once.
	require.NoError(t, os.WriteFile(live, []byte("nonsense"), 0o600))
	require.Equal(t, "two.test", shown(t, c).Subject.CommonName)
	require.Equal(t, "two.test", shown(t, c).Subject.CommonName)
	require.Len(t, complaints, 1)
	require.Error(t, s.Reload())
	require.NoError(t, os.Remove(live))
	require.Equal(t, "two.test", shown(t, c).Subject.CommonName)
	require.NoError(t, tlscert.SelfSigned(live, time.Now(), "three.test"))
	require.Equal(t, "three.test", shown(t, c).Subject.CommonName)
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	_, err := open(filepath.Join(dir, "a"), nil)
	require.ErrorIs(t, err, os.ErrNotExist)
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	require.NoError(t, tlscert.SelfSigned(a, time.Now(), "a.test"))
	require.NoError(t, tlscert.SelfSigned(b, time.Now(), "b.test"))
	_, err = tlscert.Open(tlscert.Options{Files: tlscert.Files{Pairs: []tlscert.Pair{{Cert: a, Key: b}}}})
	require.ErrorContains(t, err, "private key does not match")
}

// RFC 8996: TLS 1.0 and 1.1 must not be used.
func TestOldTLSIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tls.pem")
	require.NoError(t, tlscert.SelfSigned(file, time.Now(), "a.test"))
	s, err := open(file, nil)
	require.NoError(t, err)
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	go func() { _ = tls.Server(server, s.Config()).Handshake() }()
	require.Error(t, tls.Client(client, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}).Handshake())
}

func ExampleSelfSigned() {
	dir, err := os.MkdirTemp("", "tlscert")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "tls.pem")
	fmt.Println(tlscert.SelfSigned(file, time.Now(), "mail.example.test", "127.0.0.1"))
	_, err = tlscert.Open(tlscert.Options{Files: tlscert.Files{Chains: []string{file}}})
	fmt.Println(err)
	// Output:
	// <nil>
	// <nil>
}
