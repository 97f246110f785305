package dkim_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/internal/forge"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

func benchVerify(b *testing.B, key string) {
	k := keyring(b)[key]
	kind := map[bool]string{true: "ed25519", false: "rsa"}[key == "ed"]
	zone := mailauthtest.MustParse("s._domainkey.example.com TXT v=DKIM1; k=" + kind + "; p=" + forge.Record(b, k))
	body := letter + strings.Repeat("The quick brown fox  jumps over the lazy dog. \r\n", 200)
	message := []byte(forged(b, "", body, k) + body)
	v := &dkim.Verifier{Resolver: zone}
	b.ReportAllocs()
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		list, err := v.Verify(b.Context(), bytes.NewReader(message))
		if err != nil || list[0].Result != pass {
			b.Fatal(err, list[0].Err)
		}
	}
}

func BenchmarkVerifyRSA2048(b *testing.B) { benchVerify(b, "rsa2048") }
func BenchmarkVerifyEd25519(b *testing.B) { benchVerify(b, "ed") }

func benchSign(b *testing.B, key string) {
	s := signer(b, key)
	body := []byte(letter + strings.Repeat("The quick brown fox  jumps over the lazy dog. \r\n", 200))
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := dkim.Sign(bytes.NewReader(body), 0, s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignRSA2048(b *testing.B) { benchSign(b, "rsa2048") }
func BenchmarkSignEd25519(b *testing.B) { benchSign(b, "ed") }

// What a large body costs besides the signature.
func BenchmarkVerifyLarge(b *testing.B) {
	k := keyring(b)["ed"]
	zone := mailauthtest.MustParse("s._domainkey.example.com TXT v=DKIM1; k=ed25519; p=" + forge.Record(b, k))
	body := letter + strings.Repeat(strings.Repeat("VGhlIHF1aWNrIGJyb3du", 4)[:76]+"\r\n", 1<<17)
	message := []byte(forged(b, "", body, k) + body)
	v := &dkim.Verifier{Resolver: zone}
	b.ReportAllocs()
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		if list, err := v.Verify(b.Context(), bytes.NewReader(message)); err != nil || list[0].Result != pass {
			b.Fatal(err)
		}
	}
}
