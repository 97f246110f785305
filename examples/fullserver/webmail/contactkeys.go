package webmail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/webmail/internal/contacts"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/pgpkeys"
	"github.com/buuta/mail/imap/imapclient"
)

// contactKey is a contact's OpenPGP key as its page shows it.
type contactKey struct {
	Fingerprint string
	Names       string // the addresses in it
	Seen        string
	Expires     time.Time // zero: never
	Confirmed   bool
	Revoked     bool
	Expired     bool
}

// PGPKeys are the contact's OpenPGP keys. Those that can't be read any more have an empty fingerprint.
func (d contactData) PGPKeys() []contactKey {
	var out []contactKey
	now := d.q.cfg.Now()
	for _, kept := range d.Contact.Keys {
		v := contactKey{Seen: kept.Seen, Confirmed: kept.Confirmed}
		if keys, err := pgpkeys.Parse(kept.Data); err == nil {
			k := keys[0]
			v.Fingerprint, v.Names, v.Expires, v.Revoked = k.Fingerprint(), clean(strings.Join(k.Addresses(now), ", "), 500), k.Expires(), k.Revoked(now)
			v.Expired = !v.Expires.IsZero() && v.Expires.Before(now)
		}
		out = append(out, v)
	}
	return out
}

// changeKeys does to a contact's keys what the form says: confirms, removes, adds. problem is the text that says why a new key was not taken; "": it was, or there is none.
func (q *request) changeKeys(c *contacts.Contact) (problem string) {
	confirm, remove := q.r.PostForm["confirm"], q.r.PostForm["remove"]
	var keys []contacts.Key
	for _, kept := range c.Keys {
		f := ""
		if parsed, err := pgpkeys.Parse(kept.Data); err == nil {
			f = parsed[0].Fingerprint()
		}
		if slices.Contains(remove, f) {
			continue
		}
		kept.Confirmed = kept.Confirmed || f != "" && slices.Contains(confirm, f)
		keys = append(keys, kept)
	}
	c.Keys = keys
	typed := []byte(q.r.PostFormValue("key"))
	if q.r.MultipartForm != nil && len(q.r.MultipartForm.File["file"]) > 0 {
		if f, err := q.r.MultipartForm.File["file"][0].Open(); err == nil {
			b, _ := io.ReadAll(io.LimitReader(f, pgpkeys.MaxInput+1))
			_ = f.Close()
			if len(b) > 0 {
				typed = b
			}
		}
	}
	if len(bytes.TrimSpace(typed)) == 0 {
		return ""
	}
	parsed, err := pgpkeys.Parse(typed)
	if err != nil {
		return keyProblem(err)
	}
	k := parsed[0]
	if i := slices.IndexFunc(parsed, func(k pgpkeys.Key) bool {
		return slices.ContainsFunc(c.Emails, func(e string) bool { return k.Names(e, q.cfg.Now()) })
	}); i >= 0 {
		k = parsed[i]
	} else if len(parsed) > 1 {
		return "keys.pgp.whose"
	}
	if !addKey(c, k, contacts.Key{Data: k.Raw, Seen: q.today(), Confirmed: true}) {
		return "keys.pgp.room"
	}
	return ""
}

// today is the day that it is where the user is.
func (q *request) today() string { return q.cfg.Now().In(q.zone).Format(time.DateOnly) }

func keyProblem(err error) string {
	switch {
	case errors.Is(err, pgpkeys.ErrPrivate):
		return "keys.pgp.private"
	case errors.Is(err, pgpkeys.ErrWeak):
		return "keys.pgp.weak"
	case errors.Is(err, pgpkeys.ErrLarge):
		return "keys.pgp.large"
	}
	return "keys.pgp.none"
}

// addKey gives a contact a key, in place of an older copy of it, which keeps its trust. It reports whether there was room.
func addKey(c *contacts.Contact, k pgpkeys.Key, add contacts.Key) bool {
	f := k.Fingerprint()
	for i, kept := range c.Keys {
		if old, err := pgpkeys.Parse(kept.Data); err == nil && old[0].Fingerprint() == f {
			c.Keys = slices.Clone(c.Keys)
			c.Keys[i] = contacts.Key{Data: add.Data, Seen: kept.Seen, Confirmed: kept.Confirmed || add.Confirmed}
			return slices.ContainsFunc(c.Check().Keys, func(o contacts.Key) bool { return bytes.Equal(o.Data, add.Data) })
		}
	}
	c.Keys = append(slices.Clone(c.Keys), add)
	return len(c.Check().Keys) == len(c.Keys)
}

// keepKey takes a key that a message brings for its sender's, who gets into the address book where he isn't. That is all that is known of it: it came.
func (q *request) keepKey() error {
	var key pgpkeys.Key
	var from person
	back := ""
	err := q.withMessage(func(ctx context.Context, c *imapclient.Client, box *imapclient.Mailbox, m *message) error {
		list := persons(m.header.Addresses("From"))
		keys, err := q.broughtKeys(ctx, c, m, singleSender(list))
		if err != nil {
			return err
		}
		i := slices.IndexFunc(keys, func(k pgpkeys.Key) bool { return k.Fingerprint() == q.r.PostFormValue("fingerprint") })
		if i < 0 {
			return changed
		}
		key, from, back = keys[i], list[0], messageURL(box.Name, m.UID)
		return nil
	})
	if err != nil {
		return err
	}
	err = q.changeBook(func(list []contacts.Contact) ([]contacts.Contact, error) {
		i := slices.IndexFunc(list, func(c contacts.Contact) bool { return hasAddress(c, from.Addr) })
		if i < 0 {
			c := contacts.Contact{Name: from.Name, Emails: []string{from.Addr}}.Check()
			if len(c.Emails) == 0 {
				return nil, badRequest
			}
			list, i = append(list, c), len(list)
		}
		before := len(list[i].Keys)
		if !addKey(&list[i], key, contacts.Key{Data: key.Raw, Seen: q.today()}) {
			return nil, bookFull
		}
		if before > 0 && len(list[i].Keys) > before { // another than the one that is kept: that is for the contact's own page
			return nil, changed
		}
		return list, nil
	})
	if err != nil {
		return err
	}
	return q.remember(&done{key: "done.pgpkey", args: []any{clean(from.Addr, 320)}}, back)
}

// distrustKeys makes of the keys in a file ones that came and that nobody has compared, whatever the file says.
func (q *request) distrustKeys(c *contacts.Contact) {
	var keys []contacts.Key
	for _, k := range c.Keys {
		if parsed, err := pgpkeys.Parse(k.Data); err == nil {
			keys = append(keys, contacts.Key{Data: parsed[0].Raw, Seen: q.today()})
		}
	}
	c.Keys = keys
	*c = c.Check()
}
