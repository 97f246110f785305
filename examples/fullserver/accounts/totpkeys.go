package accounts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/buuta/mail/auth/totp"
	"github.com/buuta/mail/examples/fullserver/internal/editfile"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
)

// TOTPKeys is a file of the keys that users have made themselves, a line "user@domain:KEY:date" each. Whom userdb gives a key has that one. The zero value has none.
type TOTPKeys struct {
	file *parsed[map[string]*totp.Key]
}

// NewTOTPKeys returns the keys of a file, which needn't be there yet.
func NewTOTPKeys(path string) *TOTPKeys {
	return &TOTPKeys{&parsed[map[string]*totp.Key]{path: path, missing: true, parse: func(text []byte) (map[string]*totp.Key, error) { return parseTOTPKeys(path, text) }}}
}

func parseTOTPKeys(path string, text []byte) (map[string]*totp.Key, error) {
	out := map[string]*totp.Key{}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if line = strings.TrimRight(line, "\r\n"); line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, ":")
		if len(f) != 3 {
			return nil, fmt.Errorf("%s:%d: expected user@domain:key:date", path, n)
		}
		user, err := passwdfile.Canonical(f[0], "")
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		if out[user], err = totp.ParseKey(f[1]); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
	}
	return out, nil
}

// of returns a user's key, nil where he has none; given says that it is userdb's. A key that can't be read is an error: it isn't the same as none.
func (t *TOTPKeys) of(u *User) (k *totp.Key, given bool, err error) {
	text := u.Extra("userdb_totp")
	if text == "" {
		text = u.Extra("totp")
	}
	if text != "" {
		if k, err = totp.ParseKey(text); err != nil {
			return nil, true, fmt.Errorf("totp of %s: %w", u.Name, err)
		}
		return k, true, nil
	}
	if t == nil || t.file == nil {
		return nil, false, nil
	}
	all, err := t.file.current()
	return all[u.Name], false, err
}

// errHasKey says that a user's key is there: it goes only with a code of its own.
var errHasKey = errors.New("this user has a second factor already")

// set writes a user's key, where there is none yet, or takes it out.
func (t *TOTPKeys) set(ctx context.Context, user string, k *totp.Key, now time.Time) error {
	if t == nil || t.file == nil {
		return errors.New("there is no file for keys")
	}
	if k != nil && strings.Contains(k.String(), ":") {
		return errors.New("this is no key of the usual kind: 6 digits, 30 seconds, SHA-1")
	}
	return editfile.Edit(ctx, t.file.path, 0o600, func(text []byte) ([]byte, error) {
		out, had := without(text, user)
		if k == nil {
			return out, nil
		}
		if had > 0 {
			return nil, errHasKey
		}
		return append(out, user+":"+k.String()+":"+now.UTC().Format(time.DateOnly)+"\n"...), nil
	})
}

// without returns the lines of a file that aren't a user's, and how many were his.
func without(text []byte, user string) (rest []byte, had int) {
	var out bytes.Buffer
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte(user+":")) {
			had++
			continue
		}
		out.Write(line)
		if line[len(line)-1] != '\n' { // what comes behind it must not become a part of it
			out.WriteByte('\n')
		}
	}
	return out.Bytes(), had
}
