package passwdfile

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"github.com/buuta/mail"
	"github.com/go-crypt/crypt/algorithm"
	"github.com/go-crypt/crypt/algorithm/argon2"
	"github.com/go-crypt/crypt/algorithm/bcrypt"
	"github.com/go-crypt/crypt/algorithm/md5crypt"
	"github.com/go-crypt/crypt/algorithm/shacrypt"
)

// What a stored password may cost to check. A file that somebody else writes must not be able to stop the server.
const (
	maxRounds     = 5_000_000  // SHA-crypt, PBKDF2, SCRAM: about two seconds
	maxBlowfish   = 15         // 2^15 rounds: about two seconds
	maxArgonKiB   = 256 << 10  // memory
	maxArgonTimes = 64         // passes, with memory*passes at most maxArgonWork
	maxArgonWork  = 1024 << 10 // KiB filled in all
)

var errCost = errors.New("costs too much to check")

// cryptSecret is the "$id$…" forms of crypt(3).
func cryptSecret(text string) (secret, error) {
	if err := checkCost(text); err != nil {
		return secret{}, err
	}
	var decode algorithm.DecodeFunc
	id, _, _ := strings.Cut(strings.TrimPrefix(text, "$"), "$")
	switch id {
	case "1":
		decode = md5crypt.Decode
	case "5", "6":
		decode = shacrypt.Decode
	case "2a", "2b", "2y":
		decode = bcrypt.Decode
	case "argon2i", "argon2id":
		decode = argon2.Decode
	default:
		return secret{}, errors.New("not supported; set a new password with {SHA512-CRYPT}, {ARGON2ID} or {BLF-CRYPT}")
	}
	d, err := decode(text)
	if err != nil {
		return secret{}, errors.New("damaged")
	}
	if id[0] == '2' {
		// bcrypt knows 72 octets of a password and crypt(3) leaves out the rest.
		return secret{verify: func(p string) bool { return d.Match(p[:min(len(p), 72)]) }}, nil
	}
	return secret{verify: d.Match}, nil
}

// checkCost reads the cost parameters before anything is computed with them.
func checkCost(text string) error {
	field := strings.Split(text, "$")
	if len(field) < 4 {
		return errors.New("damaged")
	}
	switch id := field[1]; {
	case id == "5" || id == "6":
		if r, ok := strings.CutPrefix(field[2], "rounds="); ok {
			return checkNumber(r, maxRounds)
		}
	case strings.HasPrefix(id, "2"):
		return checkNumber(field[2], maxBlowfish)
	case strings.HasPrefix(id, "argon2"):
		return checkArgon(field)
	}
	return nil
}

func checkArgon(field []string) error {
	memory, passes := 0, 0
	for _, f := range field {
		for param := range strings.SplitSeq(f, ",") {
			name, value, ok := strings.Cut(param, "=")
			n, err := strconv.Atoi(value)
			if !ok || err != nil {
				continue
			}
			switch name {
			case "m":
				memory = n
			case "t":
				passes = n
			case "p":
				if n < 1 || n > 64 {
					return errCost
				}
			}
		}
	}
	if memory < 1 || passes < 1 || memory > maxArgonKiB || passes > maxArgonTimes || memory*passes > maxArgonWork {
		return errCost
	}
	return nil
}

func checkNumber(s string, most int) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return errors.New("damaged")
	}
	if n > most {
		return errCost
	}
	return nil
}

// pbkdf2Secret is Dovecot's "$1$salt$rounds$hex", which uses SHA-1.
func pbkdf2Secret(text string) (secret, error) {
	field := strings.Split(text, "$")
	if len(field) != 5 || field[1] != "1" {
		return secret{}, errors.New("damaged")
	}
	if err := checkNumber(field[3], maxRounds); err != nil {
		return secret{}, err
	}
	rounds, err := strconv.Atoi(field[3])
	want, herr := hex.DecodeString(field[4])
	if err != nil || herr != nil || rounds < 1 || len(want) != sha1.Size {
		return secret{}, errors.New("damaged")
	}
	salt := []byte(field[2])
	return secret{verify: func(p string) bool {
		key, err := pbkdf2.Key(sha1.New, p, salt, rounds, len(want))
		return err == nil && subtle.ConstantTimeCompare(key, want) == 1
	}}, nil
}

// scramSecret is "iterations,salt,StoredKey,ServerKey", the last three in base64.
func scramSecret(name string, h func() hash.Hash, text string) (secret, error) {
	field := strings.Split(text, ",")
	if len(field) != 4 {
		return secret{}, errors.New("damaged")
	}
	if err := checkNumber(field[0], maxRounds); err != nil {
		return secret{}, err
	}
	iterations, err := strconv.Atoi(field[0])
	if err != nil || iterations < 1 {
		return secret{}, errors.New("damaged")
	}
	var part [3][]byte
	for i := range part {
		if part[i], err = base64.StdEncoding.DecodeString(field[i+1]); err != nil || len(part[i]) == 0 {
			return secret{}, errors.New("damaged")
		}
	}
	c := &mail.SCRAMCredentials{Salt: part[0], Iterations: iterations, StoredKey: part[1], ServerKey: part[2]}
	return secret{scram: c, scramOf: name, verify: func(p string) bool {
		return hmac.Equal(scramKeys(h, p, c.Salt, c.Iterations).StoredKey, c.StoredKey)
	}}, nil
}

// scramKeys derives what a server keeps of a password (RFC 5802 section 3).
func scramKeys(h func() hash.Hash, password string, salt []byte, iterations int) *mail.SCRAMCredentials {
	salted, err := pbkdf2.Key(h, password, salt, iterations, h().Size())
	if err != nil {
		return &mail.SCRAMCredentials{}
	}
	mac := func(text string) []byte {
		m := hmac.New(h, salted)
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	stored := h()
	stored.Write(mac("Client Key"))
	return &mail.SCRAMCredentials{Salt: salt, Iterations: iterations, StoredKey: stored.Sum(nil), ServerKey: mac("Server Key")}
}

// hashRounds are those of the passwords that Hash makes: about 5 ms, several times crypt(3)'s default of 5000.
const hashRounds = 20_000

// Hash returns a password as it stands in the file: "{SHA512-CRYPT}$6$…" or, for scheme "SCRAM-SHA-256", that one's keys.
func Hash(scheme, password string) (string, error) {
	if len(password) > maxPassword {
		return "", fmt.Errorf("a password has at most %d octets", maxPassword)
	}
	switch strings.ToUpper(scheme) {
	case "", "SHA512-CRYPT":
		h, err := shacrypt.New(shacrypt.WithSHA512(), shacrypt.WithIterations(hashRounds))
		if err != nil {
			return "", err
		}
		d, err := h.Hash(password)
		if err != nil {
			return "", err
		}
		return "{SHA512-CRYPT}" + d.Encode(), nil
	case "SCRAM-SHA-256":
		k := scramKeys(sha256.New, password, newSalt(), 4096)
		e := base64.StdEncoding.EncodeToString
		return fmt.Sprintf("{SCRAM-SHA-256}%d,%s,%s,%s", k.Iterations, e(k.Salt), e(k.StoredKey), e(k.ServerKey)), nil
	}
	return "", fmt.Errorf("%s: passwords are stored as SHA512-CRYPT or SCRAM-SHA-256", scheme)
}

// HashQuick returns a password that was made by chance, and is too long to be guessed, as it stands in a file: "{SSHA256}…".
func HashQuick(password string) string {
	salt := newSalt()
	sum := sha256.Sum256(append([]byte(password), salt...))
	return "{SSHA256}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...))
}

// hashOf returns the hash function that a SCRAM mechanism names.
func hashOf(name string) func() hash.Hash {
	if name == "SHA-1" {
		return sha1.New
	}
	return sha256.New
}
