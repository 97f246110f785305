// Package forge makes signatures of DKIM and ARC for tests without the code that is tested: RFC 6376 sections 3.4 and 3.7 as the
// text has them, step by step.
package forge

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"embed"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	wsp      = regexp.MustCompile(`[ \t]+`)
	endSpace = regexp.MustCompile(`[ \t]+\r\n`)
	fold     = regexp.MustCompile(`\r\n([ \t])`)
	colon    = regexp.MustCompile(`^([^:]*?)[ \t]*:[ \t]*`)
	bTag     = regexp.MustCompile(`(^|;|:)([ \t\r\n]*b[ \t\r\n]*=)[^;]*`)
	ends     = regexp.MustCompile(`(\r\n)*$`)
)

// Header is RFC 6376 section 3.4.1 and 3.4.2.
func Header(f string, relaxed bool) string {
	if !relaxed {
		return f
	}
	f = strings.TrimSuffix(f, "\r\n")
	f = fold.ReplaceAllString(f, "$1")
	f = wsp.ReplaceAllString(f, " ")
	f = strings.TrimRight(f, " ")
	f = colon.ReplaceAllString(f, "$1:")
	name, value, _ := strings.Cut(f, ":")
	return strings.ToLower(name) + ":" + value + "\r\n"
}

// Body is RFC 6376 section 3.4.3 and 3.4.4.
func Body(b string, relaxed bool) string {
	if b != "" && !strings.HasSuffix(b, "\r\n") {
		b += "\r\n"
	}
	if relaxed {
		b = endSpace.ReplaceAllString(b, "\r\n")
		b = wsp.ReplaceAllString(b, " ")
	}
	b = ends.ReplaceAllString(b, "")
	if b != "" || !relaxed {
		b += "\r\n"
	}
	return b
}

// Sign is RFC 6376 section 3.7: field is a signature field that ends with an empty b=. Names are those of h=.
func Sign(t testing.TB, key crypto.Signer, relaxed bool, header []string, names []string, field string) string {
	t.Helper()
	left := append([]string(nil), header...)
	var data string
	for _, n := range names {
		for i := len(left) - 1; i >= 0; i-- {
			name, _, _ := strings.Cut(left[i], ":")
			if strings.EqualFold(strings.TrimRight(name, " \t"), strings.TrimSpace(n)) {
				data += Header(left[i], relaxed)
				left = append(left[:i], left[i+1:]...)
				break
			}
		}
	}
	data += strings.TrimSuffix(Header(bTag.ReplaceAllString(field, "$1$2"), relaxed), "\r\n")
	return sign(t, key, data)
}

// Seal signs the sets of a chain as RFC 8617 section 5.1.1 has it: fields are AAR, AMS and AS of each, and the last AS ends with
// an empty b=.
func Seal(t testing.TB, key crypto.Signer, fields []string) string {
	t.Helper()
	var data string
	for i, f := range fields {
		if i == len(fields)-1 {
			f = bTag.ReplaceAllString(f, "$1$2")
		}
		data += Header(f, true)
	}
	return sign(t, key, strings.TrimSuffix(data, "\r\n"))
}

// Hash is bh= of a canonical body.
func Hash(body string) string {
	sum := sha256.Sum256([]byte(body))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func sign(t testing.TB, key crypto.Signer, data string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(data))
	opts := crypto.SignerOpts(crypto.SHA256)
	if _, ok := key.(ed25519.PrivateKey); ok {
		opts = crypto.Hash(0)
	}
	sig, err := key.Sign(rand.Reader, sum[:], opts)
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(sig)
}

// Fields splits a header.
func Fields(header string) []string {
	var out []string
	for line := range strings.Lines(header) {
		if len(out) > 0 && (line[0] == ' ' || line[0] == '\t') {
			out[len(out)-1] += line
		} else {
			out = append(out, line)
		}
	}
	return out
}

//go:embed rsa2048.pem rsa4096.pem
var files embed.FS

// RSA returns a key for tests, of 2048 or 4096 bits.
func RSA(t testing.TB, bits int) crypto.Signer {
	t.Helper()
	b, err := files.ReadFile(fmt.Sprintf("rsa%d.pem", bits))
	require.NoError(t, err)
	block, _ := pem.Decode(b)
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	require.NoError(t, err)
	return key
}

// Record returns p= of a key.
func Record(t testing.TB, key crypto.Signer) string {
	if pub, ok := key.Public().(ed25519.PublicKey); ok {
		return base64.StdEncoding.EncodeToString(pub)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public().(*rsa.PublicKey))
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(der)
}
