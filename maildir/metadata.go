package maildir

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/dovefile"
)

// attributesName is where Dovecot keeps annotations with "mail_attribute_dict = file:%h/Maildir/dovecot-attributes", as its
// manual has it. Keys are "priv/" or "shared/", the mailbox's ID, and the entry's name behind "/private/" or "/shared/".
const attributesName = "dovecot-attributes"

// serverEntries is where Dovecot keeps the annotations of the account itself: among INBOX's, within what it doesn't show.
const (
	internalEntries = "vendor/vendor.dovecot/pvt/"
	serverEntries   = internalEntries + "server/"
)

// notes are the annotations of a mailbox, or of the account, within a dovecot-attributes.
type notes struct {
	id     mail.MailboxID
	prefix string // before the names
}

// notes returns where the annotations of a mailbox are, or the account's for "".
func (a *account) notes(ctx context.Context, mailbox string) (notes, error) {
	n := notes{}
	if mailbox == "" {
		n.prefix, mailbox = serverEntries, inbox
	}
	name, err := a.s.cleanName(mailbox)
	if err != nil {
		return n, fmt.Errorf("%w: %w", mail.ErrNoMailbox, err)
	}
	a.tree.mu.RLock()
	dir, err := a.dir(name)
	a.tree.mu.RUnlock()
	if err != nil {
		return n, err
	}
	info := mail.MailboxInfo{Name: name, ID: a.readID(dir)}
	if info.ID == "" { // nobody has opened it yet
		err = a.fillID(ctx, &info)
	}
	n.id = info.ID
	return n, err
}

// key returns the key of an entry.
func (n *notes) key(entry string) string {
	if rest, ok := strings.CutPrefix(entry, "/private/"); ok {
		return "priv/" + string(n.id) + "/" + n.prefix + rest
	}
	return "shared/" + string(n.id) + "/" + n.prefix + strings.TrimPrefix(entry, "/shared/")
}

// entry returns the name of the entry with this key; ok is false for another mailbox's and for what isn't shown.
func (n *notes) entry(key string) (name string, ok bool) {
	scope := "/private/"
	rest, ok := strings.CutPrefix(key, "priv/"+string(n.id)+"/")
	if !ok {
		scope = "/shared/"
		if rest, ok = strings.CutPrefix(key, "shared/"+string(n.id)+"/"); !ok {
			return "", false
		}
	}
	if rest, ok = strings.CutPrefix(rest, n.prefix); !ok || n.prefix == "" && strings.HasPrefix(rest, internalEntries) {
		return "", false
	}
	name = scope + strings.ToLower(rest)
	return name, mail.ValidAnnotation(name)
}

// Metadata implements mail.MetadataAccount.
func (a *account) Metadata(ctx context.Context, mailbox string, below []string) ([]mail.Annotation, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n, err := a.notes(ctx, mailbox)
	if err != nil {
		return nil, err
	}
	return a.annotations(&n, below)
}

// annotations returns what this account's file has.
func (a *account) annotations(n *notes, below []string) ([]mail.Annotation, error) {
	raw, err := readFile(a.sh.fs, a.root+"/"+attributesName)
	if err != nil {
		return nil, err
	}
	var out []mail.Annotation
	for key, value := range dovefile.ParseDict(raw) {
		if name, ok := n.entry(key); ok && mail.AnnotationBelow(name, below) {
			out = append(out, mail.Annotation{Name: name, Value: append([]byte{}, value...)})
		}
	}
	slices.SortFunc(out, func(x, y mail.Annotation) int { return strings.Compare(x.Name, y.Name) })
	return out, nil
}

// SetMetadata implements mail.MetadataAccount. Entries within "vendor/vendor.dovecot/pvt" are Dovecot's own: mail.ErrBadName.
func (a *account) SetMetadata(ctx context.Context, mailbox string, set []mail.Annotation) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n, err := a.notes(ctx, mailbox)
	if err != nil {
		return err
	}
	return a.annotate(ctx, &n, set)
}

// annotate writes to this account's file.
func (a *account) annotate(ctx context.Context, n *notes, set []mail.Annotation) error {
	for _, s := range set {
		if !mail.ValidAnnotation(s.Name) {
			return fmt.Errorf("%w: %q", mail.ErrBadName, s.Name)
		}
		if _, ok := n.entry(n.key(s.Name)); !ok {
			return fmt.Errorf("%w: %q is not for clients", mail.ErrBadName, s.Name)
		}
		if most := limit(a.s.Limits.MetadataValue, 64<<10); len(s.Value) > most {
			return fmt.Errorf("%w: %q may have %d octets", mail.ErrTooLarge, s.Name, most)
		}
	}
	return a.changeAttributes(ctx, func(d dovefile.Dict) error {
		set := lastOfEach(set)
		// Dovecot, too, writes names in lower case; somebody else may not have.
		maps.DeleteFunc(d, func(key, _ string) bool {
			name, ok := n.entry(key)
			_, replaced := set[name]
			return ok && replaced
		})
		for _, s := range set {
			if s.Value != nil {
				d[n.key(s.Name)] = string(s.Value)
			}
		}
		return a.checkNotes(n, d)
	})
}

func lastOfEach(set []mail.Annotation) map[string]mail.Annotation {
	out := make(map[string]mail.Annotation, len(set))
	for _, s := range set {
		out[s.Name] = s
	}
	return out
}

// checkNotes says whether a mailbox and the account may have that many annotations.
func (a *account) checkNotes(n *notes, d dovefile.Dict) error {
	count, size := 0, 0
	for key, value := range d {
		if _, ok := n.entry(key); ok {
			count++
		}
		size += len(key) + len(value)
	}
	if most := limit(a.s.Limits.Metadata, 100); count > most {
		return fmt.Errorf("%w: a mailbox can have %d annotations", mail.ErrLimit, most)
	}
	if most := limit(a.s.Limits.MetadataSize, 4<<20); size > most {
		return fmt.Errorf("%w: an account can have %d octets of annotations", mail.ErrLimit, most)
	}
	return nil
}

// changeAttributes changes the file under our lock and Dovecot's, durably. What makes it smaller is always allowed.
func (a *account) changeAttributes(ctx context.Context, change func(dovefile.Dict) error) error {
	unlock, err := a.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return a.changeAttributesLocked(ctx, change)
}

func (a *account) changeAttributesLocked(ctx context.Context, change func(dovefile.Dict) error) error {
	file := a.root + "/" + attributesName
	dot, err := takeDotLock(ctx, a.sh.fs, a.root+"/"+accountLockName, file+".lock", a.sh.machine, a.s.now)
	if err != nil {
		return err
	}
	defer dot.Close()
	raw, err := readFile(a.sh.fs, file)
	if err != nil {
		return err
	}
	d := dovefile.ParseDict(raw)
	if err := change(d); err != nil && !(errors.Is(err, mail.ErrLimit) && len(d.Format()) < len(raw)) {
		return err
	}
	return writeFile(a.sh.fs, a.root, attributesName, d.Format(), !a.s.NoSync)
}

// dropNotes removes the annotations of a mailbox that is no more. The tree is locked. What a crash leaves of them belongs to an
// ID that nobody has again.
func (a *account) dropNotes(ctx context.Context, id mail.MailboxID) error {
	raw, err := readFile(a.sh.fs, a.root+"/"+attributesName)
	if err != nil || id == "" || !strings.Contains(string(raw), "/"+string(id)+"/") {
		return err
	}
	return a.changeAttributesLocked(ctx, func(d dovefile.Dict) error {
		maps.DeleteFunc(d, func(key, _ string) bool {
			return strings.HasPrefix(key, "priv/"+string(id)+"/") || strings.HasPrefix(key, "shared/"+string(id)+"/")
		})
		return nil
	})
}
