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
	for _, f := range dovefile.ParseSubscriptions(raw, ".") {
		if f == inbox {
			out[inbox] = true
		} else if name, ok := a.s.mailboxName("." + f); ok {
			out[name] = true
		}
	}
	return out, nil
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
	folder := inbox
	if name != inbox {
		folder = a.s.folderName(name)[1:]
	}
	// A name may stand there in another spelling than ours.
	same := func(f string) bool {
		n, ok := a.s.mailboxName("." + f)
		return f == folder || ok && n == name
	}
	folders := dovefile.ParseSubscriptions(raw, ".")
	if slices.ContainsFunc(folders, same) == on {
		return nil
	}
	if on {
		folders = append(folders, folder)
	} else {
		folders = slices.DeleteFunc(folders, same)
	}
	return writeFile(a.sh.fs, a.root, subscriptionsName, dovefile.FormatSubscriptions(folders, "."), !a.s.NoSync)
}
