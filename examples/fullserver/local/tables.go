package local

import (
	"context"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/rewrite"
)

// Table is a lookup table.
type Table interface {
	Find(ctx context.Context, key string) (value string, found bool, err error)
}

// find asks a table that there may not be. One that fails means that the message waits.
func find(ctx context.Context, t Table, key string) (string, bool, error) {
	if t == nil {
		return "", false, nil
	}
	value, found, err := t.Find(ctx, key)
	if err != nil {
		return "", false, &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 0}, Text: "table lookup failure", Err: err}
	}
	return value, found, nil
}

// via is what delivers for a user by a table, else by what is usual; nil for nothing.
func (a *Agent) via(ctx context.Context, t Table, usual mail.Deliverer, user string) (mail.Deliverer, error) {
	name, found, err := find(ctx, t, user)
	if err != nil || !found {
		return usual, err
	}
	d, err := a.Settings.Transport(name)
	if err != nil {
		return nil, &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 0}, Text: "mail transport unavailable", Err: err}
	}
	return d, nil
}

// user is who an address is of: its local part without extension, in lower case.
func (a *Agent) user(address string) string {
	local := rewrite.Unquote(address)
	if i := strings.LastIndexByte(local, '@'); i >= 0 {
		local = local[:i]
	}
	name, _ := a.Policy.Now().Rules.Extension(local)
	return strings.ToLower(name)
}
