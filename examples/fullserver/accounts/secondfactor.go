package accounts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/auth/totp"
	"github.com/buuta/mail/examples/fullserver/internal/editfile"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// SecondFactor asks users whose userdb has a field totp for the code of their authenticator app, or for one of the recovery codes that they have on paper.
type SecondFactor struct {
	Users Users
	// Recovery is a file of lines "user@domain:{SSHA256}hash:date", a code each. A code that was used is taken out. "": there are none.
	Recovery string
	Keys     *TOTPKeys // that users have made themselves; nil: userdb's alone
	Codes    *totp.Verifier
}

// Wanted reports whether a user has to give a code.
func (s *SecondFactor) Wanted(ctx context.Context, user string) (bool, error) {
	_, k, err := s.find(ctx, user)
	return k != nil, err
}

func (s *SecondFactor) find(ctx context.Context, user string) (*User, *totp.Key, error) {
	u, err := s.Users.Lookup(ctx, user)
	if u == nil || err != nil {
		return nil, nil, err
	}
	k, _, err := s.Keys.of(u)
	return u, k, err
}

// Verify checks a code: nil, what [totp.Verifier.Verify] says, or an error that says that nobody knows.
func (s *SecondFactor) Verify(ctx context.Context, user, code string) error {
	u, k, err := s.find(ctx, user)
	switch {
	case err != nil:
		return err
	case k == nil:
		return nil
	case s.Recovery != "" && len(plainly(code)) == recoveryLength:
		// The verifier counts it with the others: a recovery code is longer, and wrong ones are guesses, too.
		if err := s.recover(ctx, u.Name, plainly(code)); !errors.Is(err, mail.ErrAuthFailed) {
			return err
		}
	}
	return s.Codes.Verify(u.Name, k, code)
}

// recoveryLength is how many letters a code has, 5 bits each.
const recoveryLength = 16

// recoveryLine reads a line.
func recoveryLine(text string) (user string, secret *passwdfile.Secret, err error) {
	f := strings.Split(text, ":")
	if len(f) != 3 || !strings.HasPrefix(f[1], "{SSHA256}") {
		return "", nil, errors.New("expected user@domain:{SSHA256}hash:date")
	}
	secret, err = passwdfile.ParseSecret(f[1], "")
	return f[0], secret, err
}

// recover takes a code out of the file. It is gone when recover returns nil, also after a power cut.
func (s *SecondFactor) recover(ctx context.Context, user, code string) error {
	if _, err := os.Stat(s.Recovery); errors.Is(err, fs.ErrNotExist) {
		return totp.ErrWrong
	}
	found := false
	err := editfile.Edit(ctx, s.Recovery, 0o600, func(text []byte) ([]byte, error) {
		found = false
		var out bytes.Buffer
		for line := range strings.Lines(string(text)) {
			if !found && strings.HasPrefix(line, user+":") {
				if _, secret, err := recoveryLine(strings.TrimSpace(line)); err == nil && secret.Verify(code) {
					found = true
					continue
				}
			}
			out.WriteString(line)
		}
		return out.Bytes(), nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", s.Recovery, err)
	case !found:
		return totp.ErrWrong
	}
	return nil
}

// MakeRecoveryCode makes a code of 80 bits by chance, and its line.
func MakeRecoveryCode(user string, now time.Time) (code, line string) {
	code = byChance(recoveryLength, 4)
	return code, user + ":" + passwdfile.HashQuick(plainly(code)) + ":" + now.UTC().Format(time.DateOnly)
}

type asksForCode struct{}

// AsksForCode is for a log-in on a page that asks for the code itself: there a user's own password is good, from wherever he is.
func AsksForCode(ctx context.Context) context.Context {
	return context.WithValue(ctx, asksForCode{}, true)
}

// onlyOnTheWeb refuses the own password of a user who has a second factor where no code can be asked for: over a network, where his programs have passwords of their own. Web mail
// asks for the code and comes over a socket; the administration asks for it, too.
func (a *Accounts) onlyOnTheWeb(ctx context.Context, user string, r *request) error {
	if !a.o.SecondFactor || onTheWeb(ctx, r) {
		return nil
	}
	u, err := a.Lookup(ctx, user)
	if err != nil || u == nil {
		return err
	}
	k, _, err := a.o.Keys.of(u)
	if err == nil && k != nil {
		a.log.Info("the password was right, but programs of users with a second factor need app passwords", "user", user)
		err = mail.ErrAuthFailed
	}
	return err
}

// onTheWeb reports whether somebody logs in on a page that asks for codes.
func onTheWeb(ctx context.Context, r *request) bool {
	return r.remote != nil && r.remote.Network() == "unix" || ctx.Value(asksForCode{}) != nil
}

// offTheWeb refuses app passwords on the web: they are for programs, and whoever finds one must not be able to make others with it, or to shut its owner out.
func (a *Accounts) offTheWeb(ctx context.Context, user string, r *request) error {
	if !a.o.SecondFactor || !onTheWeb(ctx, r) {
		return nil
	}
	a.log.Info("an app password is for programs: on the web its owner's own is wanted", "user", user)
	return mail.ErrAuthFailed
}
