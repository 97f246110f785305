package mailcheck_test

import (
	"context"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/smtp/mailauth"
	"github.com/buuta/mail/smtp/mailauth/dmarc"
	"github.com/buuta/mail/smtp/mailauth/dmarc/report"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/stretchr/testify/require"
)

// Each day's mail is reported once, after the day's end, to those who asked and may get it, whatever became of it.
func TestReporter(t *testing.T) {
	dns := mailauthtest.MustParse(`
		_dmarc.forged.test                TXT  v=DMARC1; p=reject; rua=mailto:a@forged.test,mailto:b@other.test,mailto:victim@third.test
		forged.test._report._dmarc.other.test  TXT  v=DMARC1
		_dmarc.quiet.test                 TXT  v=DMARC1; p=reject`)
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var got []mail.Envelope
		var texts []string
		c := &report.Collector{Organization: "mx.here.test", Email: "dmarc@here.test"}
		check := &mailcheck.Checker{Verifier: &mailauth.Verifier{Resolver: dns}, ServID: "mx.here.test", Junk: true, Reports: c}
		r := &mailcheck.Reporter{Collector: c, DMARC: &dmarc.Checker{Resolver: dns}, From: "dmarc@here.test", Receiver: "mx.here.test",
			Log: func(text string) { t.Error(text) },
			Queue: mail.DelivererFunc(func(_ context.Context, env *mail.Envelope, m io.Reader) error {
				b, err := io.ReadAll(m)
				mu.Lock()
				defer mu.Unlock()
				got, texts = append(got, *env), append(texts, string(b))
				return err
			})}
		sent := func() ([]mail.Envelope, []string) {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return got, texts
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { r.Run(ctx) })
		receive := func(from string) {
			_, err := check.Check(ctx, strings.NewReader("From: a@"+from+"\r\n\r\n"), mailauth.Envelope{IP: netip.MustParseAddr("192.0.2.1"), From: "x@sender.test"})
			require.NoError(t, err)
		}
		receive("forged.test")
		receive("forged.test")
		receive("quiet.test")
		time.Sleep(23 * time.Hour)
		out, _ := sent()
		require.Empty(t, out)
		time.Sleep(2 * time.Hour)
		out, letters := sent()
		require.Len(t, out, 2)
		require.Equal(t, "", out[0].From)
		require.Equal(t, "a@forged.test", out[0].Recipients[0].Address)
		require.Equal(t, "b@other.test", out[1].Recipients[0].Address)
		require.Contains(t, letters[0], "Subject: Report Domain: forged.test\r\n\tSubmitter: mx.here.test\r\n")
		time.Sleep(24 * time.Hour)
		out, _ = sent()
		require.Len(t, out, 2)
		receive("forged.test")
		list := c.TakeAll()
		require.Len(t, list, 1)
		require.Equal(t, dmarc.PolicyQuarantine, list[0].Feedback.Records[0].Row.Disposition)
		require.Equal(t, []report.Reason{{Type: "local_policy"}}, list[0].Feedback.Records[0].Row.Reasons)
		require.Equal(t, "sender.test", list[0].Feedback.Records[0].Identifiers.EnvelopeFrom)
		cancel()
		wg.Wait()
	})
}
