package passwdfile

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/buuta/mail"
)

// secret is a stored password.
type secret struct {
	verify  func(password string) bool // nil: nothing matches
	plain   string                     // the password itself, when isPlain
	isPlain bool
	scram   *mail.SCRAMCredentials
	scramOf string // "SHA-1" or "SHA-256"
	problem string // why verify is nil
}

// parseSecret reads "{SCHEME}password". A scheme may end in ".b64", ".base64" or ".hex", as Dovecot writes them.
func parseSecret(text, scheme string) secret {
	if strings.HasPrefix(text, "{") {
		name, rest, ok := strings.Cut(text[1:], "}")
		if !ok {
			return secret{problem: "the password has a '{' without a '}'"}
		}
		scheme, text = name, rest
	}
	if text == "" {
		return secret{problem: "no password"}
	}
	scheme, encoding, _ := strings.Cut(strings.ToUpper(scheme), ".")
	s, err := decodeSecret(scheme, encoding, text)
	if err != nil {
		return secret{problem: "password scheme " + scheme + ": " + err.Error()}
	}
	return s
}

var errLength = errors.New("wrong length")

func decodeSecret(scheme, encoding, text string) (secret, error) {
	switch scheme {
	case "PLAIN", "CLEAR", "CLEARTEXT":
		if encoding != "" {
			raw, err := decodeText(encoding, 0, text)
			if err != nil {
				return secret{}, err
			}
			text = string(raw)
		}
		return secret{plain: text, isPlain: true, verify: func(p string) bool { return equalText(p, text) }}, nil
	case "SHA", "SHA1":
		return digest(sha1.New, false, encoding, text)
	case "SHA256":
		return digest(sha256.New, false, encoding, text)
	case "SHA512":
		return digest(sha512.New, false, encoding, text)
	case "SSHA":
		return digest(sha1.New, true, encoding, text)
	case "SSHA256":
		return digest(sha256.New, true, encoding, text)
	case "SSHA512":
		return digest(sha512.New, true, encoding, text)
	case "SMD5":
		return digest(md5.New, true, encoding, text)
	case "PLAIN-MD5", "LDAP-MD5":
		return digest(md5.New, false, encoding, text)
	case "MD5":
		if strings.HasPrefix(text, "$1$") {
			return cryptSecret(text)
		}
		return digest(md5.New, false, encoding, text)
	case "CRYPT", "MD5-CRYPT", "SHA256-CRYPT", "SHA512-CRYPT", "BLF-CRYPT", "ARGON2I", "ARGON2ID":
		return cryptSecret(text)
	case "PBKDF2":
		return pbkdf2Secret(text)
	case "SCRAM-SHA-1":
		return scramSecret("SHA-1", sha1.New, text)
	case "SCRAM-SHA-256":
		return scramSecret("SHA-256", sha256.New, text)
	case "CRAM-MD5", "HMAC-MD5":
		return cramSecret(text)
	}
	return secret{}, errors.New("not supported; set a new password with {SHA512-CRYPT}, {ARGON2ID} or {BLF-CRYPT}")
}

// digest is the plain digests of a password and, behind the digest's octets, of a salt.
func digest(h func() hash.Hash, salted bool, encoding, text string) (secret, error) {
	size := h().Size()
	want := size
	if salted {
		want = 0
	}
	raw, err := decodeText(encoding, want, text)
	if err != nil {
		return secret{}, err
	}
	if len(raw) < size || !salted && len(raw) != size {
		return secret{}, errLength
	}
	sum, salt := raw[:size], raw[size:]
	return secret{verify: func(p string) bool {
		d := h()
		d.Write([]byte(p))
		d.Write(salt)
		return subtle.ConstantTimeCompare(d.Sum(nil), sum) == 1
	}}, nil
}

// decodeText decodes hexadecimal or base64. Without a word which it is, text that has the length of size octets in
// hexadecimal is that, all else base64.
func decodeText(encoding string, size int, text string) ([]byte, error) {
	switch encoding {
	case "HEX":
		return hex.DecodeString(text)
	case "B64", "BASE64":
		return base64.StdEncoding.DecodeString(text)
	case "":
		if size > 0 && len(text) == hex.EncodedLen(size) {
			return hex.DecodeString(text)
		}
		return base64.StdEncoding.DecodeString(text)
	}
	return nil, fmt.Errorf("unknown encoding %q", encoding)
}

// equalText compares without telling by its time where the two differ.
func equalText(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// cramSecret is what CRAM-MD5 needs of a password: the states of the outer and the inner MD5 behind their first blocks
// (RFC 2104 section 4). A password is checked by making them from it anew.
func cramSecret(text string) (secret, error) {
	want, err := hex.DecodeString(text)
	if err != nil {
		return secret{}, err
	}
	if len(want) != 2*md5.Size {
		return secret{}, errLength
	}
	return secret{verify: func(p string) bool { return hmac.Equal(cramContext(p), want) }}, nil
}

// cramContext returns the two MD5 states, each word in MD5's own little-endian order as Dovecot writes them.
func cramContext(password string) []byte {
	key := []byte(password)
	if len(key) > md5.BlockSize {
		sum := md5.Sum(key)
		key = sum[:]
	}
	var out []byte
	for _, pad := range []byte{0x5c, 0x36} {
		block := make([]byte, md5.BlockSize)
		copy(block, key)
		for i := range block {
			block[i] ^= pad
		}
		out = append(out, md5State(block)...)
	}
	return out
}

// md5State returns the state of MD5 behind one block.
func md5State(block []byte) []byte {
	h := md5.New()
	h.Write(block)
	m, ok := h.(interface{ AppendBinary([]byte) ([]byte, error) })
	if !ok {
		return nil
	}
	state, err := m.AppendBinary(nil) // "md5\x01", then the four words in big-endian order
	if err != nil || len(state) < 20 {
		return nil
	}
	out := make([]byte, md5.Size)
	for i := 0; i < md5.Size; i += 4 {
		for j := range 4 {
			out[i+j] = state[4+i+3-j]
		}
	}
	return out
}
