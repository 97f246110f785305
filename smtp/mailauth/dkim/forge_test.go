package dkim_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/buuta/mail/smtp/mailauth/internal/forge"
)

// forged returns a DKIM-Signature of a message. In tags "{bh}" stands for the hash of the body and "{b}" for the signature; what
// isn't there of v, a, d, s, c, h, bh and b is added, but for "-x", which leaves x out.
func forged(t testing.TB, tags, message string, key crypto.Signer) string {
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
	canon := forge.Body(body, strings.EqualFold(bd, "relaxed"))
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
	field = strings.ReplaceAll(field, "{b}", forge.Sign(t, key, strings.EqualFold(h, "relaxed"), forge.Fields(head), strings.Split(tag("h"), ":"), strings.ReplaceAll(field, "{b}", "")))
	return field
}
