package dkim_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/internal/forge"
	"github.com/buuta/mail/smtp/mailauth/internal/pypeer"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest/nameserver"
)

func signer(t testing.TB, key string) *dkim.Signer {
	return &dkim.Signer{Domain: "example.com", Selector: key, Key: keyring(t)[key]}
}

// RFC 6376 section 5.4: From is signed; section 5.4.2 and 8.15: each instance, and once more what a reader is shown.
func TestNames(t *testing.T) {
	const head = "X: 1\r\nFROM: a@example.com\r\nX: 2\r\nSubject: s\r\n\r\n"
	for _, c := range []struct {
		name         string
		fields, over []string
		want         string
	}{
		{"From first and oversigned whatever is asked for", []string{}, []string{}, "From:From"},
		{"each instance of a field", []string{"X"}, []string{}, "From:From:X:X"},
		{"a field named twice counts once", []string{"x", "X", "from"}, []string{}, "From:From:x:x"},
		{"oversigned ones have one more", []string{"Subject"}, []string{"subject"}, "From:From:Subject:Subject"},
		{"oversigned ones that aren't there have one", []string{"X"}, []string{"Cc"}, "From:From:X:X:Cc"},
		{"what isn't there and isn't oversigned is left out", []string{"Date", "X"}, []string{}, "From:From:X:X"},
		{"by default", nil, nil, "From:From:Reply-To:Subject:Subject:Date:Message-ID:To:Cc:MIME-Version:Content-Type"},
	} {
		s := signer(t, "ed")
		s.Fields, s.Oversign = c.fields, c.over
		f, err := dkim.Sign(strings.NewReader(head), 0, s)
		require.NoError(t, err)
		list, err := (&dkim.Verifier{Resolver: mailauthtest.MustParse("")}).Verify(t.Context(), strings.NewReader(f+head))
		require.NoError(t, err)
		require.Equal(t, c.want, strings.Join(list[0].Fields, ":"), c.name)
	}
}

func TestSignErrors(t *testing.T) {
	for _, c := range []struct {
		clause  string
		change  func(s *dkim.Signer)
		message string
		err     error // nil: any
	}{
		{"RFC 5322 section 3.6: From is there", nil, "To: a@example.com\r\n\r\n", dkim.ErrFrom},
		{"RFC 5322 section 3.6: From is there once", nil, "From: a@example.com\r\nFrom: b@example.com\r\n\r\n", dkim.ErrFrom},
		{"RFC 5322 section 2.1: lines end in CRLF", nil, "From: a@example.com\n\nBody\n", dkim.ErrLineEnd},
		{"RFC 5322 section 2.1: lines end in CRLF, in the body too", nil, "From: a@example.com\r\n\r\nBody\n", dkim.ErrLineEnd},
		{"RFC 5322 section 2.2.3: a folded line has a field before it", nil, " x\r\nFrom: a@example.com\r\n\r\n", dkim.ErrFolded},
		{"a header without end", nil, "From: a@example.com\r\n" + strings.Repeat("X: y\r\n", 300000), dkim.ErrHeaderTooLarge},
		{"3.5 d= is a domain", func(s *dkim.Signer) { s.Domain = "exa mple.com" }, letter, nil},
		{"3.5 d= is there", func(s *dkim.Signer) { s.Domain = "" }, letter, nil},
		{"3.5 d= can't add tags", func(s *dkim.Signer) { s.Domain = "example.com;l=0" }, letter, nil},
		{"3.1 a selector is of labels", func(s *dkim.Signer) { s.Selector = "a..b" }, letter, nil},
		{"3.5 i= is of the domain", func(s *dkim.Signer) { s.Identity = "a@example.org" }, letter, dkim.ErrIdentity},
		{"3.5 i= can't add tags", func(s *dkim.Signer) { s.Identity = "a;l=0@example.com" }, letter, dkim.ErrIdentity},
		{"3.5 h= has names", func(s *dkim.Signer) { s.Fields = []string{"To", ""} }, letter, nil},
		{"3.5 h= has names", func(s *dkim.Signer) { s.Oversign = []string{"To:Cc"} }, letter, nil},
		{"a key is there", func(s *dkim.Signer) { s.Key = nil }, letter, nil},
	} {
		s := signer(t, "ed")
		if c.change != nil {
			c.change(s)
		}
		f, err := dkim.Sign(strings.NewReader(c.message), 0, s)
		require.Error(t, err, c.clause)
		require.Empty(t, f, c.clause)
		if c.err != nil {
			require.ErrorIs(t, err, c.err, c.clause)
		}
	}
	broken := io.MultiReader(strings.NewReader("From: a@example.com\r\n\r\nBody"), &failing{})
	_, err := dkim.Sign(broken, 0, signer(t, "ed"))
	require.ErrorIs(t, err, io.ErrClosedPipe)
	_, err = (&dkim.Verifier{}).Verify(t.Context(), io.MultiReader(strings.NewReader(forged(t, "", letter, keyring(t)["ed"])+letter), &failing{}))
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

type failing struct{}

func (*failing) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// Rotation: a message signed with the old and the new key, of both kinds, holds with any of them (RFC 6376 section 4: a
// message may have several signatures, each on its own).
func TestSeveralSigners(t *testing.T) {
	ring := keyring(t)
	f, err := dkim.Sign(strings.NewReader(letter), 0, signer(t, "rsa2048"), signer(t, "rsa4096"), signer(t, "ed"))
	require.NoError(t, err)
	require.Equal(t, 3, strings.Count(f, "DKIM-Signature: "))
	zone := "rsa4096._domainkey.example.com TXT v=DKIM1; p={}\ned._domainkey.example.com TXT v=DKIM1; p=\n"
	zone = strings.Replace(zone, "{}", forge.Record(t, ring["rsa4096"]), 1)
	list, err := (&dkim.Verifier{Resolver: mailauthtest.MustParse(zone)}).Verify(t.Context(), strings.NewReader(f+letter))
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.ErrorIs(t, list[0].Err, dkim.ErrNoKey)
	require.NoError(t, list[1].Err)
	require.Equal(t, 4096, list[1].KeyBits)
	require.ErrorIs(t, list[2].Err, dkim.ErrRevoked)
}

// Section 3.5: other signatures may be signed too, "and the "b=" tag is not treated specially" then.
func TestSignedSignature(t *testing.T) {
	ring := keyring(t)
	inner := forged(t, "s=in", letter, ring["ed"]) + letter
	s := signer(t, "ed")
	s.Fields = []string{"DKIM-Signature", "Subject"}
	f, err := dkim.Sign(strings.NewReader(inner), 0, s)
	require.NoError(t, err)
	zone := mailauthtest.MustParse("ed._domainkey.example.com TXT v=DKIM1; k=ed25519; p=" + forge.Record(t, ring["ed"]) +
		"\nin._domainkey.example.com TXT v=DKIM1; k=ed25519; p=" + forge.Record(t, ring["ed"]))
	check := func(m string, want ...authres.Code) {
		t.Helper()
		list, err := (&dkim.Verifier{Resolver: zone}).Verify(t.Context(), strings.NewReader(m))
		require.NoError(t, err)
		for i, w := range want {
			require.Equal(t, w, list[i].Result, "%d: %v", i, list[i].Err)
		}
	}
	check(f+inner, pass, pass)
	i := strings.LastIndex(inner[:strings.Index(inner, "Received")], "b=") + 2
	check(f+inner[:i]+" "+inner[i:], fail, pass) // its own b= is nothing to the inner one, and a change to the outer
}

// A message may have more signatures than are looked at, and h= more names than a header has fields.
func TestLimits(t *testing.T) {
	ring := keyring(t)
	zone := mailauthtest.MustParse("s._domainkey.example.com TXT v=DKIM1; k=ed25519; p=" + forge.Record(t, ring["ed"]))
	one := forged(t, "", letter, ring["ed"])
	v := &dkim.Verifier{Resolver: zone}
	list, err := v.Verify(t.Context(), strings.NewReader(strings.Repeat(one, 1000)+letter))
	require.NoError(t, err)
	require.Len(t, list, 9)
	for i, s := range list {
		if i < 8 {
			require.Equal(t, pass, s.Result)
		} else {
			require.ErrorIs(t, s.Err, dkim.ErrTooMany)
			require.Equal(t, policy, s.Result)
		}
	}
	require.Len(t, zone.Queries(), 8)
	many := forged(t, "h=from"+strings.Repeat(":x", 300), letter, ring["ed"])
	list, err = v.Verify(t.Context(), strings.NewReader(many+letter))
	require.NoError(t, err)
	require.ErrorIs(t, list[0].Err, dkim.ErrSyntax)
	_, err = v.Verify(t.Context(), strings.NewReader("X: "+strings.Repeat("x", 2<<20)))
	require.ErrorIs(t, err, dkim.ErrHeaderTooLarge)
	v.Limits = dkim.Limits{KeyBits: 1024, Signatures: 1}
	big := forged(t, "s=big", letter, ring["rsa2048"])
	v.Resolver = mailauthtest.MustParse("big._domainkey.example.com TXT p=" + forge.Record(t, ring["rsa2048"]))
	list, err = v.Verify(t.Context(), strings.NewReader(big+big+letter))
	require.NoError(t, err)
	require.ErrorIs(t, list[0].Err, dkim.ErrLongKey)
	require.ErrorIs(t, list[1].Err, dkim.ErrTooMany)
}

// Section 8.2: AllowPartial takes what l= leaves open, and Unsigned tells how much.
func TestAllowPartial(t *testing.T) {
	ring := keyring(t)
	zone := mailauthtest.MustParse("s._domainkey.example.com TXT v=DKIM1; k=ed25519; t=y; p=" + forge.Record(t, ring["ed"]))
	list, err := (&dkim.Verifier{Resolver: zone, AllowPartial: true}).Verify(t.Context(), strings.NewReader(forged(t, "l=50", letter, ring["ed"])+letter))
	require.NoError(t, err)
	require.NoError(t, list[0].Err)
	require.EqualValues(t, 5, list[0].Unsigned)
	require.True(t, list[0].Testing)
	m := list[0].Method()
	require.Equal(t, "test mode", m.Comment)
	require.Equal(t, "example.com", m.Prop("header", "d"))
	require.Len(t, m.Prop("header", "b"), 8)
}

// x= and t= go by the verifier's clock.
func TestClock(t *testing.T) {
	at := time.Unix(2_000_000_000, 0)
	s := signer(t, "ed")
	s.Now, s.Expire = func() time.Time { return at }, time.Hour
	f, err := dkim.Sign(strings.NewReader(letter), 0, s)
	require.NoError(t, err)
	zone := mailauthtest.MustParse("ed._domainkey.example.com TXT v=DKIM1; k=ed25519; p=" + forge.Record(t, s.Key))
	for now, want := range map[time.Duration]error{0: nil, time.Hour: nil, time.Hour + time.Second: dkim.ErrExpired, -5 * time.Minute: nil, -6 * time.Minute: dkim.ErrFuture} {
		v := &dkim.Verifier{Resolver: zone, Now: func() time.Time { return at.Add(now) }}
		list, err := v.Verify(t.Context(), strings.NewReader(f+letter))
		require.NoError(t, err)
		require.ErrorIs(t, list[0].Err, want, now)
	}
}

// What we sign holds for dkimpy and OpenDKIM.
func TestOthersVerifyOurs(t *testing.T) {
	ring := keyring(t)
	var messages []string
	zone := ""
	for _, key := range []string{"rsa", "rsa2048", "ed"} {
		for form := range 4 {
			for _, msg := range []string{letter, "From: a@example.com\r\n\r\n", "From: a@example.com\r\nSubject: =?utf-8?q?x?=\r\n\r\n \r\n.\r\n" + strings.Repeat("long ", 190) + "\r\n"} {
				s := signer(t, key)
				s.Selector = fmt.Sprintf("s%d", len(messages))
				s.SimpleHeader, s.SimpleBody = form&1 != 0, form&2 != 0
				s.Identity = "joe@list.example.com"
				f, err := dkim.Sign(strings.NewReader(msg), 0, s)
				require.NoError(t, err)
				messages = append(messages, f+msg)
				kind := map[bool]string{true: "ed25519", false: "rsa"}[key == "ed"]
				zone += s.Selector + "._domainkey.example.com TXT v=DKIM1; k=" + kind + "; p=" + forge.Record(t, ring[key]) + "\n"
			}
		}
	}
	t.Run("opendkim", func(t *testing.T) {
		require.Len(t, opendkim(t, zone, messages), len(messages))
	})
	t.Run("dkimpy", func(t *testing.T) {
		server, err := nameserver.Start(mailauthtest.MustParse(zone))
		require.NoError(t, err)
		t.Cleanup(func() { server.Close() })
		_, port, _ := net.SplitHostPort(server.Addr)
		peer := pypeer.Start(t, "python3-dkim, python3-nacl and python3-dnspython", "testdata/dkimpy.py", port)
		for _, m := range messages {
			var a struct{ Result, Text string }
			peer.Ask(map[string][]byte{"Message": []byte(m)}, &a)
			require.Equal(t, "pass", a.Result, "%s\n%s", a.Text, m)
		}
	})
}
