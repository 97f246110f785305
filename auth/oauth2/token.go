package oauth2

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// Verifier finds out what a token says. The error wraps [mail.ErrAuthFailed] for a token that isn't good, and [ErrFormat] too for one of a kind that this
// Verifier knows nothing about; any other error says that nobody knows now. It may be used by many goroutines at once.
type Verifier interface {
	Verify(ctx context.Context, token string) (*Token, error)
}

// ErrFormat says that a token isn't of the kind that a [Verifier] reads: another one may know it.
var ErrFormat = fmt.Errorf("%w: not a token of this kind", mail.ErrAuthFailed)

// MaxToken is how long a token may be, in octets.
const MaxToken = 16 << 10

// Token is what a token says, or what its issuer says about it.
type Token struct {
	// Fields are the claims by name. Those of an object within have a name with its name and "_" before it, as in Dovecot: realm_access_roles.
	// An array is several values; numbers are as they were written, other values "true", "false" and "null".
	Fields map[string][]string
}

// Get returns the first value of a claim, "" when there is none.
func (t *Token) Get(name string) string {
	if v := t.Fields[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Has reports whether there is such a claim.
func (t *Token) Has(name string) bool { return len(t.Fields[name]) > 0 }

// Scopes returns the words of "scope" (RFC 9068 section 2.2.3), which some issuers write as an array.
func (t *Token) Scopes() []string {
	return strings.Fields(strings.Join(t.Fields["scope"], " "))
}

// maxFields bounds what is kept of a token or of an answer.
const maxFields = 1000

// parseToken reads a JSON object.
func parseToken(b []byte) (*Token, error) {
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	var all map[string]any
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if all == nil || d.More() {
		return nil, errors.New("not a JSON object")
	}
	t := &Token{Fields: map[string][]string{}}
	for name, v := range all {
		if !t.add(name, v, 0) {
			return nil, errors.New("too much in it")
		}
	}
	return t, nil
}

func (t *Token) add(name string, v any, depth int) bool {
	if depth > 10 || len(t.Fields) > maxFields {
		return false
	}
	switch v := v.(type) {
	case map[string]any:
		for n, w := range v {
			if !t.add(name+"_"+n, w, depth+1) {
				return false
			}
		}
		return true
	case []any:
		for _, w := range v {
			if !t.add(name, w, depth+1) {
				return false
			}
		}
		return true
	case string:
		t.Fields[name] = append(t.Fields[name], v)
	case nil:
		t.Fields[name] = append(t.Fields[name], "null")
	default:
		t.Fields[name] = append(t.Fields[name], fmt.Sprint(v))
	}
	return len(t.Fields[name]) <= maxFields
}

// date returns a claim that is a NumericDate (RFC 7519 section 2); ok is false when it is none.
func (t *Token) date(name string) (at time.Time, ok bool) {
	v := t.Fields[name]
	if len(v) != 1 {
		return at, false
	}
	f, err := strconv.ParseFloat(v[0], 64)
	if err != nil || f < 0 || f >= 1<<53 {
		return at, false
	}
	return time.Unix(int64(f), 0), true
}

// checkTimes refuses a token whose time hasn't come or is over (RFC 7519 sections 4.1.4 to 4.1.6).
func (t *Token) checkTimes(now time.Time, leeway time.Duration) error {
	for _, name := range []string{"exp", "nbf", "iat"} {
		if !t.Has(name) {
			continue
		}
		at, ok := t.date(name)
		switch {
		case !ok:
			return refused("its %q is no date", name)
		case name == "exp" && !now.Before(at.Add(leeway)):
			return refused("it has expired")
		case name == "nbf" && now.Add(leeway).Before(at):
			return refused("it isn't valid yet")
		case name == "iat" && now.Add(leeway).Before(at):
			return refused("it was issued in the future")
		}
	}
	return nil
}

// refused is an error for a token that isn't good. What it says is for the log.
func refused(format string, args ...any) error {
	return fmt.Errorf("%w: the token is refused: %s", mail.ErrAuthFailed, fmt.Sprintf(format, args...))
}

// excerpt is a part of what a stranger wrote, for the log.
func excerpt(s string) string {
	if len(s) > 100 {
		s = s[:100] + "…"
	}
	return strconv.QuoteToASCII(s)
}
