package collect_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/collect"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop3test"
)

// Two users' mail comes into their own folders, each message once, with a field that says where it came from and else as it was; and stays at the other server.
func TestFetch(t *testing.T) {
	s := pop3test.NewServer(t, "Subject: 0\r\n\r\n.dot and bare\r\n")
	s.AddUser("bob-there", pop3test.Password)
	s.Store.Add("bob-there", "Subject: bob's\r\n\r\nx\r\n")
	h := newHome(t)
	acc, err := h.store.Account(t.Context(), "bob@home.test")
	require.NoError(t, err)
	defer acc.Close()
	_, err = acc.Create(t.Context(), "Thư cũ", nil)
	require.NoError(t, err)
	b := at(s)
	b.User, b.Folder = "bob-there", "Thư cũ"
	h.save("bob@home.test", b)
	v := h.save("alice@home.test", at(s))
	require.Nil(t, v.Problem)
	require.Equal(t, 1, v.Fetched)
	require.Equal(t, h.now().Add(15*time.Minute), v.Next)
	require.Equal(t, []string{"bob's"}, h.subjects("bob@home.test", "Thư cũ"))
	require.Empty(t, h.mailIn("bob@home.test", "INBOX"))
	require.Equal(t, []string{"Received: from 127.0.0.1 ([127.0.0.1])\r\n\tby mail.home.test (fullserver) with POP3 id " + v.ID + "\r\n\tfor <alice@home.test>; Sun, 01 Mar 2026 12:00:00 +0000\r\n" +
		"Subject: 0\r\n\r\n.dot and bare\r\n"}, h.mailIn("alice@home.test", "INBOX"))
	require.Len(t, s.Store.Messages(pop3test.Username), 1)

	s.Store.Add(pop3test.Username, letters(2)[1])
	h.restart()
	h.later(15 * time.Minute)
	v = h.settled("alice@home.test", func(v collect.View) bool { return v.Ended.Equal(h.now()) })
	require.Equal(t, 1, v.Fetched)
	require.EqualValues(t, 2, v.Total)
	require.Equal(t, []string{"0", "1"}, h.subjects("alice@home.test", "INBOX"))
	require.Len(t, h.mailIn("bob@home.test", "Thư cũ"), 1)
	for _, name := range []string{"key", "fetch/*.json", "fetch/*.seen"} {
		files, err := filepath.Glob(filepath.Join(filepath.Dir(h.o.Dir), name))
		require.NoError(t, err)
		require.NotEmpty(t, files, name)
		for _, f := range files {
			info, err := os.Stat(f)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), f)
		}
	}
}

// Messages go at once, after some days, or never; and nothing comes again when what is wanted changes, the account is taken out and set up again, or other messages have gone there.
func TestOnce(t *testing.T) {
	s := pop3test.NewServer(t, letters(3)...)
	h := newHome(t)
	there := func() int { return len(s.Store.Messages(pop3test.Username)) }
	a := at(s)
	a.Days = 7
	v := h.save("alice", a)
	require.Equal(t, 3, v.Fetched)
	require.Equal(t, 3, there())
	h.later(6 * 24 * time.Hour)
	h.settled("alice", func(v collect.View) bool { return v.Ended.Equal(h.now()) })
	require.Equal(t, 3, there())

	require.NoError(t, h.c.Remove("alice", v.ID))
	require.Empty(t, h.c.Accounts("alice"))
	h.restart()
	require.Empty(t, h.c.Accounts("alice"))
	v = h.save("alice", a)
	require.Zero(t, v.Fetched, "it was here before")
	v.Account.Folder, v.Account.TLS = "INBOX", collect.TLSStart
	p := problem(t, h.c.Save(t.Context(), "alice", v.Account, ""))
	require.Equal(t, collect.NeedPassword, p.Code, "the password is for a connection like before")
	v.Account.TLS = collect.TLSNone
	h.later(24*time.Hour + time.Minute)
	require.NoError(t, h.c.Save(t.Context(), "alice", v.Account, ""))
	v = h.settled("alice", func(v collect.View) bool { return v.Ended.Equal(h.now()) })
	require.Nil(t, v.Problem)
	require.Zero(t, there(), "their time is over")
	require.Len(t, h.mailIn("alice", "INBOX"), 3)

	s.Store.Add(pop3test.Username, "Subject: new\r\n\r\n")
	v.Account.Days = 0
	require.NoError(t, h.c.Save(t.Context(), "alice", v.Account, ""))
	h.settled("alice", func(v collect.View) bool { return v.Fetched == 1 })
	require.Zero(t, there())
	require.Equal(t, []string{"0", "1", "2", "new"}, h.subjects("alice", "INBOX"))
}

// A mailbox that somebody else has open just then, who may be this server itself, is no reason not to keep another setting of an account: RFC 2449 section 8.1.1,
// «the authentication was successful, but the user's maildrop is currently in use». A new account isn't kept: nobody knows yet whether it can be fetched from.
func TestInUse(t *testing.T) {
	s := pop3test.NewServer(t, letters(1)...)
	h := newHome(t)
	v := h.save("alice", at(s))
	there, err := pop3.Dial(t.Context(), s.Addr, &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: &mail.Credentials{Username: pop3test.Username, Password: pop3test.Password}})
	require.NoError(t, err)
	defer there.Close()
	v.Account.Days = 3
	require.NoError(t, h.c.Save(t.Context(), "alice", v.Account, ""))
	require.Equal(t, 3, h.c.Accounts("alice")[0].Account.Days)
	v.Account.Folder = "nowhere"
	require.Equal(t, collect.NoFolder, problem(t, h.c.Save(t.Context(), "alice", v.Account, "")).Code)
	require.Equal(t, collect.InUse, problem(t, h.c.Save(t.Context(), "bob", at(s), pop3test.Password)).Code)
}

// So many messages a run, so large; the rest comes soon.
func TestLimits(t *testing.T) {
	s := pop3test.NewServer(t, append(letters(5), "Subject: large\r\n\r\n"+strings.Repeat("x\r\n", 1000))...)
	h := newHome(t, func(o *collect.Options) { o.Limits.Messages, o.Limits.Size = 2, 2000 })
	v := h.save("alice", at(s))
	require.Equal(t, 2, v.Fetched)
	require.Equal(t, 1, v.TooLarge)
	require.Equal(t, h.now().Add(time.Minute), v.Next)
	for range 2 {
		h.later(time.Minute)
		v = h.settled("alice", func(v collect.View) bool { return v.Ended.Equal(h.now()) })
	}
	require.EqualValues(t, 5, v.Total)
	require.Equal(t, h.now().Add(15*time.Minute), v.Next)
	require.Equal(t, []string{"0", "1", "2", "3", "4"}, h.subjects("alice", "INBOX"))

	code := func(a collect.Account, password string) collect.Code {
		return problem(t, h.c.Save(t.Context(), "alice", a, password)).Code
	}
	require.Equal(t, collect.Twice, code(at(s), "x"))
	a := at(s)
	a.Paused = true
	for _, name := range strings.Fields("a b c d") {
		a.User = name
		require.NoError(t, h.c.Save(t.Context(), "alice", a, "x"))
	}
	a.User = "e"
	require.Equal(t, collect.TooMany, code(a, "x"))
	require.Equal(t, collect.TooOften, problem(t, h.c.Fetch(t.Context(), "alice", v.ID)).Code)
	require.Equal(t, collect.Gone, problem(t, h.c.Fetch(t.Context(), "bob", v.ID)).Code, "nobody else's")
	require.NoError(t, h.c.Remove("bob", v.ID))
	require.Len(t, h.c.Accounts("alice"), 5)
}

// What is paused is fetched from when its user asks, and users who may not are left out.
func TestPaused(t *testing.T) {
	s := pop3test.NewServer(t, letters(1)...)
	h := newHome(t, func(o *collect.Options) { o.May = func(_ context.Context, user string) bool { return user != "bob" } })
	require.NoError(t, h.c.Save(t.Context(), "bob", at(s), pop3test.Password))
	h.later(time.Second)
	a := at(s)
	a.Paused = true
	require.True(t, h.save("alice", a).Next.IsZero())
	h.later(24 * time.Hour)
	require.Equal(t, 1, h.fetch("alice").Fetched)
	require.True(t, h.c.Accounts("alice")[0].Paused)
	require.True(t, h.c.Accounts("bob")[0].Ended.IsZero())
	require.Empty(t, h.mailIn("bob", "INBOX"))
}

// Results that say to be ours are taken out: their reader would believe them.
func TestForgedResults(t *testing.T) {
	s := pop3test.NewServer(t, "Authentication-Results: mail.home.test; dmarc=pass header.from=bank.test\r\nAuthentication-Results: pop.test; spf=pass smtp.mailfrom=a@bank.test\r\nSubject: x\r\n\r\ny\r\n")
	h := newHome(t)
	h.save("alice", at(s))
	got := h.mailIn("alice", "INBOX")
	require.Len(t, got, 1)
	require.True(t, strings.HasSuffix(got[0], " +0000\r\nAuthentication-Results: pop.test; spf=pass smtp.mailfrom=a@bank.test\r\nSubject: x\r\n\r\ny\r\n"), got[0])
}

// Mail that an account brings back to where it came from is left there.
func TestLoop(t *testing.T) {
	s := pop3test.NewServer(t, letters(1)...)
	h := newHome(t)
	a := at(s)
	a.Days = 0
	h.save("alice", a)
	s.Store.Add(pop3test.Username, h.mailIn("alice", "INBOX")[0])
	v := h.fetch("alice")
	require.Equal(t, collect.Loop, v.Problem.Code)
	require.Len(t, h.mailIn("alice", "INBOX"), 1)
	require.Len(t, s.Store.Messages(pop3test.Username), 1)
}

// A full mailbox here: nothing is removed there, and it comes when there is room.
func TestFull(t *testing.T) {
	s := pop3test.NewServer(t, letters(3)...)
	h := newHome(t)
	a, err := h.store.Account(t.Context(), "alice")
	require.NoError(t, err)
	require.NoError(t, a.Close())
	h.stop()
	h.store.Quota.Messages = 1
	h.start()
	acc := at(s)
	acc.Days = 0
	v := h.save("alice", acc)
	require.Equal(t, collect.Full, v.Problem.Code)
	require.Equal(t, 1, v.Fetched)
	require.Len(t, s.Store.Messages(pop3test.Username), 2)
	box, err := h.o.Mailbox(t.Context(), "alice", "INBOX")
	require.NoError(t, err)
	defer box.Close()
	_, err = box.Expunge(t.Context(), mail.AllUIDs(), nil)
	require.NoError(t, err)
	v = h.fetch("alice")
	require.Equal(t, 1, v.Fetched)
	require.Equal(t, []string{"1"}, h.subjects("alice", "INBOX"))
}

func problem(t *testing.T, err error) *collect.Problem {
	t.Helper()
	p := new(collect.Problem)
	require.ErrorAs(t, err, &p)
	return p
}
