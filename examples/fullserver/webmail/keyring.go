package webmail

import (
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/buuta/mail/examples/fullserver/webmail/internal/contacts"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/pgpkeys"
)

// keyring finds OpenPGP keys in the user's address book, the sender's first, and where it has none among those that came with the message. It reads what is asked for
// alone.
type keyring struct {
	book   []contacts.Contact
	sender string
	came   []pgpkeys.Key

	byID   map[uint64]openpgp.EntityList
	owners map[*openpgp.Entity]keyOwner
}

// keyOwner says where a key was found.
type keyOwner struct {
	key     pgpkeys.Key
	contact *contacts.Contact // nil: it came with the message
	kept    contacts.Key
}

func newKeyring(book []contacts.Contact, sender string, came []pgpkeys.Key) *keyring {
	r := &keyring{sender: sender, came: came, byID: map[uint64]openpgp.EntityList{}, owners: map[*openpgp.Entity]keyOwner{}}
	var others []contacts.Contact
	for _, c := range book {
		switch {
		case len(c.Keys) == 0:
		case hasAddress(c, sender):
			r.book = append(r.book, c)
		default:
			others = append(others, c)
		}
	}
	r.book = append(r.book, others...)
	return r
}

func hasAddress(c contacts.Contact, address string) bool {
	return address != "" && slices.ContainsFunc(c.Emails, func(e string) bool { return strings.EqualFold(e, address) })
}

// knowsSender reports whether the address book has a key of the sender.
func (r *keyring) knowsSender() bool { return len(r.book) > 0 && hasAddress(r.book[0], r.sender) }

func (r *keyring) find(id uint64) openpgp.EntityList {
	if list, ok := r.byID[id]; ok {
		return list
	}
	var list openpgp.EntityList
	for i := range r.book {
		for _, kept := range r.book[i].Keys {
			if !pgpkeys.HasID(kept.Data, []uint64{id}) {
				continue
			}
			if keys, err := pgpkeys.Parse(kept.Data); err == nil && len(list) < 4 {
				list = append(list, keys[0].Entity)
				r.owners[keys[0].Entity] = keyOwner{keys[0], &r.book[i], kept}
			}
		}
	}
	for _, k := range r.came {
		if len(list) == 0 && pgpkeys.HasID(k.Raw, []uint64{id}) {
			list = append(list, k.Entity)
			r.owners[k.Entity] = keyOwner{key: k}
		}
	}
	r.byID[id] = list
	return list
}

// KeysById implements openpgp.KeyRing.
func (r *keyring) KeysById(id uint64) []openpgp.Key { return r.find(id).KeysById(id) }

// KeysByIdUsage implements openpgp.KeyRing.
func (r *keyring) KeysByIdUsage(id uint64, usage byte) []openpgp.Key {
	return r.find(id).KeysByIdUsage(id, usage)
}

// DecryptionKeys implements openpgp.KeyRing: there are none here.
func (r *keyring) DecryptionKeys() []openpgp.Key { return nil }
