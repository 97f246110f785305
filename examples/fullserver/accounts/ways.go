package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail/auth/totp"
	"github.com/buuta/mail/examples/fullserver/internal/editfile"
)

// recoveryCodes is how many a user gets at a time.
const recoveryCodes = 10

// Ways are a user's ways in, beside his password, as he changes them himself. That it is he, and that he means it, is for the caller to know.
type Ways struct {
	Factor       *SecondFactor
	AppPasswords string // the file of them
	Now          func() time.Time
}

// name returns a user as the files have him.
func (w *Ways) name(ctx context.Context, user string) (string, *User, error) {
	u, err := w.Factor.Users.Lookup(ctx, user)
	if err == nil && u == nil {
		err = errors.New("no such user")
	}
	if err != nil {
		return "", nil, err
	}
	return u.Name, u, nil
}

// SecondFactor tells whether a user has one, whether that was given by the administration and isn't his to change, and how many recovery codes are left.
func (w *Ways) SecondFactor(ctx context.Context, user string) (has, given bool, codes int, err error) {
	name, u, err := w.name(ctx, user)
	if err != nil {
		return false, false, 0, err
	}
	k, given, err := w.Factor.Keys.of(u)
	if err != nil || k == nil {
		return false, given, 0, err
	}
	text, err := os.ReadFile(w.Factor.Recovery)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	_, codes = without(text, name)
	return true, given, codes, err
}

// NewKey makes a key by chance, and the URI that an app reads. It counts from SetKey on.
func (w *Ways) NewKey(ctx context.Context, user string) (key, uri string, err error) {
	name, _, err := w.name(ctx, user)
	if err != nil {
		return "", "", err
	}
	k := totp.NewKey()
	return k.String(), k.URI(name[strings.LastIndexByte(name, '@')+1:], name), nil
}

// KeyURI returns the URI of a key of NewKey's.
func (w *Ways) KeyURI(ctx context.Context, user, key string) (string, error) {
	name, _, err := w.name(ctx, user)
	if err != nil {
		return "", err
	}
	k, err := totp.ParseKey(key)
	if err != nil {
		return "", err
	}
	return k.URI(name[strings.LastIndexByte(name, '@')+1:], name), nil
}

// SetKey gives a user without a second factor a key, if the code shows that his app has it, and returns recovery codes. An error that wraps mail.ErrAuthFailed says that the
// code isn't good.
func (w *Ways) SetKey(ctx context.Context, user, key, code string) (recovery []string, err error) {
	name, u, err := w.name(ctx, user)
	if err != nil {
		return nil, err
	}
	k, err := totp.ParseKey(key)
	if err != nil {
		return nil, err
	}
	if old, _, err := w.Factor.Keys.of(u); err != nil || old != nil {
		return nil, errors.Join(err, errHasKey)
	}
	// A code that may have been used before the server started was not: the key is new.
	if err := w.Factor.Codes.Verify(name, k, code); err != nil && !errors.Is(err, totp.ErrUsed) {
		return nil, err
	}
	if recovery, err = w.NewCodes(ctx, user); err != nil { // first, so that nobody has a key and no way back
		return nil, err
	}
	return recovery, w.Factor.Keys.set(ctx, name, k, w.Now())
}

// RemoveKey takes a user's own second factor away, and the recovery codes with it.
func (w *Ways) RemoveKey(ctx context.Context, user string) error {
	name, _, err := w.name(ctx, user)
	if err != nil {
		return err
	}
	if err := w.Factor.Keys.set(ctx, name, nil, w.Now()); err != nil {
		return err
	}
	return w.setCodes(ctx, name, nil)
}

// NewCodes makes new recovery codes; those of before count no more.
func (w *Ways) NewCodes(ctx context.Context, user string) (codes []string, err error) {
	name, _, err := w.name(ctx, user)
	if err != nil {
		return nil, err
	}
	var lines []byte
	for range recoveryCodes {
		code, line := MakeRecoveryCode(name, w.Now())
		codes, lines = append(codes, code), append(lines, line+"\n"...)
	}
	return codes, w.setCodes(ctx, name, lines)
}

func (w *Ways) setCodes(ctx context.Context, name string, lines []byte) error {
	return editfile.Edit(ctx, w.Factor.Recovery, 0o600, func(text []byte) ([]byte, error) {
		rest, _ := without(text, name)
		return append(rest, lines...), nil
	})
}

// ID names an app password to its user.
func (p *AppPassword) ID() string {
	sum := sha256.Sum256([]byte(p.Hash))
	return hex.EncodeToString(sum[:8])
}

// Apps returns a user's app passwords.
func (w *Ways) Apps(ctx context.Context, user string) ([]AppPassword, error) {
	name, _, err := w.name(ctx, user)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(w.AppPasswords)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	all, err := ParseAppPasswords(w.AppPasswords, text, "")
	return slices.DeleteFunc(all, func(p AppPassword) bool { return p.User != name }), err
}

// ErrManyApps says that a user has as many app passwords as he may.
var ErrManyApps = fmt.Errorf("a user may have %d app passwords", maxAppPasswords)

// AddApp makes an app password.
func (w *Ways) AddApp(ctx context.Context, user, label string, scopes []string) (password string, err error) {
	name, _, err := w.name(ctx, user)
	if err != nil {
		return "", err
	}
	if _, err := ParseScopes(strings.Join(scopes, ",")); err != nil {
		return "", err
	}
	password, p, err := MakeAppPassword(name, scopes, label, w.Now())
	if err != nil {
		return "", err
	}
	return password, w.editApps(ctx, func(all []AppPassword) error {
		n := 0
		for _, a := range all {
			if a.User == name {
				n++
			}
		}
		if n >= maxAppPasswords {
			return ErrManyApps
		}
		return nil
	}, func(AppPassword) bool { return false }, p.String()+"\n")
}

// RemoveApp takes one of a user's app passwords away. One that is gone already is no error.
func (w *Ways) RemoveApp(ctx context.Context, user, id string) error {
	name, _, err := w.name(ctx, user)
	if err != nil {
		return err
	}
	return w.editApps(ctx, func([]AppPassword) error { return nil }, func(p AppPassword) bool { return p.User == name && p.ID() == id }, "")
}

// editApps changes the file: lines that are wanted away go, comments and what else is in it stay.
func (w *Ways) editApps(ctx context.Context, may func(all []AppPassword) error, away func(AppPassword) bool, add string) error {
	return editfile.Edit(ctx, w.AppPasswords, 0o600, func(text []byte) ([]byte, error) {
		all, err := ParseAppPasswords(w.AppPasswords, text, "")
		if err != nil {
			return nil, err
		}
		if err := may(all); err != nil {
			return nil, err
		}
		var out strings.Builder
		for line := range strings.Lines(string(text)) {
			line = strings.TrimRight(line, "\r\n")
			if line != "" && line[0] != '#' {
				if p, err := parseAppPassword(line, ""); err == nil && away(p) {
					continue
				}
			}
			out.WriteString(line + "\n")
		}
		return []byte(out.String() + add), nil
	})
}
