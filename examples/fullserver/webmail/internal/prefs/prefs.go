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

	"github.com/buuta/mail/examples/fullserver/internal/secretfile"
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
	NoThreads  bool       `json:",omitempty"` // each message has a row of its own in the list
	UndoSend   *int       `json:",omitempty"` // for how many seconds a message can be taken back; nil: the site's
	Trusted    []string   `json:",omitempty"` // senders whose remote images are shown
}

// Limits of what is kept: so many, and so many octets.
const (
	MaxIdentities = 10
	MaxSignature  = 2000
	MaxTrusted    = 200
	MaxUndoSend   = 60
	MaxEncoded    = 64 << 10
)

// Check returns p with what can't be so left out.
func (p Prefs) Check() Prefs {
	if _, err := time.LoadLocation(p.Zone); err != nil || strings.EqualFold(p.Zone, "local") {
		p.Zone = ""
	}
	if p.UndoSend != nil && (*p.UndoSend < 0 || *p.UndoSend > MaxUndoSend) {
		p.UndoSend = nil
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

// Local keeps what users have chosen, and files of theirs, in a folder, or in memory where Dir is "". The zero value is ready for use.
type Local struct {
	Dir string

	mu     sync.Mutex
	memory map[string][]byte
}

func (l *Local) file(user, kind string) string {
	sum := sha256.Sum256([]byte(user))
	return filepath.Join(l.Dir, hex.EncodeToString(sum[:])+"."+kind)
}

// Read returns a user's file of a kind, which is the end of its name; nil when there is none.
func (l *Local) Read(user, kind string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := l.file(user, kind)
	if l.Dir == "" {
		return l.memory[name], nil
	}
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return b, err
}

// Write keeps a user's file; nothing in it removes it. On disk it is whole, and synced, when Write returns.
func (l *Local) Write(user, kind string, b []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := l.file(user, kind)
	switch {
	case l.Dir != "" && len(b) > 0:
		return secretfile.Write(name, b)
	case l.Dir != "":
		if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	case len(b) > 0:
		if l.memory == nil {
			l.memory = map[string][]byte{}
		}
		l.memory[name] = b
	default:
		delete(l.memory, name)
	}
	return nil
}

// Get returns what a user has chosen.
func (l *Local) Get(user string) (Prefs, error) {
	b, err := l.Read(user, "json")
	if b == nil {
		return Prefs{}, err
	}
	return Decode(b), err
}

// Set keeps what a user has chosen.
func (l *Local) Set(user string, p Prefs) error { return l.Write(user, "json", p.Encode()) }
