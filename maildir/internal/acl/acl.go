// Package acl reads and writes access control lists as Dovecot keeps them: the files "dovecot-acl" in the folders of
// mailboxes, and the global ones. Whose rights are what follows Dovecot too, so that both enforce the same.
package acl

import (
	"cmp"
	"slices"
	"strings"

	"github.com/buuta/mail"
)

// kind says what an identifier names. A higher one is more specific: it takes the place of what lower ones give.
type kind uint8

const (
	anyone kind = iota
	authenticated
	group
	owner
	user
	groupOverride
)

// Entry is what one identifier is given and what is taken from it.
type Entry struct {
	kind      kind
	name      string // of the user or group
	global    bool
	give      rights
	take      rights
	giveThere bool // "user=x" without letters gives nothing, which is not the same as no line
	takeThere bool
}

// rights are IMAP's, and the names that we don't know, which are kept.
type rights struct {
	std   mail.Rights
	named []string
}

// List is a mailbox's entries, sorted: local ones before global ones, less specific before more specific ones.
type List []Entry

func compare(a, b Entry) int {
	switch {
	case a.global != b.global && a.global:
		return 1
	case a.global != b.global:
		return -1
	}
	return cmp.Or(cmp.Compare(a.kind, b.kind), strings.Compare(a.name, b.name))
}

// add puts an entry in its place, together with one of the same identifier.
func (l List) add(e Entry) List {
	i, there := slices.BinarySearchFunc(l, e, compare)
	if !there {
		return slices.Insert(l, i, e)
	}
	at := &l[i]
	at.give, at.take = at.give.with(e.give), at.take.with(e.take)
	at.giveThere, at.takeThere = at.giveThere || e.giveThere, at.takeThere || e.takeThere
	return l
}

func (r rights) with(other rights) rights {
	r.std |= other.std
	for _, n := range other.named {
		if !slices.Contains(r.named, n) {
			r.named = append(slices.Clip(r.named), n)
		}
	}
	return r
}

// With returns the list with the entries of a global one, which go before all that is local.
func (l List) With(global List) List {
	out := slices.Clone(l)
	for _, e := range global {
		e.global = true
		out = out.add(e)
	}
	return out
}

// Who is somebody who wants to use a mailbox.
type Who struct {
	User   string
	Groups []string
	Owner  bool // of the mailbox
}

func (w *Who) is(e *Entry) bool {
	switch e.kind {
	case anyone, authenticated:
		return true
	case group, groupOverride:
		return slices.Contains(w.Groups, e.name)
	case owner:
		return w.Owner
	}
	return e.name == w.User
}

// OwnersOwn are the rights that an owner can't lose.
const OwnersOwn = mail.RightLookup | mail.RightAdmin

// Rights returns what somebody may do. Of the identifiers that name them the most specific counts, groups together; what
// "-" takes is taken from it. Nobody but the owner has rights without an entry, and of what is less specific only global
// entries bind the owner.
func (l List) Rights(w Who) mail.Rights {
	var give, take mail.Rights
	if w.Owner {
		give = mail.AllRights
	}
	var last *Entry
	global := false
	for i := range l {
		e := &l[i]
		if w.Owner && !e.global && e.kind < owner || !w.is(e) {
			continue
		}
		if e.global && !global {
			global, take = true, 0 // what is local can't take from what is global
		}
		merge := last != nil && last.kind == e.kind && last.global == e.global
		last = e
		if e.giveThere {
			if !merge {
				give = 0
			}
			give |= e.give.std
		}
		if e.takeThere {
			if !merge {
				take = 0
			}
			take |= e.take.std
		}
	}
	give &^= take
	if w.Owner && !global {
		give |= OwnersOwn
	}
	return give
}

// Reaches calls f for everybody besides the owner who may be able to see the mailbox: with a user's name, with "$" and a
// group's, or with "" for anyone.
func (l List) Reaches(f func(who string)) {
	for _, e := range l {
		if !e.give.std.Has(mail.RightLookup) {
			continue
		}
		switch e.kind {
		case anyone, authenticated:
			f("")
		case group, groupOverride:
			f("$" + e.name)
		case user:
			f(e.name)
		}
	}
}

// Entries returns the local entries as package mail has them.
func (l List) Entries() []mail.ACLEntry {
	var out []mail.ACLEntry
	for _, e := range l {
		if e.global {
			continue
		}
		if e.giveThere && e.give.std != 0 {
			out = append(out, mail.ACLEntry{Identifier: e.identifier(), Rights: e.give.std})
		}
		if e.takeThere && e.take.std != 0 {
			out = append(out, mail.ACLEntry{Identifier: "-" + e.identifier(), Rights: e.take.std})
		}
	}
	return out
}

// Names reports whether there is a local entry that says what the owner may do.
func (l List) NamesOwner(name string) bool {
	return slices.ContainsFunc(l, func(e Entry) bool {
		return !e.global && e.giveThere && (e.kind == owner || e.kind == user && e.name == name)
	})
}
