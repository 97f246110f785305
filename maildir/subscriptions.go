package maildir

import (
	"bytes"
	"context"
	"slices"
	"strings"
)

const subscriptionsName = "subscriptions"

// parseSubscriptions reads a subscriptions file: in version 2 a head "V\t2", an empty line, and a name a line with a
// tab between its levels; in version 1 a name a line with the folders' separator. Names are returned as folders, ".a.b", or
// "INBOX".
func parseSubscriptions(raw []byte) []string {
	var out []string
	rest, v2 := bytes.CutPrefix(raw, []byte("V\t2\n"))
	for line := range bytes.Lines(rest) {
		l := strings.TrimRight(string(line), "\r\n")
		if l == "" {
			continue
		}
		if v2 {
			// What would be mistaken for a separator is escaped: \001 and a digit or letter.
			l = strings.ReplaceAll(l, "\t", ".")
			l = strings.NewReplacer("\x01t", "\t", "\x01n", "\n", "\x01r", "\r", "\x010", "\x00", "\x011", "\x01").Replace(l)
		}
		if l != inbox {
			l = "." + l
		}
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

// formatSubscriptions writes version 2.
func formatSubscriptions(folders []string) []byte {
	b := []byte("V\t2\n\n")
	for _, f := range folders {
		b = append(b, strings.ReplaceAll(strings.TrimPrefix(f, "."), ".", "\t")...)
		b = append(b, '\n')
	}
	return b
}

// subscriptions returns the names that the account has subscribed to.
func (a *account) subscriptions() (map[string]bool, error) {
	raw, err := readFile(a.sh.fs, a.root+"/"+subscriptionsName)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, f := range parseSubscriptions(raw) {
		if f == inbox {
			out[inbox] = true
		} else if name, ok := a.s.mailboxName(f); ok {
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
	dot, err := takeDotLock(ctx, a.sh.fs, a.root+"/"+subscriptionsName+".lock", a.sh.machine, a.s.now)
	if err != nil {
		return err
	}
	defer dot.Close()
	raw, err := readFile(a.sh.fs, a.root+"/"+subscriptionsName)
	if err != nil {
		return err
	}
	folder := a.s.folderName(name)
	if name == inbox {
		folder = inbox
	}
	// A name may stand there in another spelling than ours.
	same := func(f string) bool {
		n, ok := a.s.mailboxName(f)
		return f == folder || ok && n == name
	}
	folders := parseSubscriptions(raw)
	if slices.ContainsFunc(folders, same) == on {
		return nil
	}
	if on {
		folders = append(folders, folder)
	} else {
		folders = slices.DeleteFunc(folders, same)
	}
	return writeFile(a.sh.fs, a.root, subscriptionsName, formatSubscriptions(folders), !a.s.NoSync)
}
