package lookup

import (
	"context"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/directory"
	"github.com/buuta/mail/examples/fullserver/internal/sqldb"
)

// Options are what tables need from outside. The zero value is Postfix's default; a nil *Options is too.
type Options struct {
	// Types has types beside those of this package, such as a program's own. A name that
	// this package has too is replaced.
	Types map[string]Opener
	// DefaultType is the type of a table that is given without one, "hash" as a rule. Empty: such a table is an error, as in Postfix.
	DefaultType string

	// Aliases reads hash:, texthash: and their like as "key: value" with quoted keys (aliases(5)), as alias_maps need it.
	Aliases bool
	// NoFold keeps the case of keys (postmap -f). Otherwise keys are folded, but for regexp, cidr and what a server is asked.
	NoFold bool
	// NoUTF8 takes keys and values as octets (smtputf8_enable = no). Otherwise keys that are no UTF-8 aren't found, values that
	// are none are errors, and keys are folded as Unicode says.
	NoUTF8 bool
	// NoGroups refuses $1 in results of regexp, for tables that a security decision hangs on, such as alias_maps and
	// virtual_mailbox_maps: a stranger would choose the file.
	NoGroups bool

	// Warn gets what Postfix would only warn of: malformed lines, duplicates, a changed file that can't be read. It may be called from
	// any goroutine. Nil: nobody is told.
	Warn func(error)

	Limits Limits

	// Databases has the connections that tables share with each other and with whoever else asks the same databases. Nil: each table has its own.
	Databases *sqldb.Pools
	// Directories is the same for LDAP.
	Directories *directory.Directories
	// Dial connects to servers. Nil: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now is the clock that the age of files is measured by. Nil: time.Now.
	Now func() time.Time
	// Getenv is for environ. Nil: os.LookupEnv.
	Getenv func(name string) (string, bool)
	// PasswdFile and GroupFile are for unix. Empty: /etc/passwd and /etc/group.
	PasswdFile, GroupFile string
	// IntN chooses for randmap, a number below n. Nil: math/rand/v2.
	IntN func(n int) int
}

// Limits bound what a table may cost. A zero is the default.
type Limits struct {
	Key     int           // octets of a key; longer ones are in no table: 8 KiB
	Value   int           // octets of a value: 1 MiB, which is Postfix's limit of a line that it expands
	File    int64         // octets of a table's file: 1 GiB
	Reply   int           // octets of a server's answer: 100,000 for socketmap, as in Postfix; 4096 for tcp
	Depth   int           // tables within tables: 20
	Timeout time.Duration // for one answer of a server: 100 s, as in Postfix
	Match   time.Duration // for one pattern of a pcre table: 2 s; no more than a few of them take time worth measuring
	Check   time.Duration // how often a file is looked at for changes, at most: 1 s
}

// An Opener opens the tables of one type: for "regexp:/etc/postfix/checks" name is "/etc/postfix/checks". o is never nil.
type Opener func(ctx context.Context, name string, o *Options) (Table, error)

// WithDefaults returns a copy in which everything that has a default has a value. Openers get their options like this.
func (o *Options) WithDefaults() *Options {
	var d Options
	if o != nil {
		d = *o
	}
	if d.Warn == nil {
		d.Warn = func(error) {}
	}
	if d.Dial == nil {
		d.Dial = new(net.Dialer).DialContext
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Getenv == nil {
		d.Getenv = os.LookupEnv
	}
	if d.IntN == nil {
		d.IntN = rand.IntN
	}
	d.PasswdFile = or(d.PasswdFile, "/etc/passwd")
	d.GroupFile = or(d.GroupFile, "/etc/group")
	l := &d.Limits
	l.Key = or(l.Key, 8<<10)
	l.Value = or(l.Value, 1<<20)
	l.File = or(l.File, 1<<30)
	l.Depth = or(l.Depth, 20)
	l.Timeout = or(l.Timeout, 100*time.Second)
	l.Match = or(l.Match, 2*time.Second)
	l.Check = or(l.Check, time.Second)
	return &d
}

func or[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}
