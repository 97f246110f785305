package maildir

import (
	"bytes"
	"context"
	"crypto/rand"

	"github.com/buuta/mail"
)

// urlKeysName is the file of an account's mailbox access keys: a mailbox's ID, a space and its key on each line.
const urlKeysName = "buuta.urlkeys"

var _ mail.URLKeyAccount = (*account)(nil)

// URLKey implements mail.URLKeyAccount.
func (a *account) URLKey(ctx context.Context, mailbox mail.MailboxID, create bool) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	raw, err := readFile(a.sh.fs, a.root+"/"+urlKeysName)
	if err != nil {
		return nil, err
	}
	if key := urlKey(raw, mailbox); key != nil || !create {
		return key, nil
	}
	var key []byte
	err = a.changeURLKeys(ctx, func(raw []byte) []byte {
		if key = urlKey(raw, mailbox); key != nil {
			return raw // made by another meanwhile
		}
		key = []byte(rand.Text())
		return appendURLKey(raw, mailbox, key)
	})
	return key, err
}

// ResetURLKey implements mail.URLKeyAccount.
func (a *account) ResetURLKey(ctx context.Context, mailbox mail.MailboxID) error {
	return a.changeURLKeys(ctx, func(raw []byte) []byte {
		if mailbox == "" {
			return nil
		}
		var out []byte
		for line := range bytes.Lines(raw) {
			if !bytes.HasPrefix(line, []byte(mailbox+" ")) {
				out = append(out, line...)
			}
		}
		return appendURLKey(out, mailbox, []byte(rand.Text()))
	})
}

// changeURLKeys writes the file anew.
func (a *account) changeURLKeys(ctx context.Context, change func([]byte) []byte) error {
	unlock, err := a.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	raw, err := readFile(a.sh.fs, a.root+"/"+urlKeysName)
	if err != nil {
		return err
	}
	changed := change(bytes.Clone(raw))
	if bytes.Equal(raw, changed) {
		return nil
	}
	return writeFile(a.sh.fs, a.root, urlKeysName, changed, !a.s.NoSync)
}

// urlKey finds a mailbox's key. A line that was damaged is none: it may not become a key that can be guessed.
func urlKey(raw []byte, mailbox mail.MailboxID) []byte {
	for line := range bytes.Lines(raw) {
		id, key, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
		if string(id) == string(mailbox) && len(key) >= 16 {
			return key
		}
	}
	return nil
}

func appendURLKey(raw []byte, mailbox mail.MailboxID, key []byte) []byte {
	if n := len(raw); n > 0 && raw[n-1] != '\n' {
		raw = append(raw, '\n')
	}
	raw = append(append(raw, mailbox...), ' ')
	return append(append(raw, key...), '\n')
}
