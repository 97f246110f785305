package sasl_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/sasl"
)

// The example exchanges of RFC 5802 section 5 and RFC 7677 section 3, user "user", password "pencil".
var examples = []struct{ mechanism, hash, salt, clientNonce, serverNonce, first, challenge, final, verifier string }{
	{
		"SCRAM-SHA-1", "SHA-1", "QSXCR+Q6sek8bf92", "fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j",
		"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
		"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
		"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
	}, {
		"SCRAM-SHA-256", "SHA-256", "W22ZaJ0SNY7soEsUEjb6gQ==", "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
		"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
		"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
		"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
	},
}

// fixed is a SCRAMStore with one user and the salt of an example.
type fixed struct {
	*users
	salt []byte
}

func (f *fixed) SCRAM(_ context.Context, a *mail.AuthRequest, hash string) (*mail.SCRAMCredentials, *mail.Identity, error) {
	if a.Username != "user" {
		return nil, nil, mail.ErrAuthFailed
	}
	c, err := sasl.DeriveSCRAM(hash, "pencil", f.salt, 4096)
	return c, &mail.Identity{Username: "user"}, err
}

func TestSCRAMExamples(t *testing.T) {
	for _, ex := range examples {
		salt, _ := base64.StdEncoding.DecodeString(ex.salt)
		server := &sasl.Config{Authenticator: &fixed{newUsers(), salt}}
		server.SetNonce(ex.serverNonce)
		client := &sasl.ClientConfig{
			Credentials: &mail.Credentials{Username: "user", Password: "pencil"},
			Offered:     []string{ex.mechanism},
		}
		client.SetNonce(ex.clientNonce)
		x, err := client.Start()
		require.NoError(t, err)
		ir, ok := x.Initial()
		require.True(t, ok)
		require.Equal(t, b64(ex.first), ir)

		e, err := server.Start(context.Background(), ex.mechanism)
		require.NoError(t, err)
		challenge, done, err := e.Next([]byte(ex.first))
		require.NoError(t, err)
		require.False(t, done)
		require.Equal(t, ex.challenge, string(challenge))
		line, err := x.Answer(b64(ex.challenge))
		require.NoError(t, err)
		require.Equal(t, b64(ex.final), line)
		require.ErrorIs(t, x.Finish(), sasl.ErrServerUnproved, "not yet")
		challenge, done, err = e.Next([]byte(ex.final))
		require.NoError(t, err)
		require.False(t, done, "the verifier goes as a challenge")
		require.Nil(t, e.Identity(), "not before the end")
		require.Equal(t, ex.verifier, string(challenge))
		line, err = x.Answer(b64(ex.verifier))
		require.NoError(t, err)
		require.Empty(t, line)
		require.NoError(t, x.Finish())
		_, done, err = e.Next([]byte{})
		require.NoError(t, err)
		require.True(t, done)
		require.Equal(t, "user", e.Identity().Username)
	}
}

func TestSCRAMStoredKeys(t *testing.T) {
	server := &sasl.Config{Authenticator: &keys{users: newUsers()}}
	for _, m := range []string{"SCRAM-SHA-1", "SCRAM-SHA-256"} {
		_, serr, cerr := login(t, server, &sasl.ClientConfig{Credentials: &mail.Credentials{Username: "user", Password: "pencil"}}, m)
		require.NoError(t, serr)
		require.NoError(t, cerr)
		_, serr, _ = login(t, server, &sasl.ClientConfig{Credentials: &mail.Credentials{Username: "user", Password: "pen"}}, m)
		require.ErrorIs(t, serr, mail.ErrAuthFailed)
	}
}

func firstChallenge(t *testing.T, c *sasl.Config, user string) string {
	e, err := c.Start(context.Background(), "SCRAM-SHA-256")
	require.NoError(t, err)
	challenge, _, err := e.Next([]byte("n,,n=" + user + ",r=abc"))
	require.NoError(t, err, "an unknown user is not told from a known one at this point")
	_, rest, _ := strings.Cut(string(challenge), ",")
	return rest
}

// A user that isn't there gets salt and iterations like everybody, the same each time.
func TestSCRAMUnknownUser(t *testing.T) {
	for name, auth := range map[string]mail.Authenticator{
		"passwords": &rich{users: newUsers()},
		"keys":      &keys{users: newUsers()},
	} {
		c := &sasl.Config{Authenticator: auth}
		a, b := firstChallenge(t, c, "nobody"), firstChallenge(t, c, "nobody")
		require.Equal(t, a, b, name)
		require.NotEqual(t, a, firstChallenge(t, c, "nobody2"), name)
		require.Regexp(t, `^s=[A-Za-z0-9+/]{22}==,i=4096$`, a)
	}
	shaped := &sasl.Config{Authenticator: &keys{newUsers(), &mail.SCRAMCredentials{Salt: []byte("12345678"), Iterations: 5000}}}
	require.Equal(t, "s="+b64("12345678")+",i=5000", firstChallenge(t, shaped, "nobody"))
	// Credentials that can't be right are no credentials.
	e, _ := (&sasl.Config{Authenticator: &fixed{newUsers(), nil}}).Start(context.Background(), "SCRAM-SHA-256")
	_, _, err := e.Next([]byte("n,,n=user,r=abc"))
	require.NoError(t, err)
}

func TestSCRAMServerRefuses(t *testing.T) {
	salt, _ := base64.StdEncoding.DecodeString(examples[1].salt)
	newServer := func() *sasl.Exchange {
		c := &sasl.Config{Authenticator: &fixed{newUsers(), salt}}
		c.SetNonce(examples[1].serverNonce)
		e, err := c.Start(context.Background(), "SCRAM-SHA-256")
		require.NoError(t, err)
		return e
	}
	for _, m := range []string{
		"", "n", "n,", "n,,", "x,,n=user,r=a", "n,,n=user", "n,,r=a,n=user", "n,,n=user,r=", "n,,n=user,r=a b",
		"n,,n=,r=a",
		"n,,m=ext,n=user,r=a",              // section 5.1: "its presence ... MUST cause authentication failure"
		"n,,n=us=er,r=a", "n,,n=us=2c,r=a", // "'=' not followed by either '2C' or '3D'": MUST fail
		"n,x=y,n=user,r=a", "n,a=,n=user,r=a", "p=,,n=user,r=a", "p=tls-unique,,n=user,r=a", "n,,n=user,r=a,m=1",
		"n,,n=user,r=a,x", "n,,n=us\x07er,r=a", "n,,n=\xff,r=a", "n,,n=\u00ad,r=a", "n,,n=user,r=" + strings.Repeat("a", 513),
	} {
		_, _, err := newServer().Next([]byte(m))
		require.ErrorIs(t, err, sasl.ErrMalformed, "%q", m)
	}
	// "Unknown optional extensions MUST be ignored upon receipt."
	_, _, err := newServer().Next([]byte("n,,n=user,r=a,x=whatever"))
	require.NoError(t, err)

	good := examples[1].final
	nonce := "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
	final := func(msg string) error {
		e := newServer()
		_, _, err := e.Next([]byte(examples[1].first))
		require.NoError(t, err)
		_, _, err = e.Next([]byte(msg))
		require.Nil(t, e.Identity())
		return err
	}
	require.NoError(t, final(good))
	for _, m := range []string{
		strings.Replace(good, "c=biws", "c=eSws", 1),         // another GS2 header than the first message's: "y,,"
		strings.Replace(good, "c=biws", "c=", 1),             //
		strings.Replace(good, nonce, nonce[:20], 1),          // only the client's part
		strings.Replace(good, nonce, nonce+"x", 1),           //
		strings.Replace(good, "p=dHzb", "p=dHzc", 1),         //
		strings.Replace(good, ",p=dHzb", ",x=1,p=dHzb", 1),   // an extension changes what is signed
		strings.Replace(good, "p=dHzbZapWIk4j", "p=dHzb", 1), // too short
	} {
		require.ErrorIs(t, final(m), mail.ErrAuthFailed, m)
		require.EqualError(t, final(strings.Replace(m, "c=biws", "c=biws", 1)), final(m).Error())
	}
	for _, m := range []string{"", "c=biws", "c=biws,r=" + nonce, "r=" + nonce + ",c=biws,p=AA==", good + "=", good + ",x=y", "c=biws,r=" + nonce + ",m=1,p=AA=="} {
		require.ErrorIs(t, final(m), sasl.ErrMalformed, m)
	}
	// After the verifier only the empty response ends it well.
	e := newServer()
	e.Next([]byte(examples[1].first))
	e.Next([]byte(good))
	_, _, err = e.Next([]byte("v=x"))
	require.ErrorIs(t, err, sasl.ErrMalformed)
	require.Nil(t, e.Identity())
}

func TestSCRAMClientRefuses(t *testing.T) {
	newClient := func() *sasl.ClientExchange {
		c := &sasl.ClientConfig{Credentials: &mail.Credentials{Username: "user", Password: "pencil"}, Offered: []string{"SCRAM-SHA-256"}}
		c.SetNonce(examples[1].clientNonce)
		x, err := c.Start()
		require.NoError(t, err)
		x.Initial()
		return x
	}
	nonce := examples[1].clientNonce
	for _, m := range []string{
		"", "r=" + nonce + "x", "r=" + nonce + "x,s=QSXCR+Q6sek8bf92",
		"r=" + nonce + ",s=QSXCR+Q6sek8bf92,i=4096",              // the server added nothing
		"r=x" + nonce + ",s=QSXCR+Q6sek8bf92,i=4096",             // not ours
		"r=" + nonce + "x,s=,i=4096",                             //
		"r=" + nonce + "x,s=QSXCR+Q6sek8bf92,i=4095",             // too cheap for whoever attacks the proof
		"r=" + nonce + "x,s=QSXCR+Q6sek8bf92,i=4000000000",       // too dear for us
		"r=" + nonce + "x,s=QSXCR+Q6sek8bf92,i=0",                //
		"r=" + nonce + "x,s=QSXCR+Q6sek8bf92,i=-1",               //
		"m=ext,r=" + nonce + "x,s=QSXCR+Q6sek8bf92,i=4096",       //
		"r=" + nonce + "x,s=QSXCR+Q6sek8bf92,i=4096,m=ext",       //
		"r=" + nonce + "x,s=%,i=4096", "e=other-error", "v=AAAA", //
		"r=" + nonce + strings.Repeat("x", 600) + ",s=QSXCR+Q6,i=4096", //
	} {
		_, err := newClient().Answer(b64(m))
		require.Error(t, err, "%q", m)
	}
	x := newClient()
	_, err := x.Answer(b64(examples[1].challenge))
	require.NoError(t, err)
	_, err = x.Answer(b64("v=" + b64("wrong")))
	require.ErrorIs(t, err, sasl.ErrServerUnproved)
	require.ErrorIs(t, x.Finish(), sasl.ErrServerUnproved, "a server that says yes without the verifier")
	x = newClient()
	x.Answer(b64(examples[1].challenge))
	_, err = x.Answer(b64("e=invalid-proof"))
	require.ErrorContains(t, err, "invalid-proof")
	_, err = (&sasl.ClientConfig{Credentials: &mail.Credentials{Username: "us\aer", Password: "p"}, Offered: []string{"SCRAM-SHA-1"}}).Start()
	require.Error(t, err, "RFC 5802 section 5.1: the client aborts when SASLprep fails")
}

func TestNamesAreQuoted(t *testing.T) {
	for _, s := range []string{"a,b=c", "=2C", "user"} {
		got, err := sasl.DecodeName(sasl.EncodeName(s))
		require.NoError(t, err)
		require.Equal(t, s, got)
	}
	require.Equal(t, "a=2Cb=3Dc", sasl.EncodeName("a,b=c"))
}

// RFC 4013 section 3, the table of examples, and the prohibitions of section 2.3.
func TestSASLprep(t *testing.T) {
	for in, want := range map[string]string{
		"I\u00ADX": "IX", "user": "user", "USER": "USER", "\u00AA": "a", "\u2168": "IX",
		"a\u00A0b\u3000c": "a b c", "": "", "\u0627\u0628": "\u0627\u0628", "tie\u0302\u0301ng": "tiếng", "\u0627 1\u0628": "\u0627 1\u0628",
	} {
		got, err := sasl.Prep(in)
		require.NoError(t, err, "%q", in)
		require.Equal(t, want, got, "%q", in)
	}
	for _, in := range []string{
		"\u0007", "\u0627\u0031", "a\x7f", "\u0085", "\u06dd", "\ue000", "\ufdd0", "\uffff", "\U0001fffe", "\ufffd", "\u2ff0", "\u200e",
		"\U000e0001", "\U000e0041", "\U00100000", "\u0627a\u0627", "a\u0627", "\xff", "\u180e", "\U0001d173",
	} {
		_, err := sasl.Prep(in)
		require.Error(t, err, "%q", in)
	}
	_, err := sasl.DeriveSCRAM("SHA-1", "\u0007", []byte("salt"), 4096)
	require.Error(t, err)
	_, err = sasl.DeriveSCRAM("MD5", "x", []byte("salt"), 4096)
	require.Error(t, err)
}
