// Package passwdfile is a user database in Dovecot's passwd-file format: one user a line,
//
//	user@domain:{SCHEME}password:uid:gid:gecos:home:shell:extra fields
//
// of which the first two matter and the rest may be left out. It is read again whenever the file has changed, so an
// edit needs no restart. A [File] answers the two questions that a mail server has: may this person log in
// ([File.Authenticator]), and is there such a mailbox ([File.Lookup]).
package passwdfile

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options say how a file is read. The zero value is usable.
type Options struct {
	// Domain is what users without one belong to; empty: such users are a mistake.
	Domain string
	// DefaultScheme is how a password without {SCHEME} is meant; empty: CRYPT, as in Dovecot.
	DefaultScheme string
	// FailureDelay is how long the answer to a wrong password waits, so that guessing takes its time.
	FailureDelay time.Duration
	// Logger hears of lines that can't be used and of a file that can't be read again. Nil: nobody.
	Logger *slog.Logger
}

// File is a passwd-file. It may be used by many goroutines at once.
type File struct {
	path string
	o    Options
	busy chan struct{} // one token for each password being hashed: a flood of logins may not take all memory

	mu    sync.Mutex // held while reading
	table atomic.Pointer[table]
}

// table is the content of the file at one time.
type table struct {
	info    fs.FileInfo
	failed  fs.FileInfo // the state of the file that could not be read, so that it is complained of once
	users   map[string]*User
	inOrder []*User

	domains  sync.Once
	byDomain map[string][]string // made when somebody asks
}

// User is one line of the file.
type User struct {
	Name     string // user@domain in lower case
	FullName string // what people call the user; "" for unknown
	Home     string
	Line     int

	secret secret
	rules  rules
	extra  string
}

// Extra returns the value of an extra field, "" when the user has none of this name. Of several the last one counts.
func (u *User) Extra(name string) string {
	value := ""
	for field := range strings.FieldsSeq(u.extra) {
		if n, v, _ := strings.Cut(field, "="); n == name {
			value = v
		}
	}
	return value
}

// maxFile bounds the file: a user takes about 150 octets.
const maxFile = 1 << 30

// Open reads a file. A line that has no user name, or one that stands there already, is an error that names the line.
func Open(path string, o Options) (*File, error) {
	if o.DefaultScheme == "" {
		o.DefaultScheme = "CRYPT"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	f := &File{path: path, o: o, busy: make(chan struct{}, runtime.GOMAXPROCS(0))}
	t, err := f.read()
	if err != nil {
		return nil, err
	}
	f.table.Store(t)
	return f, nil
}

// Path returns the file's name.
func (f *File) Path() string { return f.path }

// Lookup returns the user called name, in any case, with or without the default domain.
func (f *File) Lookup(name string) (*User, bool) {
	key, err := f.canonical(name)
	if err != nil {
		return nil, false
	}
	u, ok := f.current().users[key]
	return u, ok
}

// Account returns the account that a name user@domain stands for, in any case.
func (f *File) Account(name string) (account string, ok bool) {
	u, ok := f.Lookup(name)
	if !ok {
		return "", false
	}
	return u.Name, true
}

// First returns the first user, "" when there is none.
func (f *File) First() string {
	if all := f.Users(); len(all) > 0 {
		return all[0].Name
	}
	return ""
}

// Home returns an account's home directory, "" when it has none.
func (f *File) Home(account string) string {
	if u, ok := f.Lookup(account); ok {
		return u.Home
	}
	return ""
}

// Users returns every user in the order of the file.
func (f *File) Users() []*User { return f.current().inOrder }

// InDomain returns the names of a domain's users in the order of the file. The domain is in lower case.
func (f *File) InDomain(domain string) []string {
	t := f.current()
	t.domains.Do(func() {
		t.byDomain = map[string][]string{}
		for _, u := range t.inOrder {
			d := u.Name[strings.LastIndexByte(u.Name, '@')+1:]
			t.byDomain[d] = append(t.byDomain[d], u.Name)
		}
	})
	return t.byDomain[domain]
}

// Reload reads the file again if it has changed and says why it could not be used. What was known stays in force then.
func (f *File) Reload() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, err := f.read()
	if err != nil {
		return err
	}
	f.table.Store(t)
	return nil
}

// current returns the users as of now: it asks for the file's state, about a microsecond, and reads when that is new.
func (f *File) current() *table {
	t := f.table.Load()
	info, err := os.Stat(f.path)
	if err == nil && (same(info, t.info) || t.failed != nil && same(info, t.failed)) {
		return t
	}
	if err != nil && t.failed == t.info {
		return t // gone, and said so already
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := f.table.Load(); now != t {
		return now
	}
	next, err := f.read()
	if err != nil {
		f.o.Logger.Warn("passwd_file can't be read again; the users known before stay in force", "file", f.path, "error", err)
		next = &table{info: t.info, failed: info, users: t.users, inOrder: t.inOrder}
		if info == nil {
			next.failed = t.info
		}
	}
	f.table.Store(next)
	return next
}

// same reports whether nothing says that the file has changed.
func same(a, b fs.FileInfo) bool {
	return b != nil && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && os.SameFile(a, b)
}

// read reads the whole file.
func (f *File) read() (*table, error) {
	in, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s is not a file of users", f.path)
	}
	t := &table{info: info, users: map[string]*User{}}
	sc := bufio.NewScanner(in)
	for line := 1; sc.Scan(); line++ {
		text := sc.Text()
		if text == "" || text[0] == '#' {
			continue
		}
		u, err := f.parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", f.path, line, err)
		}
		u.Line = line
		if other := t.users[u.Name]; other != nil {
			return nil, fmt.Errorf("%s, line %d: %s stands on line %d already", f.path, line, u.Name, other.Line)
		}
		if u.secret.problem != "" {
			f.o.Logger.Warn("this user can't log in", "file", f.path, "line", line, "user", u.Name, "reason", u.secret.problem)
		}
		t.users[u.Name] = u
		t.inOrder = append(t.inOrder, u)
	}
	if err := sc.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("%s: a line is too long", f.path)
		}
		return nil, err
	}
	return t, nil
}
