package maildir

import (
	"context"
	"slices"

	"github.com/buuta/mail/maildir/internal/dovefile"
)

const subscriptionsName = "subscriptions"

// subscriptions returns the names that the account has subscribed to.
func (a *account) subscriptions() (map[string]bool, error) {
	raw, err := readFile(a.sh.fs, a.root+"/"+subscriptionsName)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, entry := range dovefile.ParseSubscriptions(raw, a.s.naming().Separator()) {
		if name, ok := a.s.subscribed(entry); ok {
			out[name] = true
		}
	}
	return out, nil
}

// subscribed returns the mailbox that an entry names: a folder without the dot that it begins with in Maildir++.
func (s *Store) subscribed(entry string) (name string, ok bool) {
	if entry == inbox {
		return inbox, true
	}
	if s.Layout == LayoutMaildirPP {
		entry = "." + entry
	}
	return s.mailboxName(entry)
}

// subscription returns the entry of a mailbox.
func (s *Store) subscription(name string) string {
	if name == inbox {
		return inbox
	}
	if s.Layout == LayoutMaildirPP {
		return s.folderName(name)[1:]
	}
	return s.folderName(name)
}

// Subscribe implements mail.Account.
func (a *account) Subscribe(ctx context.Context, name string, on bool) error {
	name, err := a.s.cleanName(name)
	if err != nil {
		return err
	}
	unlock, err := a.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	dot, err := takeDotLock(ctx, a.sh.fs, a.root+"/"+accountLockName, a.root+"/"+subscriptionsName+".lock", a.sh.machine, a.s.now)
	if err != nil {
		return err
	}
	defer dot.Close()
	raw, err := readFile(a.sh.fs, a.root+"/"+subscriptionsName)
	if err != nil {
		return err
	}
	// A name may stand there in another spelling than ours.
	same := func(entry string) bool {
		n, ok := a.s.subscribed(entry)
		return ok && n == name
	}
	separator := a.s.naming().Separator()
	entries := dovefile.ParseSubscriptions(raw, separator)
	if slices.ContainsFunc(entries, same) == on {
		return nil
	}
	if on {
		entries = append(entries, a.s.subscription(name))
	} else {
		entries = slices.DeleteFunc(entries, same)
	}
	return writeFile(a.sh.fs, a.root, subscriptionsName, dovefile.FormatSubscriptions(entries, separator), !a.s.NoSync)
}
