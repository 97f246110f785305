package accounts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

// An app password is good for what it was made for, as long as its line stands in the file, and the user's own password is good for all.
func TestAppPasswords(t *testing.T) {
	dir := t.TempDir()
	file, users := filepath.Join(dir, "apps"), filepath.Join(dir, "users")
	require.NoError(t, os.WriteFile(users, []byte("u@d:{PLAIN}own\n"), 0o600))
	phone, one, err := MakeAppPassword("u@d", []string{"imap", "smtp"}, "telephone", time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	require.Regexp(t, `^([a-z2-9]{6}-){3}[a-z2-9]{6}$`, phone)
	printer, two, err := MakeAppPassword("u@d", []string{"smtp"}, "", time.Now())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte("# comment\n"+one.String()+"\n"+two.String()+"\n"), 0o600))
	a, err := Open(Options{Passdbs: "app-passwords:" + file + ", passwd-file:" + users, Domain: "d", Cache: CacheOptions{Size: 1 << 20, TTL: time.Hour, NegativeTTL: time.Hour}})
	require.NoError(t, err)
	try := func(service, password string) bool {
		_, err := a.Authenticator().Authenticate(t.Context(), &mail.AuthRequest{Username: "u", Password: password, Service: service})
		if err != nil {
			require.ErrorIs(t, err, mail.ErrAuthFailed)
		}
		return err == nil
	}
	check := func(password, want string) {
		t.Helper()
		var got []string
		for _, service := range []string{"imap", "sieve", "pop3", "pop2", "submission", "smtp", "http"} {
			if try(service, password) {
				got = append(got, service)
			}
		}
		require.Equal(t, want, strings.Join(got, " "))
	}
	check(phone, "imap sieve submission smtp")
	check(strings.ToUpper(strings.ReplaceAll(phone, "-", " ")), "imap sieve submission smtp")
	check(printer, "submission smtp")
	check("own", "imap sieve pop3 pop2 submission smtp http")
	check("", "")
	require.NoError(t, os.WriteFile(file, []byte(two.String()+"\n"), 0o600))
	check(phone, "")
	check(printer, "submission smtp")
	u, err := a.Lookup(t.Context(), "u")
	require.NoError(t, err)
	require.NotNil(t, u)

	// What can't be read may have taken a password back: nobody knows.
	require.NoError(t, os.WriteFile(file, []byte("broken\n"), 0o600))
	_, err = a.Authenticator().Authenticate(t.Context(), &mail.AuthRequest{Username: "u", Password: printer, Service: "smtp"})
	require.ErrorContains(t, err, "apps:1: expected user@domain")
	require.True(t, try("imap", "own"))
	h := one.Hash
	for text, want := range map[string]string{"u@d:x:imap:l:2026": "stored as {SSHA256}", "u@d:{SSHA256}x:imap:l:2026": "password scheme SSHA256", "u@d:" + h + ":web:l:2026": `"web" is no scope: there are smtp, imap, pop3`, "u:" + h + ":imap:l:d": "has no domain", "../x@d:" + h + ":imap:l:d": "is not a user name"} {
		_, err := ParseAppPasswords("f", []byte(text), "")
		require.ErrorContains(t, err, want)
	}
	_, _, err = MakeAppPassword("u@d", nil, "a:b", time.Now())
	require.Error(t, err)
	many := strings.Repeat(two.String()+"\n", maxAppPasswords+1)
	require.NoError(t, os.WriteFile(file, []byte(many), 0o600))
	require.ErrorContains(t, a.Ping(t.Context()), fmt.Sprint("more than ", maxAppPasswords))
}

func FuzzAppPasswords(f *testing.F) {
	f.Add("u@d:{SSHA256}fbpSZF5gvQtFqNOPCA3tj1tS9TnBfJqPTW5Gk9gXsEJhYmNk:imap,smtp:label:2026-01-02\n# c\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := ParseAppPasswords("f", []byte(text), "d")
		if err != nil {
			return
		}
		for i := range all {
			again, err := ParseAppPasswords("f", []byte(all[i].String()), "d")
			if err != nil || len(again) != 1 || again[0].String() != all[i].String() {
				t.Fatalf("%q: %v %v", all[i].String(), again, err)
			}
		}
	})
}
