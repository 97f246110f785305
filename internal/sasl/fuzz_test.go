package sasl_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/sasl"
)

// FuzzServer gives every mechanism any three lines: it must end, never crash, and let nobody in who has not shown a secret
// of the store's.
func FuzzServer(f *testing.F) {
	f.Add("PLAIN", "AHVzZXIAcGVuY2ls", "", "")
	f.Add("LOGIN", "", "dXNlcg==", "cGVuY2ls")
	f.Add("CRAM-MD5", "", b64("user 0123456789abcdef0123456789abcdef"), "")
	for _, ex := range examples {
		f.Add(ex.mechanism, b64(ex.first), b64(ex.final), "")
	}
	f.Add("OAUTHBEARER", b64("n,a=user,\x01host=h\x01port=1\x01auth=Bearer x\x01\x01"), "AQ==", "")
	f.Add("XOAUTH2", b64("user=user\x01auth=Bearer x\x01\x01"), "", "")
	f.Add("ANONYMOUS", "=", "", "")
	auth := &rich{users: newUsers()}
	f.Fuzz(func(t *testing.T, mechanism, initial, second, third string) {
		c := &sasl.Config{Authenticator: auth, Secured: true}
		e, err := c.Start(context.Background(), mechanism)
		if err != nil {
			return
		}
		asked := 0
		err = e.Run(initial, func(challenge string) ([]byte, error) {
			asked++
			switch asked {
			case 1:
				return []byte(second), nil
			case 2:
				return []byte(third), nil
			case 3:
				return []byte("*"), nil
			}
			t.Fatalf("challenge %d: %q", asked, challenge)
			return nil, nil
		})
		if err == nil && e.Identity() == nil || err != nil && e.Identity() != nil {
			t.Fatalf("identity %v with error %v", e.Identity(), err)
		}
		if err == nil && strings.HasPrefix(mechanism, "SCRAM") {
			t.Fatal("a proof for a nonce that was made just now")
		}
		if err != nil && !errors.Is(err, mail.ErrAuthFailed) && !errors.Is(err, sasl.ErrMalformed) && !errors.Is(err, sasl.ErrCancelled) {
			t.Fatalf("unknown kind of error: %v", err)
		}
	})
}

// FuzzClient gives every client any challenges.
func FuzzClient(f *testing.F) {
	f.Add("SCRAM-SHA-256", b64(examples[1].challenge), b64(examples[1].verifier))
	f.Add("LOGIN", b64("Username:"), b64("Password:"))
	f.Add("OAUTHBEARER", b64(`{"status":"invalid_token"}`), "")
	f.Add("CRAM-MD5", b64("<1@x>"), "")
	f.Fuzz(func(t *testing.T, mechanism, first, second string) {
		c := &sasl.ClientConfig{Secured: true, Offered: []string{mechanism}, Credentials: &mail.Credentials{Username: "user", Password: "pencil", Token: "t"}}
		c.SetNonce("rOprNGfwEbeRWgbNEkqO")
		x, err := c.Start()
		if err != nil {
			return
		}
		x.Initial()
		for _, ch := range []string{first, second, ""} {
			line, err := x.Answer(ch)
			if err != nil {
				break
			}
			if strings.ContainsAny(line, "\r\n") {
				t.Fatalf("line break in %q", line)
			}
		}
		if x.Finish() == nil && strings.HasPrefix(mechanism, "SCRAM") && second != b64(examples[1].verifier) && first == b64(examples[1].challenge) {
			if v, err := x.Answer(second); err == nil {
				t.Fatalf("believed %q (%q)", second, v)
			}
		}
	})
}

func FuzzGS2(f *testing.F) {
	f.Add("n,,")
	f.Add("p=tls-exporter,a=x=2Cy,rest")
	f.Fuzz(func(t *testing.T, s string) {
		if sasl.ParseGS2(s) != nil {
			return
		}
		if strings.Count(s, ",") < 2 {
			t.Fatalf("%q is no header", s)
		}
	})
}

func FuzzPrep(f *testing.F) {
	f.Add("I\u00ADX")
	f.Add("\u0627\u0031")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := sasl.Prep(s)
		if err != nil {
			return
		}
		if again, err := sasl.Prep(p); err != nil || again != p {
			// Normalising once more may change what a character of a later Unicode composes to, but never for what
			// SASLprep allows.
			t.Fatalf("%q -> %q -> %q %v", s, p, again, err)
		}
	})
}

func BenchmarkServer(b *testing.B) {
	auth := &rich{users: newUsers()}
	b.Run("PLAIN", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c := &sasl.Config{Authenticator: auth, Secured: true}
			e, err := c.Start(context.Background(), "PLAIN")
			if err != nil || e.Run("AHVzZXIAcGVuY2ls", nil) != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("SCRAM-SHA-256", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			server := &sasl.Config{Authenticator: auth}
			client := &sasl.ClientConfig{Credentials: &mail.Credentials{Username: "user", Password: "pencil"}, Offered: []string{"SCRAM-SHA-256"}}
			x, _ := client.Start()
			e, _ := server.Start(context.Background(), "SCRAM-SHA-256")
			if serr, cerr := talk(x, e); serr != nil || cerr != nil {
				b.Fatal(serr, cerr)
			}
		}
	})
}
