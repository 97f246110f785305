// Package contacts has people of an address book, the files that they come and go in (vCard, CSV), and how they are found.
package contacts

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/searchtext"
)

// Limits of an address book: so many, and so many octets.
const (
	MaxContacts = 5000
	MaxCard     = 16 << 10
	maxName     = 200
	maxLines    = 10
	maxNote     = 2000
	maxGroups   = 20
)

// Contact is somebody in an address book.
type Contact struct {
	UID    string // letters and digits
	Name   string
	Emails []string // the first is used unless another is chosen
	Phones []string
	Org    string
	Note   string
	Groups []string
	Keys   []Key    // OpenPGP keys that are taken for this person's
	Rest   []string // lines of a vCard that are not shown, and stay
}

// Key is an OpenPGP key of a contact.
type Key struct {
	Data      []byte // its packets
	Seen      string // the day on which it came, 2006-01-02; "" is not known
	Confirmed bool   // the user has it from its owner, or has compared its fingerprint
}

// Limits of a contact's keys: so many, and so many octets of all together.
const (
	MaxKeys    = 4
	maxKeyData = 9000
)

// checkKeys leaves out the keys that there is no room for.
func checkKeys(list []Key) []Key {
	var out []Key
	room := maxKeyData
	for _, k := range list {
		if len(k.Data) == 0 || len(k.Data) > room || len(out) == MaxKeys || slices.ContainsFunc(out, func(o Key) bool { return bytes.Equal(o.Data, k.Data) }) {
			continue
		}
		if _, err := time.Parse(time.DateOnly, k.Seen); err != nil {
			k.Seen = ""
		}
		room -= len(k.Data)
		out = append(out, k)
	}
	return out
}

// NewUID returns a name for a contact that no other has.
func NewUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Title is what a contact is called: the name, or what there is.
func (c Contact) Title() string {
	first := func(l []string) string {
		if len(l) > 0 {
			return l[0]
		}
		return ""
	}
	return cmp.Or(c.Name, c.Org, first(c.Emails), first(c.Phones))
}

// Empty reports whether the contact names nobody.
func (c Contact) Empty() bool { return c.Title() == "" }

// Email returns the address that is written to; "" for none.
func (c Contact) Email() string {
	if len(c.Emails) == 0 {
		return ""
	}
	return c.Emails[0]
}

// Check returns the contact with what can't be so left out or made shorter.
func (c Contact) Check() Contact {
	if c.UID == "" || len(c.UID) > 64 || strings.Trim(c.UID, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		c.UID = NewUID()
	}
	c.Name, c.Org = line(c.Name, maxName), line(c.Org, maxName)
	c.Note = strings.TrimSpace(cut(strings.Map(visible, strings.ReplaceAll(c.Note, "\r\n", "\n")), maxNote))
	c.Phones, c.Groups = lines(c.Phones, maxLines), lines(c.Groups, maxGroups)
	c.Keys = checkKeys(c.Keys)
	var emails []string
	for _, e := range lines(c.Emails, maxLines) {
		if a, err := mime.ParseAddress(e); err == nil && a.Host != "" && !slices.ContainsFunc(emails, func(o string) bool { return strings.EqualFold(o, a.Addr()) }) {
			emails = append(emails, a.Addr())
		}
	}
	c.Emails = emails
	return c
}

// visible leaves out what can't be seen, or turns the direction of what can.
func visible(r rune) rune {
	switch {
	case r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0xfeff:
		return -1
	}
	return r
}

func cut(s string, most int) string {
	if s = strings.ToValidUTF8(s, ""); len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

func line(s string, most int) string {
	return strings.TrimSpace(cut(strings.Join(strings.Fields(strings.Map(visible, s)), " "), most))
}

func lines(list []string, most int) []string {
	var out []string
	for _, s := range list {
		if s = line(s, maxName); s != "" && !slices.Contains(out, s) && len(out) < most {
			out = append(out, s)
		}
	}
	return out
}

// SetName changes the name; the parts of an old one don't stay.
func (c *Contact) SetName(name string) {
	if name = line(name, maxName); name == c.Name {
		return
	}
	c.Name = name
	c.Rest = slices.DeleteFunc(c.Rest, func(r string) bool { return strings.HasPrefix(r, "N:") || strings.HasPrefix(r, "N;") })
}

// Add puts what another of the same person has into what this one lacks. It reports whether that was anything.
func (c *Contact) Add(o Contact) bool {
	before := len(c.AppendVCard(nil))
	c.Name, c.Org, c.Note = cmp.Or(c.Name, o.Name), cmp.Or(c.Org, o.Org), cmp.Or(c.Note, o.Note)
	c.Emails, c.Phones, c.Groups = append(slices.Clone(c.Emails), o.Emails...), append(slices.Clone(c.Phones), o.Phones...), append(slices.Clone(c.Groups), o.Groups...)
	if len(c.Keys) == 0 {
		c.Keys = o.Keys
	}
	*c = c.Check()
	return len(c.AppendVCard(nil)) != before
}

// Has reports whether the contact has one of the other's addresses; of those without any whether the names are the same.
func (c Contact) Has(o Contact) bool {
	for _, e := range o.Emails {
		if slices.ContainsFunc(c.Emails, func(x string) bool { return strings.EqualFold(x, e) }) {
			return true
		}
	}
	return len(o.Emails) == 0 && len(c.Emails) == 0 && o.Name != "" && o.Name == c.Name
}

// Sort puts contacts in the order of their names, with accents next to the letters that have none.
func Sort(list []Contact) {
	slices.SortStableFunc(list, func(a, b Contact) int {
		return cmp.Or(cmp.Compare(Fold(a.Title()), Fold(b.Title())), cmp.Compare(a.Title(), b.Title()), cmp.Compare(a.UID, b.UID))
	})
}

// Fold is a text as it is compared: without accents and case.
func Fold(s string) string { return string(searchtext.Fold(s)) }

// Words are what is searched for.
type Words []string

// NewWords reads a query.
func NewWords(query string) Words { return strings.Fields(Fold(query)) }

// In reports whether every word begins a word of the texts.
func (w Words) In(texts ...string) bool {
	all := " " + Fold(strings.Join(texts, " "))
	for _, word := range w {
		found := false
		for i := 0; i < len(all) && !found; {
			k := strings.Index(all[i:], word)
			if k < 0 {
				return false
			}
			before, _ := utf8.DecodeLastRuneInString(all[:i+k])
			found = strings.ContainsRune(" .@-_+<>()\"',/", before)
			i += k + 1
		}
		if !found {
			return false
		}
	}
	return true
}

// Match reports whether the words are the contact's.
func (c Contact) Match(w Words) bool {
	return w.In(append(append([]string{c.Name, c.Org}, c.Emails...), append(c.Phones, c.Groups...)...)...)
}
