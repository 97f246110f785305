package lookup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// textTable is a table of "key value" lines: hash, lmdb, btree, cdb, dbm and texthash. It is read from its text, whatever its type; what
// postmap made of it is not looked at.
type textTable struct {
	entries *arena
	noFold  bool
	octets  bool
}

// suffixes are what postmap's files end in.
var suffixes = map[string]string{"hash": ".db", "btree": ".db", "lmdb": ".lmdb", "cdb": ".cdb", "dbm": ".pag", "sdbm": ".pag"}

func openText(kind, name string, o *Options) (Table, error) {
	if name == "" || name[0] == '{' {
		return nil, fmt.Errorf("expected the name of a file, such as %s:/etc/postfix/virtual; for entries in main.cf itself there is inline:{key=value}", kind)
	}
	built := suffixes[kind]
	t, err := openFile(name, o, func(text string) (Table, error) { return parseText(name, text, o) })
	if err == nil {
		warnBuilt(name, built, o)
		return t, nil
	}
	if _, e := os.Stat(name + built); built != "" && errors.Is(err, fs.ErrNotExist) && e == nil {
		return nil, &Problem{File: name, Err: err, Reason: fmt.Sprintf("no such file, but %s%s is there: tables are read from the text that postmap makes that file from", name, built)}
	}
	return nil, err
}

// warnBuilt tells of a file of postmap's that Postfix would answer from, and that doesn't have what we answer.
func warnBuilt(name, suffix string, o *Options) {
	if suffix == "" {
		return
	}
	text, err1 := os.Stat(name)
	built, err2 := os.Stat(name + suffix)
	if err1 == nil && err2 == nil && built.ModTime().Before(text.ModTime()) {
		o.Warn(&Problem{File: name + suffix, Reason: "is older than its source file " + name + ", which is what is read here; postmap makes it anew"})
	}
}

func parseText(name, text string, o *Options) (*textTable, error) {
	b := newArena(len(text))
	var err error
	each := eachLine
	if o.Aliases {
		each = eachAlias
	}
	each(name, text, o, func(key, value string, line int) {
		if err != nil {
			return
		}
		if !o.NoFold {
			key = fold(key, o.NoUTF8)
		}
		var dup bool
		if dup, err = b.add(key, value); dup {
			o.Warn(&Problem{File: name, Line: line, Reason: "duplicate entry: " + source.Quote(key) + "; the first one holds"})
		}
	})
	if err != nil {
		return nil, &Problem{File: name, Reason: err.Error(), Err: err}
	}
	return &textTable{entries: b.done(), noFold: o.NoFold, octets: o.NoUTF8}, nil
}

// eachLine goes through "key value" lines as postmap does. What it leaves out it reports to o.Warn.
func eachLine(name, text string, o *Options, entry func(key, value string, line int)) {
	lines(name, text, o, func(sc *source.Scanner) {
		end, balanced := keyEnd(sc.Text)
		if !balanced {
			o.Warn(&Problem{File: name, Line: sc.First, Reason: "unbalanced '\"' in " + source.Quote(sc.Text) + "; line left out"})
			return
		}
		key, value := sc.Text[:end], source.Trim(sc.Text[end:])
		if key == "" || value == "" {
			o.Warn(&Problem{File: name, Line: sc.First, Reason: "expected format: key whitespace value; line left out"})
			return
		}
		if strings.HasSuffix(key, ":") {
			o.Warn(&Problem{File: name, Line: sc.First, Reason: "record is in \"key: value\" format; is this an alias file?"})
		}
		entry(key, value, sc.First)
	})
}

// keyEnd is where the key of a line ends: at white space that is not in quotes, which stay part of the key.
func keyEnd(s string) (end int, balanced bool) {
	quoted := false
	for ; end < len(s); end++ {
		switch c := s[end]; {
		case c == '\\' && end+1 < len(s):
			end++
		case c == '"':
			quoted = !quoted
		case !quoted && source.IsSpace(c):
			return end, true
		}
	}
	return end, !quoted
}

// lines goes through logical lines, without those that no table may have.
func lines(name, text string, o *Options, line func(sc *source.Scanner)) {
	sc := source.NewScanner(text)
	sc.Stray = func(first int, text string) {
		o.Warn(&Problem{File: name, Line: first, Reason: "logical line must not start with whitespace: " + source.Quote(text) + "; line left out"})
	}
	for sc.Next() {
		switch {
		case strings.IndexByte(sc.Text, 0) >= 0:
			o.Warn(&Problem{File: name, Line: sc.First, Reason: "NUL in the line; line left out"})
		case !o.NoUTF8 && !utf8.ValidString(sc.Text):
			o.Warn(&Problem{File: name, Line: sc.First, Reason: "non-UTF-8 input " + source.Quote(sc.Text) + "; line left out"})
		default:
			line(sc)
		}
	}
}

func (t *textTable) Find(_ context.Context, key string) (string, bool, error) {
	value, found := t.find(key)
	return value, found, nil
}

func (t *textTable) find(key string) (string, bool) {
	if t.noFold {
		return t.entries.find(key)
	}
	upper, ascii := scan(key)
	switch {
	case !ascii && !t.octets:
		return t.entries.find(fold(key, false))
	case upper:
		return t.entries.findFolded(key)
	}
	return t.entries.find(key)
}

func (t *textTable) All(context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for key, value := range t.entries.all() {
			if !yield(Entry{key, value}, nil) {
				return
			}
		}
	}
}
