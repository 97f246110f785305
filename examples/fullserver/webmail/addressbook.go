package webmail

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/contacts"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

// Contacts lie in sixteen annotations, by the first digit of their UIDs, so that a change writes a small part and no server's limit of an
// annotation's size is near.
const (
	bookAnnotation = "/private/vendor/buuta/contacts"
	bookShards     = "0123456789abcdef"
	maxShard       = 60 << 10
)

// bookFull says that there is no room for more contacts.
var bookFull = &failure{status: http.StatusInsufficientStorage, key: "contacts.full"}

// book is an account's contacts as they were read.
type book struct {
	list   []contacts.Contact // sorted
	server map[string][]byte  // what the mail server has, by the last part of the annotation's name; nil: it keeps none
	until  time.Time          // when they are read again: another program may have changed them
}

func shardOf(uid string) string {
	if strings.IndexByte(bookShards, uid[0]) < 0 {
		return bookShards[int(uid[0])%16:][:1]
	}
	return uid[:1]
}

// contacts returns the user's contacts, sorted. They are not to be changed.
func (q *request) contacts() ([]contacts.Contact, error) {
	q.acc.mu.Lock()
	b := q.acc.book
	q.acc.mu.Unlock()
	if b != nil && q.cfg.Now().Before(b.until) {
		return b.list, nil
	}
	b, err := q.readBook()
	if err != nil {
		return nil, err
	}
	q.keepBook(b)
	return b.list, nil
}

func (q *request) keepBook(b *book) {
	b.until = q.cfg.Now().Add(5 * time.Minute)
	q.acc.mu.Lock()
	q.acc.book = b
	q.acc.mu.Unlock()
}

// readBook reads what the mail server has, and what lies here because it would not take it.
func (q *request) readBook() (*book, error) {
	b := &book{}
	err := q.do(func(ctx context.Context, c *imapclient.Client) error {
		if !metadata(c) {
			return nil
		}
		b.server = map[string][]byte{}
		list, err := c.Metadata(ctx, imap.GetMetadata{Entries: []string{bookAnnotation}, Depth: imap.DepthOne})
		for _, a := range list {
			if s, ok := strings.CutPrefix(a.Name, bookAnnotation+"/"); ok && len(a.Value) > 0 {
				b.server[s] = a.Value
				b.list = append(b.list, contacts.ParseVCards(a.Value)...)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	raw, err := q.local.Read(q.sess.User, "vcf")
	if err != nil {
		return nil, err
	}
	b.list = append(b.list, contacts.ParseVCards(raw)...)
	contacts.Sort(b.list)
	seen := map[string]bool{}
	b.list = slices.DeleteFunc(b.list, func(c contacts.Contact) bool {
		twice := seen[c.UID]
		seen[c.UID] = true
		return twice
	})
	return b, nil
}

// changeBook changes the contacts: change gets them as they are now and returns them as they are to be. Only what differs is written.
func (q *request) changeBook(change func(list []contacts.Contact) ([]contacts.Contact, error)) error {
	q.acc.writing.Lock() // two pages at once would each undo what the other did
	defer q.acc.writing.Unlock()
	old, err := q.readBook()
	if err != nil {
		return err
	}
	list, err := change(slices.Clone(old.list))
	if err != nil {
		return err
	}
	if len(list) > contacts.MaxContacts {
		return bookFull
	}
	contacts.Sort(list)
	q.acc.mu.Lock()
	q.acc.book = nil
	q.acc.mu.Unlock()
	return q.writeBook(old, list)
}

// writeBook keeps contacts: at the mail server, where all of the user's webmails find them, else here.
func (q *request) writeBook(old *book, list []contacts.Contact) error {
	if old.server != nil {
		err := q.writeServerBook(old.server, shards(list))
		if err == nil {
			return q.local.Write(q.sess.User, "vcf", nil)
		}
		if !imapclient.Refused(err) || len(old.server) > 0 {
			return err // what lies there must not be hidden by what lies here, nor the other way round
		}
	}
	var b []byte
	for _, c := range list {
		b = c.AppendVCard(b)
	}
	return q.local.Write(q.sess.User, "vcf", b)
}

// writeServerBook writes the annotations that differ.
func (q *request) writeServerBook(before, after map[string][]byte) error {
	var set []mail.Annotation
	for _, s := range strings.Split(bookShards, "") {
		if len(after[s]) > maxShard {
			return bookFull
		}
		if !bytes.Equal(before[s], after[s]) {
			set = append(set, mail.Annotation{Name: bookAnnotation + "/" + s, Value: after[s]})
		}
	}
	return q.do(func(ctx context.Context, c *imapclient.Client) error {
		for some := range slices.Chunk(set, 4) { // no command is larger than what servers bear
			if err := c.SetMetadata(ctx, "", some...); err != nil {
				return err
			}
		}
		return nil
	})
}

// shards writes contacts, each where it belongs.
func shards(list []contacts.Contact) map[string][]byte {
	out := map[string][]byte{}
	for _, c := range list {
		s := shardOf(c.UID)
		out[s] = c.AppendVCard(out[s])
	}
	return out
}
