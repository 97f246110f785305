package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// NewToken makes a token that a form shows to prove that this site has made it, for whoever has the key. Each is another, so that
// compressing a page tells nothing about it.
func NewToken(key []byte) string {
	var pad [12]byte
	rand.Read(pad[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(append(pad[:], tokenSum(key, pad[:])...))
}

func tokenSum(key, pad []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(pad)
	return m.Sum(nil)[:18]
}

// ValidToken reports whether a token is one of NewToken's for the key.
func ValidToken(key []byte, token string) bool {
	b, err := base64.RawURLEncoding.DecodeString(token)
	return err == nil && len(b) == 30 && hmac.Equal(b[12:], tokenSum(key, b[:12]))
}

// Mark signs a reference in a link, so that a link from elsewhere can't have made it.
func Mark(key []byte, ref string) string {
	return base64.RawURLEncoding.EncodeToString(tokenSum(key, []byte(ref)))
}
