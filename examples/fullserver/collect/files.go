package collect

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/sealed"
	"github.com/buuta/mail/examples/fullserver/internal/secretfile"
)

// The folder has a file of accounts for each user, and one of unique-ids for each account. They and the key are readable by their owner alone.
const (
	bookEnd  = ".json"
	damaged  = ".damaged"
	seenEnd  = ".seen"
	keySize  = 32
	maxBook  = 1 << 20
	keptSeen = 8 // files of unique-ids of accounts that a user has taken out
)

// book is a user's file.
type book struct {
	User     string
	Accounts []*entry
}

// entry is an account as it is kept.
type entry struct {
	Account Account
	Sealed  []byte // the password
	Status  Status
	work    work
}

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

func newID() string {
	var b [9]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (c *Collector) seenFile(user string, a *Account) string {
	return filepath.Join(c.o.Dir, hashOf(user)+"-"+hashOf(a.source())+seenEnd)
}

// readKey reads the key that passwords are sealed with, or makes one.
func readKey(file string) ([]byte, error) {
	key, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, keySize)
		rand.Read(key) // never fails
		return key, secretfile.Write(file, key)
	}
	if err == nil && len(key) != keySize {
		err = fmt.Errorf("%s: is no key: without it the passwords of users' other accounts can't be read; where no backup has it, remove it, and they are asked for them again", file)
	}
	return key, err
}

// readBooks reads the files of all users.
func (c *Collector) readBooks() error {
	names, err := filepath.Glob(filepath.Join(c.o.Dir, "*"+bookEnd))
	if err != nil {
		return err
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var k book
		err = parseBook(b, &k)
		if err == nil && filepath.Base(name) != hashOf(k.User)+bookEnd {
			err = fmt.Errorf("is the file of %q under another name", k.User)
		}
		if err != nil { // no reason to have no mail at all
			c.o.Log.Error("collect: a user's file of accounts can't be read, and is put aside as "+name+damaged, "err", err)
			if err := os.Rename(name, name+damaged); err != nil {
				return err
			}
			continue
		}
		p := c.person(k.User)
		for _, e := range k.Accounts {
			e.work.next = e.due(c.o.Limits.Interval)
		}
		p.entries = k.Accounts
	}
	return nil
}

// parseBook reads a user's file. What can't be is an error: an account that is left out would be gone with the next change.
func parseBook(b []byte, k *book) error {
	if len(b) > maxBook {
		return errors.New("is too large")
	}
	if err := json.Unmarshal(b, k); err != nil {
		return err
	}
	if k.User == "" || slices.Contains(k.Accounts, nil) {
		return errors.New("is no file of accounts")
	}
	for _, e := range k.Accounts {
		if a, err := e.Account.check(nil); err != nil || a != e.Account || a.ID == "" {
			return fmt.Errorf("has an account that can't be: %w", cmp.Or(err, errors.New("it has another form")))
		}
	}
	return nil
}

// save writes a user's file, or removes it where he has no account. c.mu is held.
func (c *Collector) save(p *person) error {
	file := filepath.Join(c.o.Dir, hashOf(p.name)+bookEnd)
	if len(p.entries) == 0 {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return secretfile.SyncDir(c.o.Dir)
	}
	b, err := json.Marshal(book{p.name, p.entries})
	if err != nil {
		return err
	}
	return secretfile.Write(file, b)
}

// prune removes lists of unique-ids of accounts that are gone, but for the newest: who sets one up again gets nothing twice.
func (c *Collector) prune(p *person) {
	names, _ := filepath.Glob(filepath.Join(c.o.Dir, hashOf(p.name)+"-*"+seenEnd))
	names = slices.DeleteFunc(names, func(name string) bool {
		return slices.ContainsFunc(p.entries, func(e *entry) bool { return c.seenFile(p.name, &e.Account) == name })
	})
	if len(names) <= keptSeen {
		return
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(modified(b)-modified(a), strings.Compare(a, b)) })
	for _, name := range names[keptSeen:] {
		_ = os.Remove(name)
	}
}

func modified(name string) int {
	if info, err := os.Stat(name); err == nil {
		return int(info.ModTime().Unix())
	}
	return 0
}

// seal and open are for an entry's password.
func (c *Collector) seal(user string, a *Account, password string) []byte {
	return sealed.Seal(c.key, user+"\x00"+a.ID, password)
}

func (c *Collector) open(user string, e *entry) (string, error) {
	password, err := sealed.Open(c.key, user+"\x00"+e.Account.ID, e.Sealed)
	if err != nil {
		return "", &Problem{Code: NeedPassword, Err: err}
	}
	return password, nil
}
