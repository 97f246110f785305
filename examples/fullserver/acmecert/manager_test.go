package acmecert

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/acme"
)

// site is a manager whose authority is a function.
type site struct {
	*Manager
	t      *testing.T
	now    time.Time
	life   time.Duration
	err    error
	issued []string
	logged []string
	serial int64
}

func newSite(t *testing.T, dir string, names ...string) *site {
	t.Helper()
	s := &site{t: t, now: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), life: 90 * 24 * time.Hour}
	var err error
	s.Manager, err = New(Options{Dir: dir, Names: names, Challenges: []string{"http-01"}, Now: func() time.Time { return s.now }, Log: func(text string) { s.logged = append(s.logged, text) }})
	require.NoError(t, err)
	s.Manager.issue = s.give
	return s
}

func (s *site) give(_ context.Context, name string) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	s.issued = append(s.issued, name)
	s.serial++
	return make509(s.t, s.now, s.now.Add(s.life), s.serial, name), nil
}

func make509(t *testing.T, begin, end time.Time, serial int64, name string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: begin, NotAfter: end, DNSNames: []string{name}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	b, err := encode(key, [][]byte{der})
	require.NoError(t, err)
	return b
}

// A certificate is got at once, left alone for two thirds of its life, and then renewed; a name that is new doesn't wait for others.
func TestRenewalInTime(t *testing.T) {
	s := newSite(t, t.TempDir(), "a.test")
	var due []time.Time
	for end := s.now.Add(200 * 24 * time.Hour); s.now.Before(end); {
		before := len(s.issued)
		wait := s.round(t.Context())
		require.Positive(t, wait)
		require.LessOrEqual(t, wait, lookEvery)
		if len(s.issued) > before {
			due = append(due, s.now)
		}
		s.now = s.now.Add(wait)
	}
	require.Len(t, due, 4)
	for i := range due[1:] {
		age := due[i+1].Sub(due[i])
		require.InDelta(t, 60*24, age.Hours(), 4.5*24, "two thirds, and up to a twentieth less")
		require.LessOrEqual(t, age, s.life*2/3+lookEvery)
	}
	info, err := os.Stat(s.File("a.test"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoError(t, s.SetNames([]string{"a.test", "B.test.", "b.test"}))
	s.round(t.Context())
	require.Equal(t, "b.test", s.issued[len(s.issued)-1])
	file, found, err := s.Find(t.Context(), "b.test")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, s.File("b.test"), file)
	_, found, _ = s.Find(t.Context(), "c.test")
	require.False(t, found)
}

// A failure leaves what is there, is told with its reason, and costs more time each time, over a restart too.
func TestFailures(t *testing.T) {
	dir := t.TempDir()
	s := newSite(t, dir, "a.test")
	s.round(t.Context())
	first := s.Certificate("a.test")
	require.NotNil(t, first)
	s.now = s.now.Add(70 * 24 * time.Hour)
	s.err = &acme.AuthorizationError{Errors: []error{&acme.Error{ProblemType: "urn:ietf:params:acme:error:dns", Detail: "no such domain a.test"}}}
	var waits []time.Duration
	for range 11 {
		s.round(t.Context())
		f := s.Failure("a.test")
		waits = append(waits, f.Again.Sub(f.At))
		require.Equal(t, first.Raw, s.Certificate("a.test").Raw)
		before := len(s.logged)
		s.now = f.Again.Add(-time.Second)
		again := newSite(t, dir, "a.test") // a restart asks nothing before its time
		again.now, again.err = s.now, s.err
		again.round(t.Context())
		require.Empty(t, again.logged)
		require.Len(t, s.logged, before)
		s.now = f.Again
	}
	require.Equal(t, []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 40 * time.Minute, 80 * time.Minute}, waits[:5])
	require.Equal(t, lastRetry, waits[10])
	require.Contains(t, Look(Options{Dir: dir, Now: func() time.Time { return s.now }}, "a.test").Failure.Reason, "no such domain a.test")
	require.Equal(t, "warning: acme: no new certificate for a.test: the authority can't find the proof: dns: no such domain a.test; the one until 2026-11-30 00:00 UTC stays in use, and it is tried again in 5m0s", s.logged[1])
	s.err = nil
	s.round(t.Context())
	require.NotEqual(t, first.Raw, s.Certificate("a.test").Raw)
	require.Nil(t, s.Failure("a.test"))
	require.Equal(t, Status{s.File("a.test"), s.Certificate("a.test"), nil}, Look(Options{Dir: dir}, "A.test."))
	require.Nil(t, Look(Options{Dir: t.TempDir()}, "a.test").Certificate)

	// The authority says for how long it wants to be left alone.
	s.now = s.now.Add(70 * 24 * time.Hour)
	s.err = &acme.Error{ProblemType: "urn:ietf:params:acme:error:rateLimited", Detail: "too many certificates", Header: http.Header{"Retry-After": {"7200"}}}
	s.round(t.Context())
	require.Equal(t, 2*time.Hour, s.Failure("a.test").Again.Sub(s.now))

	// What the authority sends is looked at before it takes the old one's place.
	last := s.Certificate("a.test")
	for _, bad := range [][]byte{nil, []byte("junk"), make509(t, s.now, s.now.Add(time.Hour), 9, "other.test")} {
		require.Error(t, s.keep("a.test", bad))
		require.Equal(t, last.Raw, s.Certificate("a.test").Raw)
	}
	require.NoError(t, os.WriteFile(s.failureFile("a.test"), []byte("{"), 0o600))
	require.Nil(t, s.Failure("a.test"), "damaged")
}

// Of two processes with the same folder one asks, and both have what it gets.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	a, b := newSite(t, dir, "a.test"), newSite(t, dir, "a.test")
	asked, answer := make(chan struct{}), make(chan struct{})
	a.Manager.issue = func(ctx context.Context, name string) ([]byte, error) {
		close(asked)
		<-answer
		return a.give(ctx, name)
	}
	done := make(chan struct{})
	go func() { defer close(done); a.round(context.Background()) }()
	<-asked
	require.Equal(t, lockedWait, b.round(t.Context()))
	close(answer)
	<-done
	require.Equal(t, lookEvery, b.round(t.Context()))
	require.Empty(t, b.issued)
	require.Equal(t, []string{"a.test"}, a.issued)
	require.NotNil(t, b.Certificate("a.test"))
}

// Run ends at once when it is told to, in the middle of an order too, and that is no failure.
func TestRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, t.TempDir(), "a.test", "b.test")
		begun := 0
		s.Manager.issue = func(ctx context.Context, _ string) ([]byte, error) {
			begun++
			<-ctx.Done()
			return nil, ctx.Err()
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); s.Run(ctx) }()
		synctest.Wait()
		cancel()
		<-done
		require.Equal(t, 1, begun)
		require.Nil(t, s.Failure("a.test"))

		// An authority that doesn't answer costs the order's timeout.
		s.round(t.Context())
		require.Contains(t, s.Failure("b.test").Reason, "context deadline exceeded")
	})
}

func TestNewErrors(t *testing.T) {
	for want, o := range map[string]Options{
		"is no https:// URL":  {Directory: "http://ca.test/dir", Challenges: []string{"http-01"}},
		"nothing here can":    {},
		"\"*.a.test\" is no":  {Names: []string{"*.a.test"}, Challenges: []string{"http-01"}},
		"\"localhost\" is no": {Names: []string{"localhost"}, Challenges: []string{"http-01"}},
		"\"192.0.2.1\" is no": {Names: []string{"192.0.2.1"}, Challenges: []string{"http-01"}},
		"\"../a.test\" is no": {Names: []string{"../a.test"}, Challenges: []string{"http-01"}},
	} {
		o.Dir = t.TempDir()
		_, err := New(o)
		require.ErrorContains(t, err, want)
	}
	a, err := New(Options{Dir: "/dev/null/x", Challenges: []string{"http-01"}})
	require.Error(t, err)
	require.Nil(t, a)
	require.Equal(t, "acme-v02.api.letsencrypt.org_directory", folderOf(LetsEncrypt), "another authority's account and certificates are its own")
}

// RFC 8555 section 8.3: "The server MUST provide the key authorization at /.well-known/acme-challenge/ token"; nothing else is there.
func TestAnswersHTTP(t *testing.T) {
	s := newSite(t, t.TempDir(), "a.test")
	c := &acme.Client{Key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
	i := &issuer{m: s.Manager}
	token := "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
	undo, err := i.prepare(c, &acme.Challenge{Type: "http-01", Token: token}, "a.test")
	require.NoError(t, err)
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, &http.Request{Method: "GET", URL: must(httptest.NewRequest("GET", "http://a.test/", nil).URL.Parse(path))})
		return w.Code, w.Body.String()
	}
	code, body := get(WellKnown + token)
	require.Equal(t, 200, code)
	require.True(t, strings.HasPrefix(body, token+"."), body)
	for _, path := range []string{WellKnown, WellKnown + "other", WellKnown + "../../account.key", WellKnown + "..%2f..%2faccount.key", "/account.key", WellKnown + strings.Repeat("a", 300)} {
		code, _ := get(path)
		require.Equal(t, 404, code, path)
	}
	undo()
	code, _ = get(WellKnown + token)
	require.Equal(t, 404, code)
	_, err = i.prepare(c, &acme.Challenge{Type: "http-01", Token: "../x"}, "a.test")
	require.Error(t, err)
	_, err = i.prepare(c, &acme.Challenge{Type: "dns-01", Token: "x"}, "a.test")
	require.Error(t, err)
	left, err := filepath.Glob(filepath.Join(s.dir, "*-01", "*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// RFC 8737 section 3: who offers "acme-tls/1" alone gets the certificate with the proof, everybody else the usual one.
func TestAnswersTLSALPN(t *testing.T) {
	s := newSite(t, t.TempDir(), "a.test")
	c := &acme.Client{Key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
	undo, err := (&issuer{m: s.Manager}).prepare(c, &acme.Challenge{Type: "tls-alpn-01", Token: "token"}, "a.test")
	require.NoError(t, err)
	usual, err := tls.X509KeyPair(splitPEM(make509(t, time.Now(), time.Now().Add(time.Hour), 1, "usual.test")))
	require.NoError(t, err)
	config := s.Config(&tls.Config{Certificates: []tls.Certificate{usual}, NextProtos: []string{"h2", "http/1.1", acme.ALPNProto}})
	shown := func(name string, protos ...string) (*x509.Certificate, error) {
		cl, se := net.Pipe()
		defer cl.Close()
		defer se.Close()
		go func() { _ = tls.Server(se, config).Handshake(); se.Close() }()
		tc := tls.Client(cl, &tls.Config{InsecureSkipVerify: true, ServerName: name, NextProtos: protos})
		if err := tc.Handshake(); err != nil {
			return nil, err
		}
		return tc.ConnectionState().PeerCertificates[0], nil
	}
	proof, err := shown("a.test", acme.ALPNProto)
	require.NoError(t, err)
	require.Equal(t, []string{"a.test"}, proof.DNSNames)
	found := false
	for _, e := range proof.Extensions {
		found = found || e.Critical && e.Id.String() == "1.3.6.1.5.5.7.1.31"
	}
	require.True(t, found, "id-pe-acmeIdentifier")
	for _, protos := range [][]string{nil, {"h2"}, {"http/1.1", acme.ALPNProto}} {
		c, err := shown("a.test", protos...)
		require.NoError(t, err)
		require.Equal(t, "usual.test", c.DNSNames[0])
	}
	_, err = shown("b.test", acme.ALPNProto)
	require.Error(t, err)
	undo()
	_, err = shown("a.test", acme.ALPNProto)
	require.Error(t, err)
}

func splitPEM(b []byte) (cert, key []byte) { return b, b }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// The account's key is made once, for its owner alone; a damaged one is never replaced: the account would be lost.
func TestAccountKey(t *testing.T) {
	s := newSite(t, t.TempDir(), "a.test")
	i := &issuer{m: s.Manager}
	first, err := i.accountKey()
	require.NoError(t, err)
	again, err := i.accountKey()
	require.NoError(t, err)
	require.Equal(t, first.Public(), again.Public())
	file := filepath.Join(s.dir, "account.key")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoError(t, os.WriteFile(file, []byte("junk"), 0o600))
	_, err = i.accountKey()
	require.Error(t, err)
	require.Equal(t, "plain", explain(errors.New("plain")))
}
