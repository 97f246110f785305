// Package foldername turns mailbox names into the names of folders, and back, as Dovecot lays them out.
package foldername

import (
	"strings"

	"github.com/buuta/mail/maildir/internal/mutf7"
)

// Naming is one way of naming folders.
type Naming struct {
	Nested bool // Dovecot's LAYOUT=fs: a folder a level. Otherwise Maildir++: all side by side, ".Lists.go"
	UTF8   bool // not modified UTF-7
}

// Separator is what Dovecot has between levels in its own files.
func (n Naming) Separator() string {
	if n.Nested {
		return "/"
	}
	return "."
}

// Folder returns the folder of a mailbox, relative to the account's: levels are separated by "/" in name, and not empty.
func (n Naming) Folder(name string) string {
	levels := strings.Split(name, "/")
	for i, l := range levels {
		if n.Nested {
			l = escapeReserved(l)
		} else {
			l = escapeDots.Replace(l)
		}
		if !n.UTF8 {
			l = mutf7.Encode(l)
		}
		levels[i] = l
	}
	if n.Nested {
		return strings.Join(levels, "/")
	}
	return "." + strings.Join(levels, ".")
}

// Name returns the mailbox that a folder is; ok is false when it can't be one. What it returns is no more than a string: the
// caller says whether it is a good name.
func (n Naming) Name(folder string) (name string, ok bool) {
	if !n.Nested {
		if len(folder) < 2 || folder[0] != '.' {
			return "", false
		}
		folder = folder[1:]
	}
	levels := strings.Split(folder, n.Separator())
	for i, l := range levels {
		if levels[i], ok = n.Level(l); !ok {
			return "", false
		}
	}
	return strings.Join(levels, "/"), true
}

// Level returns the level of a name that a part of a folder's name is.
func (n Naming) Level(part string) (level string, ok bool) {
	if part == "" || n.Nested && reserved(part) {
		return "", false
	}
	if !n.UTF8 {
		if dec, ok := mutf7.Decode(part); ok {
			part = dec
		}
	}
	if n.Nested {
		part = unescapeAll(part)
	} else {
		part = unescapeDots.Replace(part)
	}
	return part, part != "" && !strings.Contains(part, "/")
}

// In Maildir++ a dot within a level is "\2e", as Dovecot's listescape writes it, and a backslash that would be mistaken for
// the beginning of that is "\5c".
var (
	escapeDots   = strings.NewReplacer(`\2e`, `\5c2e`, `\5c`, `\5c5c`, `.`, `\2e`)
	unescapeDots = strings.NewReplacer(`\2e`, `.`, `\5c`, `\`)
)
