package maildir

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/buuta/mail"
)

// useName is the file in a mailbox's folder that holds the purposes it was created with, one a line. Dovecot has them in its
// configuration only.
const useName = "buuta.special-use"

// defaultUse are the purposes of mailboxes that nobody has said otherwise of.
var defaultUse = map[string]mail.SpecialUse{
	"Archive": mail.UseArchive,
	"Drafts":  mail.UseDrafts,
	"Junk":    mail.UseJunk,
	"Sent":    mail.UseSent,
	"Trash":   mail.UseTrash,
}

// Mailboxes implements mail.Account.
func (a *account) Mailboxes(ctx context.Context) iter.Seq2[mail.MailboxInfo, error] {
	return yieldAll(ctx, a.list)
}

func yieldAll(ctx context.Context, list func(context.Context) ([]mail.MailboxInfo, error)) iter.Seq2[mail.MailboxInfo, error] {
	return func(yield func(mail.MailboxInfo, error) bool) {
		all, err := list(ctx)
		if err != nil {
			yield(mail.MailboxInfo{}, err)
			return
		}
		for _, info := range all {
			if err := ctx.Err(); err != nil {
				yield(mail.MailboxInfo{}, err)
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

// listed is a mailbox in the making of a list, with its folder.
type listed struct {
	mail.MailboxInfo
	dir string
}

// list returns what Mailboxes yields.
func (a *account) list(ctx context.Context) ([]mail.MailboxInfo, error) {
	infos, subscribed, explicit, err := a.infos(ctx)
	if err != nil {
		return nil, err
	}
	return a.complete(infos, subscribed, explicit), nil
}

// infos returns the mailboxes that there are, the subscriptions, and the purposes that were given to mailboxes.
func (a *account) infos(ctx context.Context) (infos map[string]*listed, subscribed map[string]bool, explicit map[mail.SpecialUse]bool, err error) {
	a.tree.mu.RLock()
	folders, err := a.folders()
	if err != nil {
		a.tree.mu.RUnlock()
		return nil, nil, nil, err
	}
	if subscribed, err = a.subscriptions(); err != nil {
		a.tree.mu.RUnlock()
		return nil, nil, nil, err
	}
	infos = map[string]*listed{inbox: {MailboxInfo: mail.MailboxInfo{Name: inbox}, dir: a.root}}
	explicit = map[mail.SpecialUse]bool{}
	for name, folder := range folders {
		dir := a.root + "/" + folder
		info := &listed{MailboxInfo: mail.MailboxInfo{Name: name}, dir: dir}
		info.ID = a.readID(dir)
		if info.Use, err = a.readUse(dir); err != nil {
			a.tree.mu.RUnlock()
			return nil, nil, nil, err
		}
		for _, u := range info.Use {
			explicit[u] = true
		}
		infos[name] = info
	}
	infos[inbox].ID = a.readID(a.root)
	a.tree.mu.RUnlock()
	for _, info := range infos {
		if info.ID != "" {
			continue
		}
		// Nobody has opened it yet. One that can't be opened, because the disk is full or it is gone meanwhile, must not hide
		// the others, which may hold what can be deleted.
		if err := a.fillID(ctx, &info.MailboxInfo); err != nil {
			if ctx.Err() != nil {
				return nil, nil, nil, ctx.Err()
			}
			if !errors.Is(err, mail.ErrNoMailbox) {
				a.s.logger().Warn("a mailbox has no ID yet and can't be given one", "mailbox", info.Name, "error", err)
			}
		}
	}
	return infos, subscribed, explicit, nil
}

// complete adds levels without a mailbox, names only subscribed, and what is known of each besides.
func (a *account) complete(infos map[string]*listed, subscribed map[string]bool, explicit map[mail.SpecialUse]bool) []mail.MailboxInfo {
	for name, use := range a.uses() {
		if info := infos[name]; info != nil && info.Use == nil && !explicit[use] {
			info.Use = []mail.SpecialUse{use}
		}
	}
	for _, name := range slices.Collect(maps.Keys(infos)) {
		for _, up := range parents(name) {
			if infos[up] == nil {
				infos[up] = &listed{MailboxInfo: mail.MailboxInfo{Name: up, NoSelect: true}}
			}
			infos[up].HasChildren = true
		}
	}
	for name := range subscribed {
		if infos[name] == nil {
			infos[name] = &listed{MailboxInfo: mail.MailboxInfo{Name: name, NonExistent: true}}
		}
		infos[name].Subscribed = true
	}
	return inOrder(infos)
}

// inOrder sorts by name, INBOX first.
func inOrder(infos map[string]*listed) []mail.MailboxInfo {
	out := make([]mail.MailboxInfo, 0, len(infos))
	for _, info := range infos {
		out = append(out, info.MailboxInfo)
	}
	slices.SortFunc(out, func(a, b mail.MailboxInfo) int {
		switch {
		case a.Name == inbox:
			return -1
		case b.Name == inbox:
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

// info returns what the list says of an open mailbox, without the cost of a list, and its UIDVALIDITY.
func (a *account) info(ctx context.Context, b *box) (info mail.MailboxInfo, validity uint32, err error) {
	err = b.view(ctx, func(st *state) { info.ID, info.Name, validity = mail.MailboxID(st.id), b.name, st.validity })
	if err != nil {
		return info, 0, err
	}
	a.tree.mu.RLock()
	defer a.tree.mu.RUnlock()
	folders, err := a.folders()
	if err != nil {
		return info, 0, err
	}
	subscribed, err := a.subscriptions()
	if err != nil {
		return info, 0, err
	}
	info.Subscribed = subscribed[info.Name]
	explicit := map[mail.SpecialUse]bool{}
	_, byName := a.uses()[info.Name]
	for name, folder := range folders {
		info.HasChildren = info.HasChildren || strings.HasPrefix(name, info.Name+"/")
		if name != info.Name && !byName {
			continue
		}
		use, err := a.readUse(a.root + "/" + folder)
		if err != nil {
			return info, 0, err
		}
		for _, u := range use {
			explicit[u] = true
		}
		if name == info.Name {
			info.Use = use
		}
	}
	one := &listed{MailboxInfo: info}
	a.complete(map[string]*listed{info.Name: one}, nil, explicit)
	return one.MailboxInfo, validity, nil
}

func (a *account) uses() map[string]mail.SpecialUse {
	if a.s.Use != nil {
		return a.s.Use
	}
	return defaultUse
}

// readID returns the GUID in the UID list of the mailbox in dir, "" when there is none.
func (a *account) readID(dir string) mail.MailboxID {
	f, err := a.sh.fs.OpenFile(dir+"/"+uidListName, os.O_RDONLY, 0)
	if err != nil {
		return ""
	}
	defer f.Close()
	buf := make([]byte, 512)
	n, _ := f.Read(buf)
	line, _, ok := bytes.Cut(buf[:n], []byte("\n"))
	if !ok {
		return ""
	}
	if l := parseUIDList(append(line, '\n')); l != nil {
		return mail.MailboxID(l.id)
	}
	return ""
}

// fillID opens a mailbox that has no UID list, which makes one. A mailbox that is gone meanwhile keeps none.
func (a *account) fillID(ctx context.Context, info *mail.MailboxInfo) error {
	b, err := a.open(ctx, info.Name)
	if err != nil {
		return err
	}
	defer a.sh.release(a.s, b)
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.st != nil {
		info.ID = mail.MailboxID(b.st.id)
	}
	return nil
}

func (a *account) readUse(dir string) ([]mail.SpecialUse, error) {
	raw, err := readFile(a.sh.fs, dir+"/"+useName)
	if raw == nil || err != nil {
		return nil, err
	}
	uses := []mail.SpecialUse{}
	for f := range strings.FieldsSeq(string(raw)) {
		uses = append(uses, mail.SpecialUse(f))
	}
	return uses, nil
}
