package totp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Hash is the hash that codes are made with.
type Hash string

// The hashes. Most apps know SHA1 only.
const (
	SHA1   Hash = "SHA1"
	SHA256 Hash = "SHA256"
	SHA512 Hash = "SHA512"
)

var hashes = map[Hash]func() hash.Hash{SHA1: sha1.New, SHA256: sha256.New, SHA512: sha512.New}

// Key is what the user's app and the server share.
type Key struct {
	Secret []byte
	Hash   Hash          // "": SHA1
	Digits int           // 6 to 8; 0: 6
	Period time.Duration // whole seconds; 0: 30 s
}

// NewKey makes a key of 160 bits, as RFC 4226 section 4 (R6) recommends.
func NewKey() *Key {
	k := &Key{Secret: make([]byte, 20)}
	rand.Read(k.Secret) // never fails (crypto/rand)
	return k
}

// HOTP is the code for a counter (RFC 4226 section 5.3).
func (k *Key) HOTP(counter uint64) string {
	make := hashes[k.hash()]
	if make == nil {
		make = sha1.New
	}
	m := hmac.New(make, k.Secret)
	m.Write(binary.BigEndian.AppendUint64(nil, counter))
	sum := m.Sum(nil)
	offset := sum[len(sum)-1] & 15
	n := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	mod := uint32(1)
	for range k.digits() {
		mod *= 10
	}
	return fmt.Sprintf("%0*d", k.digits(), n%mod)
}

// At is the code at a time (RFC 6238 section 4.2).
func (k *Key) At(t time.Time) string { return k.HOTP(k.step(t)) }

// step is the number of the time step that t lies in.
func (k *Key) step(t time.Time) uint64 {
	return uint64(max(t.Unix(), 0)) / uint64(k.period()/time.Second)
}

func (k *Key) hash() Hash {
	if k.Hash == "" {
		return SHA1
	}
	return k.Hash
}

func (k *Key) digits() int {
	if k.Digits == 0 {
		return 6
	}
	return k.Digits
}

func (k *Key) period() time.Duration {
	if k.Period == 0 {
		return 30 * time.Second
	}
	return k.Period
}

// check refuses a key that nobody should use. "The length of the shared secret MUST be at least 128 bits" (RFC 4226 section 4, R6); Google's own has 80, so it is
// what most apps have met.
func (k *Key) check() error {
	switch {
	case len(k.Secret) < 10 || len(k.Secret) > 128:
		return errors.New("a secret has 10 to 128 octets")
	case hashes[k.hash()] == nil:
		return errors.New("the hash is SHA1, SHA256 or SHA512")
	case k.digits() < 6 || k.digits() > 8:
		return errors.New("a code has 6 to 8 digits")
	case k.period() < 15*time.Second || k.period() > 10*time.Minute || k.period()%time.Second != 0:
		return errors.New("a code is good for 15 to 600 seconds")
	}
	return nil
}

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// ParseKey reads a secret in base32, with or without blanks and in any case, or a URI as [Key.URI] writes it.
func ParseKey(text string) (*Key, error) {
	k := new(Key)
	secret := text
	if strings.HasPrefix(text, "otpauth:") {
		u, err := url.Parse(text)
		if err != nil || u.Host != "totp" {
			return nil, errors.New("not a URI that begins with otpauth://totp/") // the error would have the secret in it
		}
		q := u.Query()
		secret, k.Hash = q.Get("secret"), Hash(strings.ToUpper(q.Get("algorithm")))
		for name, to := range map[string]func(n int){"digits": func(n int) { k.Digits = n }, "period": func(n int) { k.Period = time.Duration(n) * time.Second }} {
			if v := q.Get(name); v != "" {
				n, err := strconv.Atoi(v)
				if err != nil || n < 1 || n > 1000 {
					return nil, fmt.Errorf("%s is no number of use", name)
				}
				to(n)
			}
		}
	}
	secret = strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "=", "").Replace(secret))
	var err error
	if k.Secret, err = encoding.DecodeString(secret); err != nil {
		return nil, errors.New("the secret isn't written in base32")
	}
	return k, k.check()
}

// String is the secret in base32, or a URI without names where the key isn't the usual one. ParseKey reads it.
func (k *Key) String() string {
	if k.hash() == SHA1 && k.digits() == 6 && k.period() == 30*time.Second {
		return encoding.EncodeToString(k.Secret)
	}
	return k.URI("", "")
}

// URI is what an app reads from a QR code: issuer is the site's name, account the user's.
func (k *Key) URI(issuer, account string) string {
	label := url.PathEscape(account)
	q := "secret=" + encoding.EncodeToString(k.Secret)
	if issuer != "" {
		label = url.PathEscape(issuer) + ":" + label
		q += "&issuer=" + url.PathEscape(issuer)
	}
	return fmt.Sprintf("otpauth://totp/%s?%s&algorithm=%s&digits=%d&period=%d", label, q, k.hash(), k.digits(), k.period()/time.Second)
}
