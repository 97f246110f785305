package webmail_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/webmail"
	"github.com/buuta/mail/imap/imaptest"
)

// TestSession: the cookie is drawn at the log-in and shown to nobody, an old one opens nothing, and what is kept has no password (D9).
func TestSession(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sessions")
	f := newFixture(t, func(c *webmail.Config) { c.Sessions = file })
	f.get("/login")
	form := f.forms()[0]
	form.values.Set("user", imaptest.Username)
	form.values.Set("password", imaptest.Password)
	req, err := http.NewRequest("POST", f.web.URL+"/login", strings.NewReader(form.values.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.AddCookie(&http.Cookie{Name: "wm", Value: strings.Repeat("A", 43)}) // chosen by somebody else
	f.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := f.http.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	var cookie *http.Cookie
	for _, c := range resp.Cookies() {
		if c.Name == "wm" {
			cookie = c
		}
	}
	require.NotNil(t, cookie)
	require.NotEqual(t, strings.Repeat("A", 43), cookie.Value)
	require.True(t, cookie.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NotContains(t, string(b), cookie.Value)
	require.NotContains(t, string(b), imaptest.Password)
	f.get("/mail/INBOX")
	require.Equal(t, http.StatusOK, f.code)
	require.NotContains(t, f.page, cookie.Value)

	again, err := webmail.New(webmail.Config{IMAP: "x:143", Sessions: file})
	require.NoError(t, err)
	defer again.Close()
	r := httptest.NewRequest("GET", "https://mail.example.test/login", nil)
	r.AddCookie(&http.Cookie{Name: "__Host-wm", Value: cookie.Value})
	w := httptest.NewRecorder()
	again.ServeHTTP(w, r)
	require.Equal(t, http.StatusSeeOther, w.Code, "a restart keeps the session")

	f.http.CheckRedirect = nil
	f.submit("/logout")
	req, err = http.NewRequest("GET", f.web.URL+"/mail/INBOX", nil)
	require.NoError(t, err)
	req.AddCookie(cookie)
	f.do(req)
	require.Contains(t, f.url, "/login")
}

func TestSecureCookie(t *testing.T) {
	site, err := webmail.New(webmail.Config{IMAP: "x:143"})
	require.NoError(t, err)
	defer site.Close()
	w := httptest.NewRecorder()
	site.ServeHTTP(w, httptest.NewRequest("GET", "https://mail.example.test/login", nil))
	require.Equal(t, http.StatusOK, w.Code)
	c := w.Result().Cookies()[0]
	require.True(t, c.Secure && c.HttpOnly && c.Path == "/" && c.Domain == "" && strings.HasPrefix(c.Name, "__Host-"))
	require.NotEmpty(t, w.Header().Get("Strict-Transport-Security"))
}

// Plain HTTP is for this machine, by its own name: not for others, and not for a name of elsewhere that leads here.
func TestPlainHTTP(t *testing.T) {
	f := newFixture(t)
	f.get("/login")
	require.Equal(t, http.StatusOK, f.code)
	for _, host := range []string{"evil.example", "127.0.0.1.evil.example", "192.0.2.1"} {
		req, err := http.NewRequest("GET", f.web.URL+"/login", nil)
		require.NoError(t, err)
		req.Host = host
		f.do(req)
		require.Equal(t, http.StatusForbidden, f.code, host)
	}
	w := httptest.NewRecorder()
	f.site.ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1/login", nil))
	require.Equal(t, http.StatusForbidden, w.Code)
	w = httptest.NewRecorder()
	r := httptest.NewRequest("GET", "https://x/login", nil)
	r.Host = "a;script-src *"
	f.site.ServeHTTP(w, r)
	require.Equal(t, http.StatusBadRequest, w.Code)
}

// ninefold counts each failure nine times: the wait after one is as long as waits are, so that a slow machine doesn't see its end.
type ninefold struct{ mail.AuthThrottle }

func (n *ninefold) Admit(ctx context.Context, a *mail.AuthRequest) (func(error), error) {
	var all []func(error)
	for i := range 9 {
		guess := *a
		guess.Password += fmt.Sprint(i) // one that is tried again would not count
		settled, err := n.AuthThrottle.Admit(ctx, &guess)
		if err != nil {
			return nil, err
		}
		all = append(all, settled)
	}
	return func(err error) {
		for _, settled := range all {
			settled(err)
		}
	}, nil
}

// TestGuessing makes who guesses wait (D10), whether the account exists or not.
func TestGuessing(t *testing.T) {
	for _, user := range []string{imaptest.Username, "nobody"} {
		guess := func(f *fixture, most int) {
			f.get("/login")
			for i := 0; f.code != http.StatusTooManyRequests; i++ {
				require.Less(t, i, most)
				f.submit("/login", "user", user, "password", fmt.Sprint("wrong", i))
				require.Contains(t, []int{http.StatusUnauthorized, http.StatusTooManyRequests}, f.code)
			}
			require.Regexp(t, "Please wait [0-9]+ second", f.page)
		}
		guess(newFixture(t), 8)
		f := newFixture(t, func(c *webmail.Config) { c.Guard = new(ninefold) })
		guess(f, 2)
		f.submit("/login", "user", user, "password", imaptest.Password)
		require.Equal(t, http.StatusTooManyRequests, f.code)
		require.Regexp(t, "Please wait [0-9]+ second", f.page)
	}
}
