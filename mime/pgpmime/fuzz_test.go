package pgpmime_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"sync"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/pgpmime"
)

// small is a key that is quick to use.
var small = sync.OnceValue(func() *openpgp.Entity {
	e, err := openpgp.NewEntity("Alice", "", "alice@example.test", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	if err != nil {
		panic(err)
	}
	return e
})

// plainLetter is the same in every process.
const plainLetter = "From: Alice <alice@example.test>\r\nSubject: hello\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nThe secret.\r\n"

// FuzzVerify: whatever comes, there is an answer, and no changed content is called good.
func FuzzVerify(f *testing.F) {
	msg := plainLetter
	f.Add([]byte(sign(f, &pgpmime.Signer{Key: small()}, msg)))
	f.Add([]byte("Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\n-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\r\n--b--\r\n"))
	want := entityOf(msg)
	v := &pgpmime.Verifier{Keys: ring(small())}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := v.Verify(bytes.NewReader(b), int64(len(b)))
		if err == nil && s.Good() && string(s.Content) != want {
			t.Fatalf("%q is called good", s.Content)
		}
	})
}

// FuzzCleartext: whatever comes, nothing but the text that was signed is called good.
func FuzzCleartext(f *testing.F) {
	f.Add([]byte(clearsigned(f, small(), "The secret.\n- dash")))
	f.Add([]byte(" -----BEGIN PGP SIGNED MESSAGE-----\n\nx\n" + clearsigned(f, small(), "The secret.\n- dash")))
	header := mime.ParseHeader([]byte(plainLetter), nil)
	v := &pgpmime.Verifier{Keys: ring(small())}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := v.VerifyCleartext(b, header)
		if err == nil && s.Signatures[0].Err == nil && string(s.Content) != "The secret.\r\n- dash" {
			t.Fatalf("%q is called good", s.Content)
		}
	})
}

// FuzzDecrypt: whatever comes, nothing but the true content comes out.
func FuzzDecrypt(f *testing.F) {
	msg := plainLetter
	f.Add([]byte(encrypt(f, &pgpmime.Encrypter{To: ring(small())}, msg)))
	f.Add([]byte(encrypt(f, &pgpmime.Encrypter{To: ring(small()), Sign: small()}, msg)))
	want := entityOf(msg)
	d := &pgpmime.Decrypter{Keys: ring(small())}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := d.Decrypt(bytes.NewReader(b), int64(len(b)))
		if err == nil && string(got.Content) != want {
			t.Fatalf("%q came out", got.Content)
		}
	})
}

// FuzzPackets gives the packets themselves to the parsers.
func FuzzPackets(f *testing.F) {
	for _, msg := range []string{
		sign(f, &pgpmime.Signer{Key: small()}, "From: a@b\r\n\r\nx\r\n"),
		encrypt(f, &pgpmime.Encrypter{To: ring(small()), Sign: small()}, "From: a@b\r\n\r\nx\r\n"),
	} {
		_, data := partsOf(f, msg)
		_, data, _ = strings.Cut(data, "\r\n\r\n")
		data, _, _ = strings.Cut(data, "\r\n=")
		b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(data, "\r\n", ""))
		require.NoError(f, err)
		f.Add(b)
	}
	v, d := &pgpmime.Verifier{Keys: ring(small())}, &pgpmime.Decrypter{Keys: ring(small())}
	f.Fuzz(func(t *testing.T, b []byte) {
		data := base64.StdEncoding.EncodeToString(b)
		for i := 76; i < len(data); i += 78 {
			data = data[:i] + "\r\n" + data[i:]
		}
		signed := "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\n" +
			"-----BEGIN PGP SIGNATURE-----\r\n\r\n" + data + "\r\n-----END PGP SIGNATURE-----\r\n--b--\r\n"
		v.Verify(strings.NewReader(signed), int64(len(signed)))
		sealed := "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n\r\n--b\r\nContent-Type: application/pgp-encrypted\r\n\r\n" +
			"Version: 1\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\n" + data + "\r\n-----END PGP MESSAGE-----\r\n--b--\r\n"
		decrypt(d, sealed)
	})
}

func BenchmarkVerify(b *testing.B) {
	msg := sign(b, &pgpmime.Signer{Key: small()}, "From: alice@example.test\r\n\r\n"+strings.Repeat("0123456789 line of text\r\n", 40_000))
	v := &pgpmime.Verifier{Keys: ring(small())}
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		if s, err := v.Verify(strings.NewReader(msg), int64(len(msg))); err != nil || !s.Good() {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecrypt(b *testing.B) {
	msg := encrypt(b, &pgpmime.Encrypter{To: ring(small()), Sign: small()}, "From: alice@example.test\r\n\r\n"+strings.Repeat("0123456789 line of text\r\n", 40_000))
	d := &pgpmime.Decrypter{Keys: ring(small())}
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decrypt(d, msg); err != nil {
			b.Fatal(err)
		}
	}
}
