// Package prefs has what a user of the webmail has chosen, and where it is kept when the mail server keeps no annotations.
package prefs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/web/session"
	"github.com/buuta/mail/mime"
)

// Identity is somebody that a user writes as.
type Identity struct {
	Name      string `json:",omitempty"`
	Email     string
	Signature string `json:",omitempty"`
}

// Address returns the identity as an address.
func (i Identity) Address() (mime.Address, error) {
	a, err := mime.ParseAddress(i.Email)
	a.Name = i.Name
	return a, err
}

// Prefs is what a user has chosen. The zero value is nothing.
type Prefs struct {
	Lang       string     `json:",omitempty"` // "": the browser's
	Zone       string     `json:",omitempty"` // "": the language's
	Identities []Identity `json:",omitempty"` // the first is used unless another is chosen
	NoKeys     bool       `json:",omitempty"` // no keyboard shortcuts
	Trusted    []string   `json:",omitempty"` // senders whose remote images are shown
}

// Limits of what is kept: so many, and so many octets.
const (
	MaxIdentities = 10
	MaxSignature  = 2000
	MaxTrusted    = 200
	MaxEncoded    = 64 << 10
)

// Check returns p with what can't be so left out.
func (p Prefs) Check() Prefs {
	if _, err := time.LoadLocation(p.Zone); err != nil || strings.EqualFold(p.Zone, "local") {
		p.Zone = ""
	}
	var ids []Identity
	for _, i := range p.Identities {
		i.Name, i.Email = line(i.Name, 200), line(i.Email, 320)
		if len(i.Signature) > MaxSignature {
			i.Signature = strings.ToValidUTF8(i.Signature[:MaxSignature], "")
		}
		i.Signature = strings.TrimRight(strings.ReplaceAll(i.Signature, "\r\n", "\n"), " \n")
		if _, err := i.Address(); err == nil && len(ids) < MaxIdentities {
			ids = append(ids, i)
		}
	}
	p.Identities = ids
	if n := len(p.Trusted); n > MaxTrusted {
		p.Trusted = p.Trusted[n-MaxTrusted:]
	}
	return p
}

func line(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return strings.TrimSpace(s)
}

// Encode writes p.
func (p Prefs) Encode() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // it has strings only
	}
	return b
}

// Decode reads what Encode wrote; what can't be read is nothing.
func Decode(b []byte) Prefs {
	var p Prefs
	if len(b) > MaxEncoded || json.Unmarshal(b, &p) != nil {
		return Prefs{}
	}
	return p.Check()
}

// Local keeps the choices of users in a folder, or in memory where Dir is "". The zero value is ready for use.
type Local struct {
	Dir string

	mu     sync.Mutex
	memory map[string]Prefs
}

func (l *Local) file(user string) string {
	sum := sha256.Sum256([]byte(user))
	return filepath.Join(l.Dir, hex.EncodeToString(sum[:])+".json")
}

// Get returns what a user has chosen.
func (l *Local) Get(user string) (Prefs, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Dir == "" {
		return l.memory[user], nil
	}
	b, err := os.ReadFile(l.file(user))
	if errors.Is(err, fs.ErrNotExist) {
		return Prefs{}, nil
	}
	return Decode(b), err
}

// Set keeps what a user has chosen.
func (l *Local) Set(user string, p Prefs) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Dir == "" {
		if l.memory == nil {
			l.memory = map[string]Prefs{}
		}
		l.memory[user] = p
		return nil
	}
	return session.WriteFile(l.file(user), p.Encode())
}
