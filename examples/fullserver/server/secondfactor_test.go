package server_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/auth/totp"
	"github.com/buuta/mail/examples/fullserver/accounts"
)

// A user with a second factor reads mail on the web with its code, and by IMAP not with her password at all.
func TestSecondFactor(t *testing.T) {
	r := start(t, "auth_totp=yes", "webmail_listen=127.0.0.1:0")
	k := totp.NewKey()
	users(t, r.dir, "alice:{PLAIN}secret::::::totp="+k.String()+"\nbob@example.test:{PLAIN}geheim\n")
	code, line := accounts.MakeRecoveryCode("alice@example.test", time.Now())
	require.NoError(t, os.WriteFile(r.dir+"/recovery-codes", []byte(line+"\n"), 0o600))
	i := r.dial("imaps_listen")
	i.until("* OK")
	require.Contains(t, i.say("a LOGIN alice secret", "a "), "a NO [AUTHENTICATIONFAILED]")
	require.Contains(t, i.say("b LOGIN bob geheim", "b "), "b OK")
	r.logged(`programs of users with a second factor need app passwords, user=alice@example.test`)

	base := "http://" + r.s.Addrs("webmail_listen")[0].String()
	token := regexp.MustCompile(`name="token" value="([^"]+)"`)
	login := func(user, password, code string) (status int, page string) {
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		c := &http.Client{Jar: jar}
		defer c.CloseIdleConnections()
		read := func(resp *http.Response, err error) (int, string) {
			require.NoError(t, err)
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			return resp.StatusCode, string(b)
		}
		_, page = read(c.Get(base + "/login"))
		return read(c.PostForm(base+"/login", url.Values{"token": {token.FindStringSubmatch(page)[1]}, "user": {user}, "password": {password}, "code": {code}}))
	}
	status, page := login("alice", "secret", "")
	require.Equal(t, http.StatusUnauthorized, status)
	require.Contains(t, page, `name="code"`)
	status, _ = login("alice", "secret", "000000")
	require.Equal(t, http.StatusUnauthorized, status)
	status, page = login("alice", "secret", code)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "INBOX")
	status, _ = login("alice", "secret", code)
	require.Equal(t, http.StatusUnauthorized, status, "each is good once")
	status, _ = login("bob@example.test", "geheim", "")
	require.Equal(t, http.StatusOK, status)
	b, err := os.ReadFile(r.dir + "/recovery-codes")
	require.NoError(t, err)
	require.Empty(t, string(b))
}
