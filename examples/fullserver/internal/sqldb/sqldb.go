// Package sqldb asks SQLite, PostgreSQL and MySQL with queries that are text, and gives the answers as text: what Postfix's and
// Dovecot's configuration files for databases need. Tables and accounts that name the same database share its connections.
//
// Nothing is connected before the first query. A connection that nobody has used for a minute is closed. Of several hosts those that have a
// connection are asked first, then sockets, then the others in random order; a host that fails is left alone for a second, then two, up to a minute.
package sqldb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/hostpool"
)

// Config says which database.
type Config struct {
	Driver string // "sqlite", "pgsql" or "mysql"
	// Hosts are "unix:/path", "inet:host:port", both without the word before the colon, or PostgreSQL's postgresql://… for pgsql. Empty:
	// localhost. Not for sqlite.
	Hosts          []string
	User, Password string
	Database       string // sqlite: the file
	Options        string // pgsql: more "name=value" of libpq's connection strings, such as sslmode=require
	TLS            TLS    // mysql
}

// TLS says how a connection to MySQL is encrypted. The zero value: as the server wants, unless it has nothing.
type TLS struct {
	CertFile, KeyFile, CAFile string
	Verify                    bool // the server's certificate is for the host's name
}

// key is what two configurations share connections by.
func (c Config) key() string { return fmt.Sprintf("%q", []any{c}) }

// A Value is one column of a row.
type Value struct {
	Text string
	Null bool
}

// Result is what a query gives. Without Columns there was no result set.
type Result struct {
	Columns []string
	Rows    [][]Value
}

// Limits bound what a database may cost. A zero is the default.
type Limits struct {
	Conns   int           // to one database, at once: 8
	Rows    int           // of an answer: 100,000
	Bytes   int           // of an answer: 8 MiB
	Connect time.Duration // for a connection: 10 s
	Query   time.Duration // for an answer, with the wait for a connection: 30 s
	Idle    time.Duration // after which a connection is closed: 1 min, as in Postfix
	Retry   time.Duration // how long a host that fails is left alone, at most: 1 min, as in Postfix
}

func (l Limits) withDefaults() Limits {
	l.Conns = or(l.Conns, 8)
	l.Rows = or(l.Rows, 100_000)
	l.Bytes = or(l.Bytes, 8<<20)
	l.Connect = or(l.Connect, 10*time.Second)
	l.Query = or(l.Query, 30*time.Second)
	l.Idle = or(l.Idle, time.Minute)
	l.Retry = or(l.Retry, time.Minute)
	return l
}

func or[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// ErrTooMuch says that an answer is larger than Limits allow.
var ErrTooMuch = errors.New("the answer is too large")

// Quote makes a text safe between single quotes of a query.
type Quote func(text string) (string, error)

// errNUL: no database has a text with a NUL in it, and what follows it would be lost.
var errNUL = errors.New("a NUL in a query")

// conn is one connection. It is used by one goroutine at a time.
type conn interface {
	// query asks. When the error is a *QueryError the connection is as good as before.
	query(ctx context.Context, text string, l *Limits) (*Result, error)
	quote(text string) (string, error)
	hostpool.Conn
}

// A QueryError is what a database says to a query that it doesn't like.
type QueryError struct{ Err error }

func (e *QueryError) Error() string { return "the query fails: " + e.Err.Error() }

func (e *QueryError) Unwrap() error { return e.Err }

// Dialer makes connections; nil is a net.Dialer.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// collector gathers an answer within the limits.
type collector struct {
	Result
	l     *Limits
	bytes int
}

func (c *collector) add(row []Value) error {
	for _, v := range row {
		c.bytes += len(v.Text) + 32
	}
	if len(c.Rows) >= c.l.Rows || c.bytes > c.l.Bytes {
		return ErrTooMuch
	}
	c.Rows = append(c.Rows, row)
	return nil
}

// parsePairs takes apart "name=value name='va lue'", as libpq and Dovecot's connect lines have it; \ quotes a character.
func parsePairs(s string) (pairs [][2]string, err error) {
	for s = strings.TrimLeft(s, " \t\n"); s != ""; s = strings.TrimLeft(s, " \t\n") {
		name, rest, ok := strings.Cut(s, "=")
		name = strings.TrimRight(name, " \t")
		if !ok || name == "" || strings.ContainsAny(name, " \t'") {
			return nil, fmt.Errorf("expected name=value, such as host=localhost, at %q", firstWord(s))
		}
		rest = strings.TrimLeft(rest, " \t")
		var b strings.Builder
		quoted := strings.HasPrefix(rest, "'")
		if quoted {
			rest = rest[1:]
		}
		i := 0
		for ; i < len(rest); i++ {
			c := rest[i]
			if c == '\\' && i+1 < len(rest) {
				i++
				c = rest[i]
			} else if quoted && c == '\'' || !quoted && (c == ' ' || c == '\t' || c == '\n') {
				break
			}
			b.WriteByte(c)
		}
		if quoted {
			if i == len(rest) {
				return nil, fmt.Errorf("%s: no closing quote", name)
			}
			i++
		}
		pairs = append(pairs, [2]string{name, b.String()})
		s = rest[i:]
	}
	return pairs, nil
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	word, _, _ = strings.Cut(word, "=") // no secret in an error
	return word
}
