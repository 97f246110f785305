// Package accounts knows a site's users where they are in SQL databases, LDAP directories and passwd-files, several after one another, as Dovecot's passdb and userdb
// do: who may log in with what, and which mailboxes there are. Its files are Dovecot's: dovecot-sql.conf.ext and dovecot-ldap.conf.ext.
package accounts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/directory"
	"github.com/buuta/mail/examples/fullserver/internal/sqldb"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// Options say where users are. Databases and Directories must be set for sql: and ldap:.
type Options struct {
	// Passdbs says who may log in: "sql:/file, { passwd-file:/file deny=yes }, ldap:/file". They are tried in turn.
	Passdbs string
	// Userdbs says who there is, in the same way; empty: those of Passdbs that are neither deny nor master.
	Userdbs string
	// Domain is what users without one belong to.
	Domain string
	// MasterSeparator is what stands between a user and the master user who logs in as him, "*" as a rule; empty: there are none.
	MasterSeparator string
	// FailureDelay is how long the answer to a wrong password waits.
	FailureDelay time.Duration
	// SecondFactor has users with a key (SecondFactor's) use app passwords and tokens everywhere but on the web.
	SecondFactor bool
	// Keys are those that users have made themselves; nil: there are none.
	Keys *TOTPKeys
	// AppPasswords is the file of those that users make themselves. It needn't be there yet, and is asked before all others. "": there is none.
	AppPasswords string
	Cache        CacheOptions

	Databases   *sqldb.Pools
	Directories *directory.Directories
	// Logger hears of passwords and answers that can't be used. Nil: nobody.
	Logger *slog.Logger
}

// User is somebody who has a mailbox.
type User struct {
	Name string // user@domain in lower case
	Home string

	fields map[string]string
}

// Extra returns the value of an extra field in passwd-file's spelling, "userdb_quota_rule"; "" when the user has none of this name.
func (u *User) Extra(name string) string { return u.fields[name] }

// Disabled reports whether the user's line says nologin. What a database says of that isn't known here.
func (u *User) Disabled() bool {
	v, ok := u.fields["nologin"]
	return ok && (v == "" || strings.HasPrefix(strings.ToLower(v), "y"))
}

// Fields returns the fields of userdb, in passwd-file's spelling. It must not be changed.
func (u *User) Fields() map[string]string { return u.fields }

// Accounts are a site's users. They may be used by many goroutines.
type Accounts struct {
	o       Options
	log     *slog.Logger
	passdbs []*entry
	masters []*entry
	userdbs []*entry
	cache   *cache
	busy    chan struct{} // one token for each password being hashed
	decoys  decoys
	seed    []byte // what invented salts are made of
}

// source is one place where users are.
type source interface {
	// name is what stands in main.cf.
	name() string
	// login finds what is needed to check a password; nil for nobody.
	login(ctx context.Context, r *request) (*record, error)
	// user finds who there is; nil for nobody.
	user(ctx context.Context, r *request) (*User, error)
	// list returns the names of all users.
	list(ctx context.Context) ([]string, error)
	// ping reports whether it answers.
	ping(ctx context.Context) error
	// variables are the letters that its query for a login depends on, for the cache.
	variables() string
}

// errNoList says that a source has no list.
var errNoList = errors.New("has no list of its users")

// Open reads the files that are named. Nothing is asked yet.
func Open(o Options) (*Accounts, error) {
	a := &Accounts{o: o, log: o.Logger, busy: make(chan struct{}, runtime.GOMAXPROCS(0)), seed: random(16)}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.cache = newCache(o.Cache)
	known := map[string]source{}
	all, err := a.entries(o.Passdbs, known)
	if err != nil {
		return nil, err
	}
	if spec := "app-passwords:" + o.AppPasswords; o.AppPasswords != "" && known[spec] == nil {
		e, err := a.entry([]string{spec}, known)
		if err != nil {
			return nil, err
		}
		// Behind those that deny: who may not log in may not with these either.
		at := slices.IndexFunc(all, func(e *entry) bool { return !e.deny })
		if at < 0 {
			at = len(all)
		}
		all = slices.Insert(all, at, e)
	}
	users, err := a.entries(o.Userdbs, known)
	if err != nil {
		return nil, err
	}
	a.userdbs = users
	for _, e := range all {
		if e.master {
			a.masters = append(a.masters, e)
			continue
		}
		a.passdbs = append(a.passdbs, e)
		switch e.source.(type) {
		case *appPasswords, *oauthSource, *dovecotSource: // they don't say who there is
		default:
			if o.Userdbs == "" && !e.deny {
				a.userdbs = append(a.userdbs, e)
			}
		}
	}
	switch {
	case len(a.passdbs) == 0:
		return nil, errors.New("no passdb says who may log in; write one, such as sql:/etc/dovecot/dovecot-sql.conf.ext")
	case len(a.userdbs) == 0:
		return nil, errors.New("no userdb says who there is")
	case a.o.MasterSeparator == "" && len(a.masters) > 0:
		return nil, errors.New("there is a master passdb, and auth_master_user_separator is empty: set it to *")
	}
	return a, nil
}

// open opens the source of an entry, "driver:argument", once.
func (a *Accounts) open(spec string, known map[string]source) (source, error) {
	if s := known[spec]; s != nil {
		return s, nil
	}
	driver, arg, _ := strings.Cut(spec, ":")
	var s source
	var err error
	switch driver {
	case "passwd-file":
		s, err = openFile(spec, arg, a)
	case "sql":
		s, err = openSQL(spec, arg, a)
	case "ldap":
		s, err = openLDAP(spec, arg, a)
	case "dovecot":
		s, err = openDovecot(spec, arg, a)
	case "oauth2":
		s, err = openOAuth2(spec, arg, a)
	case "app-passwords":
		s, err = openAppPasswords(spec, arg, a)
	case "static":
		s, err = openStatic(spec, arg, a)
	default:
		err = fmt.Errorf("unknown driver %q; known are app-passwords, dovecot, ldap, oauth2, passwd-file, sql, and static for userdb", driver)
	}
	if err != nil {
		return nil, err
	}
	known[spec] = s
	return s, nil
}

// Find returns the account that a name stands for, in any case, with or without the default domain. An error says that nobody knows.
func (a *Accounts) Find(ctx context.Context, name string) (account string, ok bool, err error) {
	u, err := a.Lookup(ctx, name)
	if u == nil {
		return "", false, err
	}
	return u.Name, true, nil
}

// Lookup returns a user, nil where there is none of that name. An error says that nobody knows.
func (a *Accounts) Lookup(ctx context.Context, name string) (*User, error) {
	key, err := passwdfile.Canonical(name, a.o.Domain)
	if err != nil {
		return nil, nil
	}
	if u, ok := a.cache.user(key); ok {
		return u, nil
	}
	u, err := a.lookup(ctx, newRequest(key))
	if err != nil {
		if old, ok := a.cache.staleUser(key); ok { // "except if the main database lookup returns internal failure"
			return old, nil
		}
		return nil, err
	}
	a.cache.putUser(key, u)
	return u, nil
}

// lookup asks the userdbs in turn.
func (a *Accounts) lookup(ctx context.Context, r *request) (*User, error) {
	var failed error
	for _, e := range a.userdbs {
		u, err := e.source.user(ctx, r)
		if err != nil {
			failed = fmt.Errorf("%s: %w", e.source.name(), err)
			if e.internal == ruleContinue {
				continue
			}
			return nil, failed
		}
		if u != nil {
			return u, nil
		}
		if e.failure != ruleContinue {
			break
		}
	}
	return nil, failed
}

// Home returns an account's home directory, "" when it has none or it isn't known now.
func (a *Accounts) Home(account string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	home, _ := a.FindHome(ctx, account)
	return home
}

// FindHome returns an account's home directory, "" when it has none. An error says that nobody knows.
func (a *Accounts) FindHome(ctx context.Context, account string) (string, error) {
	u, err := a.Lookup(ctx, account)
	if u == nil || err != nil {
		return "", err
	}
	return u.Home, nil
}

// Users returns the names of all users, as far as the sources have lists.
func (a *Accounts) Users(ctx context.Context) ([]string, error) {
	var all []string
	seen := map[string]bool{}
	var errs []error
	for _, e := range a.userdbs {
		names, err := e.source.list(ctx)
		if err != nil && !errors.Is(err, errNoList) {
			errs = append(errs, fmt.Errorf("%s: %w", e.source.name(), err))
		}
		for _, n := range names {
			if key, err := passwdfile.Canonical(n, a.o.Domain); err == nil && !seen[key] {
				seen[key] = true
				all = append(all, key)
			}
		}
	}
	return all, errors.Join(errs...)
}

// InDomain returns the names of a domain's users. Where they are the same for everybody (static) it is the passdbs that know them. An error says
// that not all are known.
func (a *Accounts) InDomain(ctx context.Context, domain string) ([]string, error) {
	lists := a.userdbs
	for _, e := range a.userdbs {
		if _, static := e.source.(*staticSource); static {
			lists = slices.Concat(lists, a.passdbs)
			break
		}
	}
	var out []string
	seen := map[string]bool{}
	failed := errNoList
	for _, e := range lists {
		var names []string
		var err error
		if d, ok := e.source.(interface {
			inDomain(ctx context.Context, domain string) ([]string, error)
		}); ok {
			names, err = d.inDomain(ctx, domain)
		} else if names, err = e.source.list(ctx); errors.Is(err, errNoList) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.source.name(), err)
		}
		failed = nil
		for _, n := range names {
			if key, err := passwdfile.Canonical(n, a.o.Domain); err == nil && strings.HasSuffix(key, "@"+domain) && !seen[key] {
				seen[key] = true
				out = append(out, key)
			}
		}
	}
	return out, failed
}

// Close ends connections that the accounts have of their own. Databases and Directories are their owner's.
func (a *Accounts) Close() {
	for _, list := range [][]*entry{a.passdbs, a.masters, a.userdbs} {
		for _, e := range list {
			if c, ok := e.source.(interface{ close() }); ok {
				c.close()
			}
		}
	}
}

// Ping asks whether all sources answer.
func (a *Accounts) Ping(ctx context.Context) error {
	var errs []error
	seen := map[source]bool{}
	for _, list := range [][]*entry{a.passdbs, a.masters, a.userdbs} {
		for _, e := range list {
			if seen[e.source] {
				continue
			}
			seen[e.source] = true
			if err := e.source.ping(ctx); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", e.source.name(), err))
			}
		}
	}
	return errors.Join(errs...)
}
