package accounts

import (
	"context"
	"fmt"
	"strings"

	"github.com/buuta/mail"
)

// barred refuses somebody whose app password or token is good, and who by nologin or allow_nets of another passdb may not log in at all, or not from there. Whoever locks an
// account there means all ways in.
func (a *Accounts) barred(ctx context.Context, r *request, user string) error {
	own := &request{user: user, service: r.service, remote: r.remote, mechanism: r.mechanism}
	for _, e := range a.passdbs {
		switch e.source.(type) {
		case *appPasswords, *oauthSource, *dovecotSource: // they have said so already
			continue
		}
		if e.deny || strings.Contains(e.source.variables(), "w") { // it knows nobody without a password
			continue
		}
		c := a.cached(e.source, own)
		rec, ok := c.get()
		if !ok {
			var err error
			if rec, err = e.source.login(ctx, own); err == nil {
				c.put(rec)
			} else if rec, ok = c.stale(); !ok {
				return fmt.Errorf("%s: %w", e.source.name(), err)
			}
		}
		if rec != nil && !rec.rules.Admit(own.remote) { // nologin, too
			a.log.Info("the app password or token is good, but this user may not log in", "source", e.source.name(), "user", user)
			return mail.ErrAuthFailed
		}
	}
	return nil
}
