package smime_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/smime"
)

// plainLetter is the same in every process.
const plainLetter = "From: Alice <alice@example.test>\r\nSubject: hello\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nThe secret.\r\n"

// FuzzVerify: whatever comes, there is an answer, and no changed content is called good.
func FuzzVerify(f *testing.F) {
	w := smallWorld()
	msg := plainLetter
	for _, opaque := range []bool{false, true} {
		f.Add([]byte(sign(f, signerOf(w.alice), opaque, msg)))
	}
	f.Add([]byte("Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\nMIAG\r\n--b--\r\n"))
	want := entityOf(msg)
	v := w.verifier()
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := v.Verify(bytes.NewReader(b), int64(len(b)))
		if err == nil && s.Good() && string(s.Content) != want {
			t.Fatalf("%q is called good", s.Content)
		}
	})
}

// FuzzDecrypt: whatever comes, nothing but the true content comes out.
func FuzzDecrypt(f *testing.F) {
	w := smallWorld()
	msg := plainLetter
	f.Add([]byte(encrypt(f, &smime.Encrypter{To: []*x509.Certificate{w.bob.cert}}, msg)))
	f.Add([]byte(encrypt(f, &smime.Encrypter{To: []*x509.Certificate{w.carol.cert}, Signer: signerOf(w.alice), Compatible: true}, msg)))
	want := entityOf(msg)
	d := decrypterOf(w.bob, w.carol)
	d.Verifier = w.verifier()
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := d.Decrypt(bytes.NewReader(b), int64(len(b)))
		if err == nil && string(got.Content) != want {
			t.Fatalf("%q came out", got.Content)
		}
	})
}

// FuzzCMS gives the structure itself to the parsers.
func FuzzCMS(f *testing.F) {
	w := smallWorld()
	for _, msg := range []string{
		sign(f, signerOf(w.alice), true, "From: a@b\r\n\r\nx\r\n"),
		encrypt(f, &smime.Encrypter{To: []*x509.Certificate{w.bob.cert, w.carol.cert}}, "From: a@b\r\n\r\nx\r\n"),
	} {
		_, body, _ := strings.Cut(msg, "\r\n\r\n")
		der, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\r\n", ""))
		require.NoError(f, err)
		f.Add(der)
	}
	v, d := w.verifier(), decrypterOf(w.bob, w.carol)
	d.Verifier = w.verifier()
	f.Fuzz(func(t *testing.T, der []byte) {
		msg := cmsMessage(der)
		v.Verify(bytes.NewReader(msg), int64(len(msg)))
		d.Decrypt(bytes.NewReader(msg), int64(len(msg)))
	})
}

func cmsMessage(der []byte) []byte {
	var b bytes.Buffer
	b.WriteString("Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	w := mime.NewBase64Writer(&b)
	w.Write(der)
	w.Close()
	return b.Bytes()
}

// Deep and long BER costs time in proportion and no stack.
func TestHostileBER(t *testing.T) {
	const size = 4 << 20
	for name, der := range map[string][]byte{
		"nested, indefinite":    bytes.Repeat([]byte{0x30, 0x80}, size/2),
		"nested octets":         bytes.Repeat([]byte{0x24, 0x80}, size/2),
		"wide":                  append([]byte{0x30, 0x80}, bytes.Repeat([]byte{0x05, 0x00}, size/2)...),
		"wide, deep":            append(bytes.Repeat([]byte{0x30, 0x80}, 31), bytes.Repeat([]byte{0x04, 0x01, 'x'}, size/3)...),
		"length beyond":         {0x30, 0x84, 0xff, 0xff, 0xff, 0xff},
		"high tag":              {0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00},
		"primitive, indefinite": {0x04, 0x80, 0x00, 0x00},
	} {
		msg := cmsMessage(der)
		start := time.Now()
		_, err := world().verifier().Verify(bytes.NewReader(msg), int64(len(msg)))
		require.ErrorIs(t, err, smime.ErrSyntax, name)
		_, err = decrypterOf(world().bob).Decrypt(bytes.NewReader(msg), int64(len(msg)))
		require.ErrorIs(t, err, smime.ErrSyntax, name)
		require.Less(t, time.Since(start), 10*time.Second, name)
	}
}

func BenchmarkVerify(b *testing.B) {
	w := world()
	msg := sign(b, signerOf(w.alice), false, "From: alice@example.test\r\n\r\n"+strings.Repeat("0123456789 line of text\r\n", 40_000))
	v := w.verifier()
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		s, err := v.Verify(strings.NewReader(msg), int64(len(msg)))
		if err != nil || !s.Good() {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecrypt(b *testing.B) {
	w := world()
	var out bytes.Buffer
	e := &smime.Encrypter{To: []*x509.Certificate{w.bob.cert}}
	require.NoError(b, e.Encrypt(&out, io.MultiReader(strings.NewReader("From: a@b\r\n\r\n"), strings.NewReader(strings.Repeat("0123456789 line of text\r\n", 40_000)))))
	d := decrypterOf(w.bob)
	b.SetBytes(int64(out.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decrypt(bytes.NewReader(out.Bytes()), int64(out.Len())); err != nil {
			b.Fatal(err)
		}
	}
}
