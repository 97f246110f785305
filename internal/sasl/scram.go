package sasl

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"

	"github.com/buuta/mail"
)

// What both sides of SCRAM share (RFC 5802 section 3, RFC 7677).

const (
	// minIterations is what RFC 5802 section 5.1 and RFC 7677 section 4 want at least.
	minIterations = 4096
	// maxIterations is what a client lets a server make it compute: about a second.
	maxIterations = 1 << 21
	// maxNonce limits a nonce, in octets.
	maxNonce = 512
)

// scramHash is one of the hash functions.
type scramHash struct {
	name string // "SHA-1"
	new  func() hash.Hash
}

var (
	scramSHA1   = scramHash{"SHA-1", sha1.New}
	scramSHA256 = scramHash{"SHA-256", sha256.New}
)

func (h scramHash) mechanism(plus bool) string {
	if plus {
		return "SCRAM-" + h.name + "-PLUS"
	}
	return "SCRAM-" + h.name
}

func (h scramHash) hmac(key []byte, s string) []byte {
	m := hmac.New(h.new, key)
	m.Write([]byte(s))
	return m.Sum(nil)
}

func (h scramHash) sum(b []byte) []byte {
	d := h.new()
	d.Write(b)
	return d.Sum(nil)
}

// salted is SaltedPassword of a prepared password.
func (h scramHash) salted(password string, salt []byte, iterations int) ([]byte, error) {
	return pbkdf2.Key(h.new, password, salt, iterations, h.new().Size())
}

// credentials are what a server keeps of SaltedPassword.
func (h scramHash) credentials(salted, salt []byte, iterations int) *mail.SCRAMCredentials {
	return &mail.SCRAMCredentials{
		Salt: salt, Iterations: iterations,
		StoredKey: h.sum(h.hmac(salted, "Client Key")),
		ServerKey: h.hmac(salted, "Server Key"),
	}
}

// DeriveSCRAM makes what a server keeps for hash ("SHA-1" or "SHA-256") of a password.
func DeriveSCRAM(hash, password string, salt []byte, iterations int) (*mail.SCRAMCredentials, error) {
	var h scramHash
	switch hash {
	case scramSHA1.name:
		h = scramSHA1
	case scramSHA256.name:
		h = scramSHA256
	default:
		return nil, errors.New("sasl: SCRAM with unknown hash " + hash)
	}
	password, err := Prep(password)
	if err != nil {
		return nil, err
	}
	salted, err := h.salted(password, salt, iterations)
	if err != nil {
		return nil, err
	}
	return h.credentials(salted, salt, iterations), nil
}

// processKey makes invented salts repeat for as long as the process lives. Nothing changes it.
var processKey = sync.OnceValue(func() []byte {
	k := make([]byte, 32)
	rand.Read(k)
	return k
})

// inventedSalt is the salt of a user who has none: the same each time (RFC 5802 section 9 has nothing against it, and a salt
// that changed would tell that there is no such user).
func inventedSalt(h scramHash, username string) []byte {
	m := hmac.New(sha256.New, processKey())
	m.Write([]byte(h.name + "\x00" + username))
	return m.Sum(nil)[:16]
}

// gs2Header is the front of a client's first message (RFC 5801 section 4).
type gs2Header struct {
	raw     string // with both commas
	flag    byte   // 'n', 'y', 'p'
	binding string // with 'p'
	authzid string
}

// parseGS2 takes the header off a message.
func parseGS2(s string) (h gs2Header, rest string, err error) {
	flag, after, ok := strings.Cut(s, ",")
	authzid, rest, ok2 := strings.Cut(after, ",")
	if !ok || !ok2 {
		return h, "", fmt.Errorf("%w: no GS2 header", ErrMalformed)
	}
	h.raw = s[:len(s)-len(rest)]
	switch {
	case flag == "n" || flag == "y":
		h.flag = flag[0]
	case strings.HasPrefix(flag, "p=") && validBindingName(flag[2:]):
		h.flag, h.binding = 'p', flag[2:]
	default:
		return h, "", fmt.Errorf("%w: GS2 flag", ErrMalformed)
	}
	if authzid != "" {
		name, ok := strings.CutPrefix(authzid, "a=")
		if !ok {
			return h, "", fmt.Errorf("%w: GS2 authzid", ErrMalformed)
		}
		if h.authzid, err = decodeName(name); err != nil {
			return h, "", err
		}
	}
	return h, rest, nil
}

func validBindingName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '.' && c != '-' && !isAlnum(c) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// decodeName undoes the quoting of a saslname (RFC 5802 section 5.1): "=2C" and "=3D", and no other "=".
func decodeName(s string) (string, error) {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "=")
		b.WriteString(before)
		if !ok {
			break
		}
		switch {
		case strings.HasPrefix(after, "2C"):
			b.WriteByte(',')
		case strings.HasPrefix(after, "3D"):
			b.WriteByte('=')
		default:
			return "", fmt.Errorf("%w: bad quoting of a name", ErrMalformed)
		}
		s = after[2:]
	}
	name := b.String()
	return name, checkName(name)
}

func encodeName(s string) string {
	return strings.NewReplacer(",", "=2C", "=", "=3D").Replace(s)
}

// validNonce checks a nonce: printable ASCII without comma.
func validNonce(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || s[i] == ',' {
			return false
		}
	}
	return s != "" && len(s) <= maxNonce
}

// validExtensions checks what may follow the attributes that a message must have (RFC 5802 section 7): optional extensions,
// which are ignored. A mandatory one, "m=", is refused.
func validExtensions(attrs []string) bool {
	for _, a := range attrs {
		if len(a) < 3 || a[1] != '=' || !isAlnum(a[0]) || a[0] <= '9' || a[0] == 'm' {
			return false
		}
	}
	return true
}
