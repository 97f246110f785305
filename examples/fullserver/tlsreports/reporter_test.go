package tlsreports

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/mx"
	"github.com/buuta/mail/smtp/mx/tlsrpt"
	"github.com/stretchr/testify/require"
)

// zone is a DNS of TXT records.
type zone map[string]string

func (zone) LookupMX(context.Context, string) ([]*net.MX, error) { return nil, nil }
func (zone) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, nil
}

func (z zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	if z[name] == "" {
		return nil, &net.DNSError{IsNotFound: name != "_smtp._tls.later.test", IsTemporary: true}
	}
	return []string{z[name]}, nil
}

// site counts what comes by mail and by HTTPS.
type site struct {
	mu      sync.Mutex
	mails   []mail.Envelope
	letters []string
	posts   []string
	status  int
}

func (s *site) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts = append(s.posts, req.URL.String())
	rep, err := tlsrpt.Parse(req.Body, tlsrpt.Limits{})
	if err != nil || rep.Domain() == "" {
		return nil, err
	}
	return &http.Response{StatusCode: s.status, Body: http.NoBody}, nil
}

// Each day's sessions are reported once, by mail and HTTPS, to those who ask; what HTTPS doesn't take is tried again for a day (RFC 8460 section 5.5).
func TestReporter(t *testing.T) {
	dns := zone{
		"_smtp._tls.asks.test":  "v=TLSRPTv1; rua=mailto:tls@asks.test,https://asks.test/report",
		"_smtp._tls.wrong.test": "v=TLSRPTv1; rua=mailto:a%0d%0aBcc:b@wrong.test",
	}
	synctest.Test(t, func(t *testing.T) {
		s := &site{status: 500}
		var logged []string
		r := &Reporter{
			Collector: &tlsrpt.Collector{Organization: "mx.here.test", Contact: "tls@here.test"}, Resolver: dns, From: "tls@here.test", HTTP: &http.Client{Transport: s},
			File: filepath.Join(t.TempDir(), "counts"), Log: func(text string) { s.mu.Lock(); logged = append(logged, text); s.mu.Unlock() },
			Queue: mail.DelivererFunc(func(_ context.Context, env *mail.Envelope, m io.Reader) error {
				b, err := io.ReadAll(m)
				s.mu.Lock()
				defer s.mu.Unlock()
				s.mails, s.letters = append(s.mails, *env), append(s.letters, string(b))
				return err
			}),
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { r.Run(ctx) })
		for _, domain := range []string{"asks.test", "asks.test", "quiet.test", "wrong.test", "later.test"} {
			r.Collector.Add(mx.TLSResult{Domain: domain, Type: mx.TLSExpired})
		}
		time.Sleep(20 * time.Hour)
		synctest.Wait()
		s.mu.Lock()
		require.Empty(t, s.mails)
		s.mu.Unlock()
		time.Sleep(8 * time.Hour) // four hours after midnight at the latest
		synctest.Wait()
		s.mu.Lock()
		require.Len(t, s.mails, 1)
		require.Equal(t, "tls@asks.test", s.mails[0].Recipients[0].Address)
		require.Equal(t, "", s.mails[0].From)
		require.True(t, s.mails[0].Options.Plaintext)
		require.Contains(t, s.letters[0], "TLS-Report-Domain: asks.test\r\nTLS-Report-Submitter: here.test\r\n")
		require.NotEmpty(t, s.posts)
		s.mu.Unlock()
		time.Sleep(30 * time.Hour)
		synctest.Wait()
		s.mu.Lock()
		require.Len(t, s.posts, 8, "after 10, 20, 40 minutes and so on, within a day")
		all := strings.Join(logged, "\n")
		require.Contains(t, all, "a TLS report on asks.test to <https://asks.test/report> is lost: HTTP status 500")
		require.Contains(t, all, "a TLS report on wrong.test to <mailto:a%0d%0aBcc:b@wrong.test> is lost: it is no address")
		require.Contains(t, all, "a TLS report on later.test is lost: the DNS doesn't say who gets it")
		require.NotContains(t, all, "quiet.test")

		// It works again, and a restart in between loses nothing.
		s.status = 200
		s.mu.Unlock()
		r.Collector.Add(mx.TLSResult{Domain: "asks.test"})
		cancel()
		wg.Wait()
		require.NoError(t, r.Save())
		next := *r
		next.Collector = &tlsrpt.Collector{Organization: "mx.here.test", Contact: "tls@here.test"}
		require.NoError(t, next.Load())
		ctx, cancel = context.WithCancel(t.Context())
		defer cancel()
		wg.Go(func() { next.Run(ctx) })
		time.Sleep(28 * time.Hour)
		synctest.Wait()
		s.mu.Lock()
		require.Len(t, s.mails, 2)
		require.Len(t, s.posts, 9)
		s.mu.Unlock()
		cancel()
		wg.Wait()
	})
}
