package mailauth_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail/smtp/mailauth"
	"github.com/buuta/mail/smtp/mailauth/arc"
	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/dmarc"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	key      = ed25519.NewKeyFromSeed(make([]byte, 32))
	public   = base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	envelope = mailauth.Envelope{IP: netip.MustParseAddr("192.0.2.1"), Helo: "mx.example.com", From: "joe@example.com"}
)

const spfAndDMARC = "example.com TXT v=spf1 ip4:192.0.2.1 -all\n_dmarc.example.com TXT v=DMARC1; p=reject\n"

func signed(t testing.TB, message string, domains ...string) string {
	for _, d := range domains {
		f, err := mailauth.Sign(strings.NewReader(message), &dkim.Signer{Domain: d, Selector: "s", Key: key})
		require.NoError(t, err)
		message = f + message
	}
	return message
}

func keyOf(domain string) string {
	return "s._domainkey." + domain + " TXT v=DKIM1; k=ed25519; p=" + public + "\n"
}

// The parts are put together as RFC 7489 section 4.2 and dmarcbis section 5.3 have it: DMARC passes by what is aligned alone.
func TestVerify(t *testing.T) {
	for _, c := range []struct {
		name, message, zone, from string
		ip                        string
		spf, dkim, dmarc, arc     authres.Code
		disposition               dmarc.Policy
	}{
		{"both", signed(t, letter, "example.com"), spfAndDMARC + keyOf("example.com"), "joe@example.com", "192.0.2.1", "pass", "pass", "pass", "none", "none"},
		{"SPF alone", letter, spfAndDMARC, "joe@example.com", "192.0.2.1", "pass", "none", "pass", "none", "none"},
		{"DKIM alone: forwarded", signed(t, letter, "example.com"), spfAndDMARC + keyOf("example.com"), "joe@example.com", "203.0.113.1", "fail", "pass", "pass", "none", "none"},
		{"neither", letter, spfAndDMARC, "joe@example.com", "203.0.113.1", "fail", "none", "fail", "none", "reject"},
		{"another's SPF", letter, spfAndDMARC + "example.org TXT v=spf1 +all", "joe@example.org", "192.0.2.1", "pass", "none", "fail", "none", "reject"},
		{"another's DKIM", signed(t, letter, "example.org"), spfAndDMARC + keyOf("example.org"), "joe@example.org", "192.0.2.1", "none", "pass", "fail", "none", "reject"},
		{"the second signature", signed(t, letter, "example.com", "example.org"), spfAndDMARC + keyOf("example.com") + keyOf("example.org"), "", "192.0.2.9", "none", "pass", "pass", "none", "none"},
		{"null sender: HELO (RFC 7208 section 2.4)", letter, "mx.example.com TXT v=spf1 +all\n_dmarc.example.com TXT v=DMARC1; p=reject", "", "192.0.2.1", "pass", "none", "pass", "none", "none"},
		{"the DNS is away", letter, "example.com FAIL\n_dmarc.example.com TXT v=DMARC1; p=reject", "joe@example.com", "192.0.2.1", "temperror", "none", "temperror", "none", "none"},
		{"nothing there", letter, "", "joe@example.com", "192.0.2.1", "none", "none", "none", "none", "none"},
		{"two authors", strings.Replace(letter, "From:", "From: eve@example.org\r\nFrom:", 1), spfAndDMARC, "joe@example.com", "192.0.2.1", "pass", "none", "permerror", "none", "none"},
		{"authors in a group", strings.Replace(letter, "From: Joe <joe@example.com>", "From: x: a@example.com, b@example.com;", 1), spfAndDMARC, "joe@example.com", "192.0.2.1", "pass", "none", "pass", "none", "none"},
		{"no author", strings.Replace(letter, "From:", "X-From:", 1), spfAndDMARC, "joe@example.com", "192.0.2.1", "pass", "none", "permerror", "none", "none"},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.message), iotest.OneByteReader(strings.NewReader(c.message))} {
			v := &mailauth.Verifier{Resolver: mailauthtest.MustParse(c.zone)}
			got, err := v.Verify(t.Context(), r, mailauth.Envelope{IP: netip.MustParseAddr(c.ip), Helo: "mx.example.com", From: c.from})
			require.NoError(t, err, c.name)
			require.Equal(t, "spf="+string(c.spf)+" dkim="+string(c.dkim)+" dmarc="+string(c.dmarc)+" arc="+string(c.arc), got.String(), c.name)
			require.Equal(t, c.disposition, got.DMARC.Disposition, c.name)
			require.Equal(t, c.dmarc == "temperror", got.Temporary(), c.name)
			a, err := authres.Parse(got.Authentication("mx.example.org").Value())
			require.NoError(t, err, c.name)
			require.Equal(t, c.spf, a.Methods[0].Result, c.name)
		}
	}
}

// A list changes a message and seals it: DMARC fails, and the chain tells that it once passed (RFC 8617 section 7.2).
func TestList(t *testing.T) {
	v := &mailauth.Verifier{Resolver: mailauthtest.MustParse(spfAndDMARC + keyOf("example.com") + keyOf("list.example.net") + "list.example.net TXT v=spf1 +all")}
	came := signed(t, letter, "example.com")
	r, err := v.Verify(t.Context(), strings.NewReader(came), envelope)
	require.NoError(t, err)
	changed := strings.Replace(came, "Subject: ", "Subject: [list] ", 1)
	seal, err := arc.Seal(strings.NewReader(changed), &dkim.Signer{Domain: "list.example.net", Selector: "s", Key: key}, r.Authentication("list.example.net"), r.ARC, dkim.Limits{})
	require.NoError(t, err)
	r, err = v.Verify(t.Context(), strings.NewReader(seal+changed), mailauth.Envelope{IP: netip.MustParseAddr("::ffff:203.0.113.1"), Helo: "list.example.net", From: "bounces@list.example.net"})
	require.NoError(t, err)
	require.Equal(t, "spf=pass dkim=fail dmarc=fail arc=pass", r.String())
	require.Equal(t, dmarc.PolicyReject, r.DMARC.Disposition)
	require.Equal(t, "list.example.net", r.ARC.Sets[0].Domain)
	require.Equal(t, authres.Pass, r.ARC.Sets[0].Results.Methods[2].Result)
	require.Contains(t, r.Authentication("mx").String(), "arc=pass (i=1) header.oldest-pass=0 smtp.remote-ip=203.0.113.1")
}

// RFC 8601 section 5: what pretends to be ours goes, and nothing else of the message changes.
func TestClean(t *testing.T) {
	const rest = "Received: x\r\n\tby y\r\nno field at all\r\nauthentication-results: other.example; spf=pass\r\n"
	for _, body := range []string{"\r\nBody\r\nAuthentication-Results: mx.example.org; in the body\r\n", "\r\n", "", "\nbare\n"} {
		in := "Authentication-Results: mx.example.org; spf=pass\r\n" + "AUTHENTICATION-RESULTS :\r\n\tMX.example.org;\r\n\tspf=pass\r\n" + rest +
			"Authentication-Results: (x) mx.example.org 1; none\r\n" + body
		out, n, err := mailauth.Clean(iotest.HalfReader(strings.NewReader(in)), 0, "mx.example.org")
		require.NoError(t, err)
		b, err := io.ReadAll(out)
		require.NoError(t, err)
		require.Equal(t, rest+body, string(b))
		require.Equal(t, 3, n)
	}
	_, _, err := mailauth.Clean(strings.NewReader(strings.Repeat("X: y\r\n", 100)), 100, "x")
	require.ErrorIs(t, err, mailauth.ErrHeaderTooLarge)
	_, _, err = mailauth.Clean(iotest.ErrReader(errors.New("gone")), 0, "x")
	require.EqualError(t, err, "gone")
}

func TestSignAuthor(t *testing.T) {
	choose := func(domain string) []*dkim.Signer {
		if domain != "xn--bcher-kva.example" {
			return nil
		}
		return []*dkim.Signer{{Domain: domain, Selector: "s", Key: key}}
	}
	for from, want := range map[string]bool{"From: a@bücher.example\r\n": true, "From: x <a@XN--BCHER-KVA.example>\r\n": true, "From: a@example.com\r\n": false, "": false,
		"From: a@bücher.example, b@example.com\r\n": false, "From: a@bücher.example\r\nFrom: a@bücher.example\r\n": false, "From: nobody\r\n": false} {
		f, err := mailauth.SignAuthor(strings.NewReader(from+"\r\nbody\r\n"), choose)
		require.NoError(t, err)
		require.Equal(t, want, f != "", from)
	}
	_, err := mailauth.SignAuthor(strings.NewReader("From: a@bücher.example\r\n\r\nbare\n"), choose)
	require.ErrorIs(t, err, dkim.ErrLineEnd)
}

type deaf struct{}

func (deaf) LookupTXT(ctx context.Context, _ string) ([]string, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
func (deaf) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
func (deaf) LookupMX(ctx context.Context, _ string) ([]*net.MX, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
func (deaf) LookupAddr(ctx context.Context, _ string) ([]string, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A DNS that doesn't answer costs a minute at most, whatever the message has, and the reading of the message isn't its part.
func TestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		message := signed(t, letter, "a.example", "b.example", "c.example", "d.example", "e.example", "f.example", "g.example", "h.example")
		start := time.Now()
		r, err := (&mailauth.Verifier{Resolver: deaf{}}).Verify(t.Context(), strings.NewReader(message), envelope)
		require.NoError(t, err)
		require.Equal(t, "spf=temperror dkim=temperror dmarc=temperror arc=none", r.String())
		require.Equal(t, time.Minute, time.Since(start))
	})
}

// What is read is bounded: a header without end is an error, and not kept.
func TestHeaderTooLarge(t *testing.T) {
	v := &mailauth.Verifier{Resolver: mailauthtest.MustParse("")}
	_, err := v.Verify(t.Context(), io.LimitReader(endless{}, 1<<30), envelope)
	require.ErrorIs(t, err, mailauth.ErrHeaderTooLarge)
	_, err = v.Verify(t.Context(), io.MultiReader(strings.NewReader(letter), iotest.ErrReader(errors.New("gone"))), envelope)
	require.EqualError(t, err, "gone")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "X: y\r\n"[i%6]
	}
	return len(p) / 6 * 6, nil
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte(signed(f, letter, "example.com")), "joe@example.com", "mx.example.com")
	f.Add([]byte("From: x: a@b.example, \"c d\"@e;\r\nAuthentication-Results: mx.example.org; none\r\n\r\n"), "", "[192.0.2.1]")
	zone := mailauthtest.MustParse(spfAndDMARC + keyOf("example.com"))
	f.Fuzz(func(t *testing.T, message []byte, from, helo string) {
		v := &mailauth.Verifier{Resolver: zone}
		r, err := v.Verify(t.Context(), bytes.NewReader(message), mailauth.Envelope{IP: envelope.IP, Helo: helo, From: from})
		require.NoError(t, err)
		field := r.Authentication("mx.example.org").String()
		a, err := authres.Parse(strings.TrimPrefix(field, "Authentication-Results:"))
		require.NoError(t, err, "%q", field)
		require.Len(t, a.Methods, len(r.Authentication("x").Methods))
		clean, _, err := mailauth.Clean(bytes.NewReader(message), 0, "mx.example.org")
		require.NoError(t, err)
		rest, err := io.ReadAll(clean)
		require.NoError(t, err)
		again, n, err := mailauth.Clean(bytes.NewReader(rest), 0, "mx.example.org")
		require.NoError(t, err)
		require.Zero(t, n)
		b, _ := io.ReadAll(again)
		require.Equal(t, rest, b)
	})
}

func BenchmarkVerify(b *testing.B) {
	message := signed(b, letter+strings.Repeat("The quick brown fox  jumps over the lazy dog. \r\n", 200), "example.com")
	v := &mailauth.Verifier{Resolver: mailauthtest.MustParse(spfAndDMARC + keyOf("example.com"))}
	b.ReportAllocs()
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		r, err := v.Verify(b.Context(), strings.NewReader(message), envelope)
		if err != nil || r.DMARC.Result != authres.Pass {
			b.Fatal(err)
		}
		_ = r.Authentication("mx.example.org").String()
	}
}

// The dearest message that we could think of: a header of a MiB, all of it in eight signatures and a chain of fifty that hold.
func BenchmarkVerifyHostile(b *testing.B) {
	message := letter
	zone := spfAndDMARC + keyOf("example.com")
	fields := []string{"From"}
	for i := range 40 {
		name := "X" + strings.Repeat("y", i)
		fields = append(fields, name)
		message = name + ": " + strings.Repeat(strings.Repeat("long words ", 80)+"\r\n\t", 25) + "\r\n" + message
	}
	for range 8 {
		f, err := mailauth.Sign(strings.NewReader(message), &dkim.Signer{Domain: "example.com", Selector: "s", Key: key, Fields: fields})
		require.NoError(b, err)
		message = f + message
	}
	for range arc.MaxSets {
		f, err := arc.Seal(strings.NewReader(message), &dkim.Signer{Domain: "example.com", Selector: "s", Key: key, Fields: fields}, &authres.Results{ServID: "x"}, &arc.Result{Result: authres.Pass}, dkim.Limits{})
		require.NoError(b, err)
		message = f + message
	}
	v := &mailauth.Verifier{Resolver: mailauthtest.MustParse(zone)}
	b.ReportAllocs()
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		r, err := v.Verify(b.Context(), strings.NewReader(message), envelope)
		if err != nil || r.String() != "spf=pass dkim=pass dmarc=pass arc=pass" {
			b.Fatal(err, r)
		}
	}
}
