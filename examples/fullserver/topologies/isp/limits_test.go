package isp_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/topologies/internal/scene"
	"github.com/stretchr/testify/require"
)

// TestLimitsOfADomain: all of a customer's mailboxes together have what he pays for, and his neighbours don't feel it.
func TestLimitsOfADomain(t *testing.T) {
	s := scene.New(t, zone)
	isp := s.Fullserver(scene.Site{Addr: addr, Folder: ".", Users: append(users, "y@small.example", "z@small.example")})
	post := func(to, subject, body string) string {
		return s.Post(scene.Stranger, isp, scene.Letter{From: "sender@example.org", To: to, Subject: subject, Body: body})
	}
	large := strings.Repeat(strings.Repeat("x", 74)+"\r\n", 330) // 25 kB
	scene.Accepted(t, post("x@small.example", "one", large))
	scene.Accepted(t, post("y@small.example", "two", large))
	require.Contains(t, post("z@small.example", "three", large), "552 5.2.2 ", "his own mailbox is empty, and his domain is full")
	scene.Accepted(t, post("lan@an.example", "three", large))
	small := strings.Repeat("y", 500) + "\r\n"
	scene.Accepted(t, post("z@small.example", "small", small))

	t.Log("with its size said, at RCPT; the message's others get theirs")
	c := s.Dial(scene.Stranger, addr+":25")
	c.Reply()
	c.Say("EHLO client.example.org")
	c.Say("MAIL FROM:<sender@example.org> SIZE=25000")
	require.Equal(t, "552 5.2.2 <z@small.example>: Recipient address rejected: Mailbox is full", c.Say("RCPT TO:<z@small.example>"))
	require.Equal(t, "250 2.1.5 Ok", c.Say("RCPT TO:<hoa@an.example>"))
	c.Say("RSET")

	t.Log("the operator sees it, also after a restart; mail that was removed is room")
	list := func() string {
		out, err := isp.Tell("", "domain", "list", "small.example")
		require.NoError(t, err, out)
		return out
	}
	require.Regexp(t, `^small\.example mailboxes=3/3 aliases=0/5 storage=5[0-9](\.[0-9])?k/60k messages=3/any\n$`, list())
	isp.Stop()
	require.Equal(t, "small.example mailboxes=3/3 aliases=0/5 storage=-/60k messages=-/any\n", list(), "only a server that runs counts")
	isp.Start()
	require.Contains(t, post("z@small.example", "three", large), "552 5.2.2 ")
	for _, file := range isp.Messages("x@small.example") {
		require.NoError(t, os.Remove(file)) // another program does, and says so as they do
	}
	require.NoError(t, os.Remove(filepath.Join(isp.Dir, "data", "mail", "small.example", "x", "maildirsize")))
	scene.Eventually(t, func() error {
		if r := post("z@small.example", "three", large); !strings.HasPrefix(r, "250 ") {
			return errorString(r)
		}
		return nil
	})
}

type errorString string

func (e errorString) Error() string { return string(e) }

// TestAdministrators: a customer's administrator does in his domains what a customer does there, and gets nothing of another customer's.
func TestAdministrators(t *testing.T) {
	s := scene.New(t, zone)
	isp := s.Fullserver(scene.Site{Addr: addr, Folder: ".", Users: users})
	ok := func(words ...string) string {
		t.Helper()
		out, err := isp.Tell(scene.Password+"\n", words...)
		require.NoError(t, err, out)
		return out
	}
	no := func(want string, words ...string) {
		t.Helper()
		out, err := isp.Tell("stolen\n", words...)
		require.Error(t, err)
		require.Equal(t, words[0]+": fatal: "+want+"\n", out)
	}
	post := func(to, subject string) string {
		return s.Post(scene.Stranger, isp, scene.Letter{From: "sender@example.org", To: to, Subject: subject})
	}
	require.Contains(t, post("new@an.example", "early"), "550 5.1.1 ")
	ok("user", "-as", "lan@an.example", "add", "new@an.example")
	ok("alias", "-as", "lan@an.example", "set", "sales@an-shop.example", "new@an.example", "partner@example.org")
	scene.Accepted(t, post("new@an.example", "hello"))
	isp.Arrives("new@an.example", "hello") // who logs in with the password that was given
	scene.Eventually(t, func() error {
		if r := post("sales@an-shop.example", "offer"); !strings.HasPrefix(r, "250 ") {
			return errorString(r)
		}
		return nil
	})
	isp.Arrives("new@an.example", "offer")
	require.Contains(t, ok("user", "-as", "lan@an.example", "list"), "lan@an.example storage=0/50G messages=0/any\n")

	before := map[string]string{}
	kept := []string{"etc/virtual", "etc/domains", "etc/limits", "etc/admins", "data/users"}
	for _, name := range kept {
		b, err := os.ReadFile(filepath.Join(isp.Dir, name))
		require.NoError(t, err)
		before[name] = string(b)
	}
	for _, words := range []string{"user add spy@binh.example", "user passwd minh@binh.example", "user del minh@binh.example", "user quota minh@binh.example *:storage=1k", "user list binh.example",
		"alias set minh@binh.example lan@an.example", "alias set @binh.example lan@an.example", "alias set @an.example @binh.example", "alias del office@binh.example", "alias list binh.example", "domain list binh.example"} {
		word := strings.Fields(words)
		no("permission denied: lan@an.example does not administer binh.example", append([]string{word[0], "-as", "lan@an.example"}, word[1:]...)...)
	}
	no("permission denied: domains and their limits are the operator's", "domain", "-as", "lan@an.example", "admin", "add", "binh.example", "lan@an.example")
	no("permission denied: domains and their limits are the operator's", "domain", "-as", "lan@an.example", "quota", "an.example", "*:storage=1T")
	no("permission denied: hoa@an.example administers no domain", "user", "-as", "hoa@an.example", "add", "spy@an.example")
	for _, name := range kept {
		b, err := os.ReadFile(filepath.Join(isp.Dir, name))
		require.NoError(t, err)
		require.Equal(t, before[name], string(b))
	}
	isp.Logged(`fullserver/admin\[\d+\]: lan@an\.example: user add new@an\.example`)
	isp.Logged(`fullserver/admin\[\d+\]: lan@an\.example: refused: user passwd minh@binh\.example: permission denied: lan@an\.example does not administer binh\.example`)

	t.Log("a new customer, from nothing to mail, by commands")
	ok("domain", "add", "new.example", "1006")
	ok("domain", "quota", "new.example", "*:storage=5G:mailboxes=1")
	ok("domain", "admin", "add", "new.example", "boss@new.example")
	ok("user", "add", "boss@new.example")
	no("new.example has 1 mailboxes and may have 1", "user", "-as", "boss@new.example", "add", "staff@new.example")
	scene.Eventually(t, func() error {
		if r := post("boss@new.example", "first"); !strings.HasPrefix(r, "250 ") {
			return errorString(r)
		}
		return nil
	})
	isp.Arrives("boss@new.example", "first")
	ok("user", "-as", "boss@new.example", "del", "boss@new.example")
	require.Contains(t, post("boss@new.example", "late"), "550 5.1.1 ")
}
