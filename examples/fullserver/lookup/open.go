package lookup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/nearest"
)

// builtin are the types that there are.
func builtin(kind string) Opener {
	switch kind {
	case "hash", "lmdb", "btree", "cdb", "dbm", "sdbm", "texthash":
		return func(_ context.Context, name string, o *Options) (Table, error) { return openText(kind, name, o) }
	case "regexp":
		return openRegexp
	case "pcre":
		return openPCRE
	case "cidr":
		return openCIDR
	case "sqlite", "pgsql", "mysql":
		return openSQL(kind)
	case "ldap":
		return openLDAP
	case "inline":
		return openInline
	case "static":
		return openStatic
	case "fail":
		return openFail
	case "randmap":
		return openRandom
	case "unionmap":
		return openUnion
	case "pipemap":
		return openPipe
	case "environ":
		return openEnviron
	case "unix":
		return openUnix
	case "tcp":
		return openTCP
	case "socketmap":
		return openSocketmap
	}
	return nil
}

// unsupported says what to do instead of a type that Postfix has and we don't.
var unsupported = map[string]string{
	"internal": "it lives in one Postfix process only; use inline:{key=value}",
	"memcache": "a cache that may forget is no answer; use the table behind it, or socketmap:",
	"mongodb":  "use socketmap: in front of it",
	"netinfo":  "it is gone from macOS; use hash:",
	"nis":      "NIS is neither encrypted nor authenticated; use hash: with the output of ypcat",
	"nisplus":  "no system has it any more; use hash:",
}

// Open opens one table, "type:name". A leading "proxy:" changes nothing: there is no chroot that tables would have to be reached from.
// The table answers until it is closed; ctx bounds the opening only.
func Open(ctx context.Context, spec string, o *Options) (Table, error) {
	return open(ctx, spec, o.WithDefaults())
}

func open(ctx context.Context, spec string, o *Options) (Table, error) {
	full := spec
	for strings.HasPrefix(spec, "proxy:") {
		spec = spec[len("proxy:"):]
	}
	kind, name, ok := strings.Cut(spec, ":")
	if !ok || strings.HasPrefix(kind, "/") {
		if o.DefaultType == "" {
			return nil, fmt.Errorf("table %q: expected \"type:name\", such as %q", full, "hash:"+spec)
		}
		kind, name = o.DefaultType, spec
	}
	if name == "" {
		return nil, fmt.Errorf("table %q: nothing after %q; expected \"type:name\"", full, kind+":")
	}
	opener := o.Types[kind]
	if opener == nil {
		opener = builtin(kind)
	}
	if opener == nil {
		return nil, fmt.Errorf("table %q: %w %q%s", full, ErrUnknownType, kind, instead(kind))
	}
	if o.Limits.Depth--; o.Limits.Depth < 0 {
		return nil, fmt.Errorf("table %q: tables within tables too deep: %w", full, ErrLimit)
	}
	t, err := opener(ctx, name, o)
	if err != nil {
		var p *Problem
		if errors.As(err, &p) {
			return nil, err // it names the file, and the line
		}
		return nil, fmt.Errorf("table %q: %w", full, err)
	}
	return &guarded{table: t, name: kind + ":" + name, key: o.Limits.Key, value: o.Limits.Value, bytes: o.NoUTF8}, nil
}

// known are the types of tables, as errors name them.
const known = "btree, cdb, cidr, dbm, environ, hash, inline, ldap, lmdb, mysql, pcre, pgsql, pipemap, randmap, regexp, socketmap, sqlite, static, tcp, texthash, unionmap, unix"

func instead(kind string) string {
	if what := unsupported[kind]; what != "" {
		return ": " + what
	}
	if name := nearest.Name(kind, strings.SplitSeq(known, ", "), 3); name != "" {
		return "; did you mean " + name + "?"
	}
	return "; known are " + known
}
