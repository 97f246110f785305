package maildir

import (
	"context"
	"slices"
	"strings"

	"github.com/buuta/mail"
)

var _ mail.MetadataAccount = (*sharer)(nil)

// noted returns a mailbox whose annotations the user may see and change (RFC 5464 section 3.3).
func (u *sharer) noted(ctx context.Context, mailbox string) (*spot, error) {
	const l = mail.RightLookup
	return u.may(ctx, mailbox, l|mail.RightRead, l|mail.RightSeen, l|mail.RightWrite, l|mail.RightInsert, l|mail.RightPost)
}

// Metadata implements mail.MetadataAccount. The shared annotations of another's mailbox are in the owner's file, the user's
// private ones in the user's.
func (u *sharer) Metadata(ctx context.Context, mailbox string, below []string) ([]mail.Annotation, error) {
	if mailbox == "" {
		return u.own.Metadata(ctx, mailbox, below)
	}
	p, err := u.noted(ctx, mailbox)
	if err != nil {
		return nil, err
	}
	defer p.a.end()
	if p.owner {
		return u.own.Metadata(ctx, p.name, below)
	}
	n, err := p.a.notes(ctx, p.name)
	if err != nil {
		return nil, p.hide(mailbox, err)
	}
	shared, err := p.a.annotations(&n, below)
	if err != nil {
		return nil, err
	}
	private, err := u.own.annotations(&n, below)
	if err != nil {
		return nil, err
	}
	shared = slices.DeleteFunc(shared, isPrivate)
	return append(slices.DeleteFunc(private, func(a mail.Annotation) bool { return !isPrivate(a) }), shared...), nil
}

func isPrivate(a mail.Annotation) bool { return strings.HasPrefix(a.Name, "/private/") }

// SetMetadata implements mail.MetadataAccount. Of another's mailbox first the shared entries are changed, then the private
// ones: a crash may come between.
func (u *sharer) SetMetadata(ctx context.Context, mailbox string, set []mail.Annotation) error {
	if mailbox == "" {
		return u.own.SetMetadata(ctx, mailbox, set)
	}
	p, err := u.noted(ctx, mailbox)
	if err != nil {
		return err
	}
	defer p.a.end()
	if p.owner {
		return u.own.SetMetadata(ctx, p.name, set)
	}
	n, err := p.a.notes(ctx, p.name)
	if err != nil {
		return p.hide(mailbox, err)
	}
	var shared, private []mail.Annotation
	for _, a := range set {
		if isPrivate(a) {
			private = append(private, a)
		} else {
			shared = append(shared, a)
		}
	}
	if len(shared) > 0 {
		if err := p.a.annotate(ctx, &n, shared); err != nil {
			return p.hide(mailbox, err)
		}
	}
	if len(private) > 0 {
		return u.own.annotate(ctx, &n, private)
	}
	return nil
}
