package imaptest

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/buuta/mail"
)

// What annotations are limited to.
const (
	MaxAnnotations = 100  // of one mailbox, or of the account
	MaxAnnotation  = 4096 // octets of a value
)

// notes are the annotations of a mailbox or of the account: they belong to one user, so that private and shared ones lie
// together.
type notes map[string][]byte

func (n notes) size() (size int64) {
	for name, value := range n {
		size += int64(len(name) + len(value))
	}
	return size
}

// annotated returns the annotations of a mailbox, or the account's for "". The account is locked.
func (a *account) annotated(mailbox string) (*notes, error) {
	if mailbox == "" {
		return &a.notes, nil
	}
	b := a.boxes[canonical(mailbox)]
	if b == nil {
		return nil, mail.ErrNoMailbox
	}
	return &b.notes, nil
}

// Metadata implements [mail.MetadataAccount].
func (a *account) Metadata(ctx context.Context, mailbox string, below []string) ([]mail.Annotation, error) {
	if err := a.store.enter(ctx, "Metadata"); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	n, err := a.annotated(mailbox)
	if err != nil {
		return nil, err
	}
	var out []mail.Annotation
	for _, name := range slices.Sorted(maps.Keys(*n)) {
		if mail.AnnotationBelow(name, below) {
			out = append(out, mail.Annotation{Name: name, Value: bytes.Clone((*n)[name])})
		}
	}
	return out, nil
}

// SetMetadata implements [mail.MetadataAccount].
func (a *account) SetMetadata(ctx context.Context, mailbox string, set []mail.Annotation) error {
	if err := a.store.enter(ctx, "SetMetadata"); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	n, err := a.annotated(mailbox)
	if err != nil {
		return err
	}
	next := maps.Clone(*n)
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
	if len(next) > MaxAnnotations && len(next) > len(*n) {
		return mail.ErrLimit
	}
	if err := a.room(mail.QuotaMetadata, next.size()-n.size()); err != nil {
		return err
	}
	*n = next
	return nil
}
