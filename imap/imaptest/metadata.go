package imaptest

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/buuta/mail"
)

// What annotations are limited to.
const (
	MaxAnnotations = 100  // of one mailbox, or of the account
	MaxAnnotation  = 4096 // octets of a value
)

// notes are the annotations of a mailbox or of the account by name: the shared ones, and the private ones of the owner.
type notes map[string][]byte

func (n notes) size() (size int64) {
	for name, value := range n {
		size += int64(len(name) + len(value))
	}
	return size
}

// noteRights are those of which one is needed, besides RightLookup, for a mailbox's annotations (RFC 5464 section 3.3).
const noteRights = mail.RightRead | mail.RightSeen | mail.RightWrite | mail.RightInsert | mail.RightPost

// annotated returns the annotations of a mailbox as the user has them, or the account's for "", and a function that puts
// others in their place. The store is locked.
func (a *account) annotated(mailbox string) (n notes, put func(notes), err error) {
	if mailbox == "" {
		return a.notes, func(n notes) { a.notes = n }, nil
	}
	b, r, err := a.find(mailbox)
	switch {
	case err != nil:
		return nil, nil, err
	case !r.Has(mail.RightLookup) || r&noteRights == 0:
		return nil, nil, mail.ErrPermission
	case !a.foreign(b):
		return b.notes, func(n notes) { b.notes = n }, nil
	}
	private := func(name string, _ []byte) bool { return strings.HasPrefix(name, "/private/") }
	n = maps.Clone(b.notes)
	maps.DeleteFunc(n, private)
	if n == nil {
		n = notes{}
	}
	maps.Copy(n, b.private[a])
	return n, func(n notes) {
		own, shared := maps.Clone(n), maps.Clone(n)
		maps.DeleteFunc(own, func(name string, v []byte) bool { return !private(name, v) })
		maps.DeleteFunc(shared, private)
		for name, v := range b.notes {
			if private(name, v) {
				shared[name] = v
			}
		}
		if b.private == nil {
			b.private = map[*account]notes{}
		}
		b.notes, b.private[a] = shared, own
	}, nil
}

// Metadata implements [mail.MetadataAccount].
func (a *account) Metadata(ctx context.Context, mailbox string, below []string) ([]mail.Annotation, error) {
	if err := a.store.enter(ctx, "Metadata"); err != nil {
		return nil, err
	}
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	n, _, err := a.annotated(mailbox)
	if err != nil {
		return nil, err
	}
	var out []mail.Annotation
	for _, name := range slices.Sorted(maps.Keys(n)) {
		if mail.AnnotationBelow(name, below) {
			out = append(out, mail.Annotation{Name: name, Value: bytes.Clone(n[name])})
		}
	}
	return out, nil
}

// SetMetadata implements [mail.MetadataAccount].
func (a *account) SetMetadata(ctx context.Context, mailbox string, set []mail.Annotation) error {
	if err := a.store.enter(ctx, "SetMetadata"); err != nil {
		return err
	}
	a.store.mu.Lock()
	wake := a.store.wakers(nil)
	err := a.setMetadata(mailbox, set)
	a.store.mu.Unlock()
	if err == nil {
		wake()
	}
	return err
}

// setMetadata is SetMetadata in a store that is locked.
func (a *account) setMetadata(mailbox string, set []mail.Annotation) error {
	n, put, err := a.annotated(mailbox)
	if err != nil {
		return err
	}
	next := maps.Clone(n)
	if next == nil {
		next = notes{}
	}
	for _, s := range set {
		switch {
		case !mail.ValidAnnotation(s.Name):
			return mail.ErrBadName
		case len(s.Value) > MaxAnnotation:
			return mail.ErrTooLarge
		case s.Value == nil:
			delete(next, s.Name)
		default:
			next[s.Name] = bytes.Clone(s.Value)
		}
	}
	if len(next) > MaxAnnotations && len(next) > len(n) {
		return mail.ErrLimit
	}
	tree := a // whose room it takes
	if mailbox != "" {
		tree, _ = a.tree(mailbox)
	}
	if err := tree.room(mail.QuotaMetadata, next.size()-n.size()); err != nil {
		return err
	}
	put(next)
	return nil
}
