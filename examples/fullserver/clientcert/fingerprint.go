// Package clientcert says who a TLS client's certificate says it is: by fingerprints, as Postfix's tables have them, by the name in it, as Dovecot's
// ssl_cert_username_field, and by the authorities that vouch for it.
package clientcert

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"fmt"
	"strings"
)

// Digests are the words for smtpd_tls_fingerprint_digest.
var Digests = []string{"md5", "sha1", "sha256", "sha384", "sha512"}

// Fingerprints are those of a certificate and of its public key (SubjectPublicKeyInfo), in hex with colons. digest is one of Digests.
func Fingerprints(c *x509.Certificate, digest string) (cert, key string) {
	return fingerprint(c.Raw, digest), fingerprint(c.RawSubjectPublicKeyInfo, digest)
}

func fingerprint(b []byte, digest string) string {
	var sum []byte
	switch digest {
	case "md5":
		s := md5.Sum(b)
		sum = s[:]
	case "sha1":
		s := sha1.Sum(b)
		sum = s[:]
	case "sha384":
		s := sha512.Sum384(b)
		sum = s[:]
	case "sha512":
		s := sha512.Sum512(b)
		sum = s[:]
	default:
		s := sha256.Sum256(b)
		sum = s[:]
	}
	return strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":")
}
