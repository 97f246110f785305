package server_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/auth/totp"
)

// webUser is somebody at the webmail with a browser.
type webUser struct {
	*testing.T
	http *http.Client
	base string
	page string
	code int
}

func newWebUser(t *testing.T, base string) *webUser {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	u := &webUser{T: t, http: &http.Client{Jar: jar}, base: base}
	t.Cleanup(u.http.CloseIdleConnections)
	return u
}

func (u *webUser) read(resp *http.Response, err error) {
	u.Helper()
	require.NoError(u, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(u, err)
	u.page, u.code = string(b), resp.StatusCode
}

func (u *webUser) get(path string) { u.Helper(); u.read(u.http.Get(u.base + path)) }

func (u *webUser) post(path string, fields ...string) {
	u.Helper()
	v := url.Values{"token": {u.find(`name="token" value="([^"]+)"`)[1]}}
	for i := 0; i < len(fields); i += 2 {
		v.Add(fields[i], fields[i+1])
	}
	u.read(u.http.PostForm(u.base+path, v))
}

func (u *webUser) find(expr string) []string {
	u.Helper()
	m := regexp.MustCompile(expr).FindStringSubmatch(u.page)
	require.NotNil(u, m, "%s in %s", expr, u.page)
	return m
}

func (u *webUser) login(password, code string) int {
	u.Helper()
	u.get("/login")
	u.post("/login", "user", "alice", "password", password, "code", code)
	return u.code
}

// A user sets up an authenticator app and an app password on the web: from then on her own password opens nothing but the web, and that with a code; the app password opens what it is for,
// and not the web. She takes both away again. None of it goes without her password.
func TestWaysIn(t *testing.T) {
	r := start(t, "auth_totp=yes", "webmail_listen=127.0.0.1:0")
	users(t, r.dir, "alice:{PLAIN}secret\nbob@example.test:{PLAIN}geheim\n")
	base := "http://" + r.s.Addrs("webmail_listen")[0].String()
	imap := func(password, want string) {
		t.Helper()
		i := r.dial("imaps_listen")
		i.until("* OK")
		require.Contains(t, i.say(`a LOGIN alice "`+password+`"`, "a "), want)
	}
	alice, elsewhere := newWebUser(t, base), newWebUser(t, base)
	require.Equal(t, http.StatusOK, elsewhere.login("secret", ""))
	require.Equal(t, http.StatusOK, alice.login("secret", ""))
	imap("secret", "a OK")

	alice.get("/security/code")
	text := alice.find(`id="key">([A-Z2-7]+)<`)[1]
	k, err := totp.ParseKey(text)
	require.NoError(t, err)
	alice.find(`<svg class="qr" viewBox="0 0 \d+ \d+" role="img"[^>]*><path d="M4 4h7v1h-7z`) // the finder pattern, behind a margin of four
	alice.post("/security/code", "do", "set", "key", text, "code", k.At(time.Now()), "password", "wrong")
	require.Contains(t, alice.page, "The password is wrong")
	wrong := []string{"000000", "000001", "000002", "000003"} // one of them is none of the three that are right now
	for _, c := range wrong {
		if now := time.Now(); c != k.At(now) && c != k.At(now.Add(30*time.Second)) && c != k.At(now.Add(-30*time.Second)) {
			alice.post("/security/code", "do", "set", "key", text, "code", c, "password", "secret")
			break
		}
	}
	require.Contains(t, alice.page, "The code is wrong")
	require.Contains(t, alice.page, text, "the same key is there for another try")
	imap("secret", "a OK")
	alice.post("/security/code", "do", "set", "key", text, "code", k.At(time.Now()), "password", "secret")
	require.Equal(t, http.StatusOK, alice.code, alice.page)
	codes := regexp.MustCompile(`<li class="secret">([^<]+)<`).FindAllStringSubmatch(alice.page, -1)
	require.Len(t, codes, 10)
	elsewhere.get("/mail/INBOX")
	require.Contains(t, elsewhere.page, `action="/login"`, "others who are signed in are not any more")
	imap("secret", "a NO")

	require.Equal(t, http.StatusUnauthorized, elsewhere.login("secret", ""))
	require.Equal(t, http.StatusOK, elsewhere.login("secret", codes[0][1]))
	elsewhere.get("/sessions")
	require.Contains(t, elsewhere.page, "9 recovery codes left")

	alice.get("/sessions")
	alice.post("/security/app", "do", "add", "label", "Điện thoại: của tôi", "scope", "imap", "password", "secret", "code", "")
	require.Equal(t, http.StatusUnprocessableEntity, alice.code, "a code is wanted")
	alice.post("/security/app", "do", "add", "label", "Điện thoại: của tôi", "scope", "imap", "password", "secret", "code", codes[1][1])
	require.Equal(t, http.StatusOK, alice.code, alice.page)
	phone := alice.find(`id="made">([a-z0-9-]+)<`)[1]
	require.Contains(t, alice.page, "Điện thoại  của tôi")
	imap(phone, "a OK")
	require.Equal(t, http.StatusUnauthorized, newWebUser(t, base).login(phone, codes[2][1]), "an app password opens no pages")
	require.NotContains(t, string(r.read("app-passwords")), strings.ReplaceAll(phone, "-", ""))
	require.NotContains(t, string(r.read("recovery-codes")), codes[3][1])

	alice.get("/sessions")
	require.NotContains(t, alice.page, phone)
	alice.post("/security/app", "do", "remove", "id", alice.find(`name="id" value="([0-9a-f]{16})"`)[1])
	require.NotContains(t, alice.page, "Điện thoại")
	imap(phone, "a NO")

	alice.post("/security/code", "do", "remove", "password", "secret", "code", "")
	require.Equal(t, http.StatusUnprocessableEntity, alice.code)
	alice.post("/security/code", "do", "remove", "password", "secret", "code", codes[3][1])
	require.Contains(t, alice.page, "Set up an authenticator app")
	require.Empty(t, r.read("totp-keys"))
	require.Empty(t, r.read("recovery-codes"))
	imap("secret", "a OK")
}

// What the administration has given is the administration's to take.
func TestGivenKeyStays(t *testing.T) {
	r := start(t, "auth_totp=yes", "webmail_listen=127.0.0.1:0")
	users(t, r.dir, "alice:{PLAIN}secret::::::totp="+totp.NewKey().String()+"\n")
	r.write("totp-keys", "bob@example.test:"+totp.NewKey().String()+":2026-01-01\n")
	alice := newWebUser(t, "http://"+r.s.Addrs("webmail_listen")[0].String())
	require.Equal(t, http.StatusUnauthorized, alice.login("secret", ""))
	require.Contains(t, alice.page, `name="code"`)
	// A file that nobody can read must not let anybody in without his code.
	r.write("totp-keys", "bob@example.test\n")
	users(t, r.dir, "alice:{PLAIN}secret\n")
	require.Equal(t, http.StatusBadGateway, alice.login("secret", ""))
}

func (r *running) read(name string) []byte {
	r.t.Helper()
	b, err := os.ReadFile(filepath.Join(r.dir, name))
	require.NoError(r.t, err)
	return b
}

func (r *running) write(name, text string) {
	r.t.Helper()
	require.NoError(r.t, os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600))
}
