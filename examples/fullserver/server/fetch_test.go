package server_test

import (
	"html"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/internal/peers"
)

// A user has her mail fetched from Debian's Dovecot, and another from the same Dovecot under another name: by the page alone, with the server started again in between.
func TestFetchFromDovecot(t *testing.T) {
	p := peers.Dovecot(t, "")
	put := func(user, subject string) {
		c, err := imapclient.Dial(t.Context(), p.IMAP, &imapclient.Options{TLS: imapclient.TLSNone, Auth: &mail.Credentials{Username: user, Password: peers.Password}})
		require.NoError(t, err)
		_, err = c.Append(t.Context(), "INBOX", imapclient.NewDraft([]byte("Subject: "+subject+"\r\n\r\nXin chào\r\n")))
		require.NoError(t, err)
		require.NoError(t, c.Logout(t.Context()))
	}
	left := func(user string) uint32 {
		c, err := imapclient.Dial(t.Context(), p.IMAP, &imapclient.Options{TLS: imapclient.TLSNone, Auth: &mail.Credentials{Username: user, Password: peers.Password}})
		require.NoError(t, err)
		defer c.Close()
		m, err := c.Select(t.Context(), "INBOX", nil)
		require.NoError(t, err)
		return m.Messages
	}
	put("user1", "first")
	put("user2", "for bob")
	host, port, err := net.SplitHostPort(p.POP3)
	require.NoError(t, err)
	more := []string{"webmail_listen=127.0.0.1:0", "webmail_fetch_ports=" + port, "webmail_fetch_networks=127.0.0.0/8"}
	r := start(t, more...)
	users(t, r.dir, "alice:{PLAIN}secret\nbob@example.test:{PLAIN}geheim\n")
	r.s.Reload()
	in := func(name, password string) *webUser {
		u := newWebUser(t, "http://"+r.s.Addrs("webmail_listen")[0].String())
		u.get("/login")
		u.post("/login", "user", name, "password", password)
		require.Equal(t, 200, u.code)
		return u
	}
	add := func(u *webUser, there, days, password string) {
		u.get("/fetch/new")
		u.post("/fetch/new", "host", host, "port", port, "tls", "none", "user", there, "password", password, "folder", "INBOX", "days", days, "do", "save")
	}
	// comes waits until a message is in the INBOX; its page is read anew.
	comes := func(u *webUser, subject string) {
		require.Eventually(t, func() bool { u.get("/mail/INBOX"); return strings.Contains(u.page, subject) }, time.Minute, 20*time.Millisecond)
	}
	alice, bob := in("Alice", "secret"), in("bob@example.test", "geheim")
	add(alice, "user1", "0", "wr0ng pass")
	require.Contains(t, html.UnescapeString(alice.page), "refused user name or password")
	require.NotContains(t, alice.page, "wr0ng pass")
	add(alice, "user1", "0", peers.Password)
	require.Equal(t, 200, alice.code, alice.page)
	add(bob, "user2", "-1", peers.Password)
	comes(alice, "first")
	comes(bob, "for bob")
	require.Eventually(t, func() bool { return left("user1") == 0 }, time.Minute, 20*time.Millisecond, "removed when it was safe here")
	require.EqualValues(t, 1, left("user2"))
	require.NotContains(t, bob.page, "first")

	r.end()
	put("user1", "second")
	r.run(append(base(r.dir), more...)...)
	alice, bob = in("alice@example.test", "secret"), in("bob@example.test", "geheim")
	alice.get("/fetch")
	require.Contains(t, alice.page, "user1 at "+host, "however she writes her name")
	again := func(u *webUser, there, days string) { // what is saved is fetched from at once
		u.get("/fetch")
		id := u.find(`action="(/fetch/[^"]+)"`)[1]
		u.get(id)
		u.post(id, "host", host, "port", port, "tls", "none", "user", there, "folder", "INBOX", "days", days, "do", "save")
		require.Contains(u, u.page, "Account saved")
	}
	again(alice, "user1", "3")
	again(bob, "user2", "-1")
	comes(alice, "second")
	require.Eventually(t, func() bool { bob.get("/fetch"); return strings.Contains(bob.page, "0 new messages") }, time.Minute, 20*time.Millisecond)
	bob.get("/mail/INBOX")
	require.Equal(t, 1, strings.Count(bob.page, `data-uid="`), bob.page)
	files, err := filepath.Glob(filepath.Join(r.dir, "*", "webmail", "fetch", "*"))
	require.NoError(t, err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NotContains(t, string(b), `"`+peers.Password+`"`)
	}
}

// With webmail_fetch = no there is no page.
func TestNoFetch(t *testing.T) {
	r := start(t, "webmail_listen=127.0.0.1:0", "webmail_fetch=no")
	users(t, r.dir, "alice:{PLAIN}secret\n")
	r.s.Reload()
	u := newWebUser(t, "http://"+r.s.Addrs("webmail_listen")[0].String())
	u.get("/login")
	u.post("/login", "user", "alice", "password", "secret")
	u.get("/fetch")
	require.Equal(t, 404, u.code)
}
