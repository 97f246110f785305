package webmail_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/webmail"
	"github.com/buuta/mail/imap/imaptest"
)

// codes is a second factor whose code is "123456"; nobody knows while it is down.
type codes struct{ down error }

func (c *codes) Wanted(_ context.Context, user string) (bool, error) {
	return user == imaptest.Username, c.down
}

func (c *codes) Verify(_ context.Context, _, code string) error {
	if code != "123456" {
		return mail.ErrAuthFailed
	}
	return nil
}

// Who has a second factor is asked for a code once the password was right, and gets no further without it.
func TestCodes(t *testing.T) {
	second := new(codes)
	f := newFixture(t, func(c *webmail.Config) { c.SecondFactor = second })
	f.get("/login")
	require.NotContains(t, f.page, `name="code"`)
	f.submit("/login", "user", imaptest.Username, "password", "wrong")
	require.NotContains(t, f.page, `name="code"`, "a wrong password isn't told from others")
	f.submit("/login", "user", imaptest.Username, "password", imaptest.Password)
	require.Equal(t, http.StatusUnauthorized, f.code)
	require.Contains(t, f.page, `name="code"`)
	require.NotContains(t, f.page, imaptest.Password)
	f.submit("/login", "user", imaptest.Username, "password", imaptest.Password, "code", "000000")
	require.Equal(t, http.StatusUnauthorized, f.code)
	require.Contains(t, f.page, "The code is wrong")
	f.submit("/login", "user", imaptest.Username, "password", "wrong", "code", "123456")
	require.Equal(t, http.StatusUnauthorized, f.code)
	require.NotContains(t, f.page, `name="code"`)
	f.get("/mail/INBOX")
	require.Equal(t, "/login?next=%2Fmail%2FINBOX", f.url, "nobody is signed in")
	second.down = errors.New("down")
	f.get("/login")
	f.submit("/login", "user", imaptest.Username, "password", imaptest.Password, "code", "123456")
	require.Equal(t, http.StatusBadGateway, f.code, "while nobody knows whether a code is wanted nobody gets in")
	second.down = nil
	f.get("/login")
	f.submit("/login", "user", imaptest.Username, "password", imaptest.Password)
	f.submit("/login", "user", imaptest.Username, "password", imaptest.Password, "code", "123456")
	require.Equal(t, http.StatusOK, f.code)
	require.Equal(t, "/mail/INBOX", f.url)
}

// Codes are guesses: whoever has the password gets no more of them by showing it in between.
func TestGuessingCodes(t *testing.T) {
	f := newFixture(t, func(c *webmail.Config) { c.SecondFactor = new(codes) })
	f.get("/login")
	n := 0
	for ; f.code != http.StatusTooManyRequests; n++ {
		require.Less(t, n, 10)
		f.submit("/login", "user", imaptest.Username, "password", imaptest.Password)
		if f.code == http.StatusTooManyRequests {
			break
		}
		f.submit("/login", "user", imaptest.Username, "password", imaptest.Password, "code", "00000"+string(rune('0'+n)))
	}
	require.Regexp(t, "Please wait [0-9]+ second", f.page)
}
