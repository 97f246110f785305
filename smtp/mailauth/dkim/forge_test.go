package dkim_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What makes the signatures of the tests is not the package's code: RFC 6376 sections 3.4 and 3.7 as the text has them, step by
// step.

var (
	wsp      = regexp.MustCompile(`[ \t]+`)
	endSpace = regexp.MustCompile(`[ \t]+\r\n`)
	fold     = regexp.MustCompile(`\r\n([ \t])`)
	colon    = regexp.MustCompile(`^([^:]*?)[ \t]*:[ \t]*`)
	bTag     = regexp.MustCompile(`(^|;|:)([ \t\r\n]*b[ \t\r\n]*=)[^;]*`)
	ends     = regexp.MustCompile(`(\r\n)*$`)
)

// plainHeader is section 3.4.1 and 3.4.2.
func plainHeader(f string, relaxed bool) string {
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

// plainBody is section 3.4.3 and 3.4.4.
func plainBody(b string, relaxed bool) string {
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

// plainSign is section 3.7: field is a signature field that ends with an empty b=. Names are those of h=.
func plainSign(t testing.TB, key crypto.Signer, relaxed bool, header []string, names []string, field string) string {
	t.Helper()
	left := append([]string(nil), header...)
	var data string
	for _, n := range names {
		for i := len(left) - 1; i >= 0; i-- {
			name, _, _ := strings.Cut(left[i], ":")
			if strings.EqualFold(strings.TrimRight(name, " \t"), strings.TrimSpace(n)) {
				data += plainHeader(left[i], relaxed)
				left = append(left[:i], left[i+1:]...)
				break
			}
		}
	}
	data += strings.TrimSuffix(plainHeader(bTag.ReplaceAllString(field, "$1$2"), relaxed), "\r\n")
	sum := sha256.Sum256([]byte(data))
	opts := crypto.SignerOpts(crypto.SHA256)
	if _, ok := key.(ed25519.PrivateKey); ok {
		opts = crypto.Hash(0)
	}
	sig, err := key.Sign(rand.Reader, sum[:], opts)
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(sig)
}

func fields(header string) []string {
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

// forge returns a DKIM-Signature of a message. In tags "{bh}" stands for the hash of the body and "{b}" for the signature; what
// isn't there of v, a, d, s, c, h, bh and b is added, but for "-x", which leaves x out.
func forge(t testing.TB, tags, message string, key crypto.Signer) string {
	t.Helper()
	alg := "rsa-sha256"
	if _, ok := key.(ed25519.PrivateKey); ok {
		alg = "ed25519-sha256"
	}
	def := [][2]string{{"v", "1"}, {"a", alg}, {"d", "example.com"}, {"s", "s"}, {"c", "relaxed/relaxed"}, {"h", "from:to:subject"}, {"bh", "{bh}"}, {"b", "{b}"}}
	for _, d := range def {
		if has := regexp.MustCompile(`(^|;)\s*` + d[0] + `\s*=`); !has.MatchString(tags) && !strings.Contains(tags, "-"+d[0]+";") {
			tags = strings.TrimSuffix(tags, ";") + map[bool]string{true: "; "}[tags != ""] + d[0] + "=" + d[1] + ";"
		}
		tags = strings.ReplaceAll(tags, "-"+d[0]+";", "")
	}
	tags = strings.TrimSpace(tags)
	tag := func(name string) string {
		m := regexp.MustCompile(`(?:^|;)\s*` + name + `\s*=([^;]*)`).FindStringSubmatch(tags)
		if m == nil {
			return ""
		}
		return strings.Trim(m[1], " \t\r\n")
	}
	head, body, _ := strings.Cut(message, "\r\n\r\n")
	head += "\r\n"
	h, bd, _ := strings.Cut(tag("c"), "/")
	canon := plainBody(body, strings.EqualFold(bd, "relaxed"))
	if l := tag("l"); l != "" {
		n := 0
		for _, c := range l {
			if n = n*10 + int(c-'0'); n > len(canon) || c < '0' || c > '9' {
				n = len(canon)
				break
			}
		}
		canon = canon[:n]
	}
	sum := sha256.Sum256([]byte(canon))
	tags = strings.ReplaceAll(tags, "{bh}", base64.StdEncoding.EncodeToString(sum[:]))
	field := "DKIM-Signature: " + tags + "\r\n"
	field = strings.ReplaceAll(field, "{b}", plainSign(t, key, strings.EqualFold(h, "relaxed"), fields(head), strings.Split(tag("h"), ":"), strings.ReplaceAll(field, "{b}", "")))
	return field
}

// keyRecord returns p= of a key.
func keyRecord(t testing.TB, key crypto.Signer) string {
	if pub, ok := key.Public().(ed25519.PublicKey); ok {
		return base64.StdEncoding.EncodeToString(pub)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public().(*rsa.PublicKey))
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(der)
}
