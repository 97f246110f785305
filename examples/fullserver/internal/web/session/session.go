// Package session keeps who is signed in to a web application. A session's only key is a random cookie. What is kept is a hash
// of it, and the password of the mail server sealed with a key that is derived from the cookie: whoever steals the file
// has neither.
package session

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/sealed"
)

// Info is what a user is shown of a session.
type Info struct {
	ID      string // names the session to its owner; it opens nothing
	User    string
	Created time.Time
	Seen    time.Time // the last request
	Remote  string    // the address that it was last used from
	Agent   string    // the browser, as it calls itself
}

// Session is one that a request has shown the cookie of.
type Session struct {
	Info
	Secret string // the user's password at the mail server
	cookie []byte
}

// Key returns 32 octets that only this session has, for a purpose: tokens in forms, signed references. They can't be told from
// what is kept.
func (s *Session) Key(purpose string) []byte { return derive(s.cookie, purpose) }

// record is a session as it is kept.
type record struct {
	Info
	Hash   [sha256.Size]byte
	Sealed []byte
}

const cookieSize = 32 // octets: 256 bits

// NewCookie returns a random value for a cookie.
func NewCookie() string {
	var b [cookieSize]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func decodeCookie(s string) ([]byte, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return b, err == nil && len(b) == cookieSize
}

// Derive returns 32 octets for a purpose from a cookie that [NewCookie] made; ok is false for another.
func Derive(cookie, purpose string) (key []byte, ok bool) {
	raw, ok := decodeCookie(cookie)
	if !ok {
		return nil, false
	}
	return derive(raw, purpose), true
}

func derive(cookie []byte, purpose string) []byte {
	k, err := hkdf.Key(sha256.New, cookie, nil, "buuta webmail "+purpose, 32)
	if err != nil {
		panic(err) // 32 octets are always to be had
	}
	return k
}

// seal encrypts a secret, bound to the user it belongs to.
func seal(cookie []byte, user, secret string) []byte {
	return sealed.Seal(derive(cookie, "seal"), user, secret)
}

func unseal(cookie []byte, user string, b []byte) (string, error) {
	return sealed.Open(derive(cookie, "seal"), user, b)
}

// newID returns a name for a session.
func newID() string {
	var b [9]byte
	_, _ = io.ReadFull(rand.Reader, b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
