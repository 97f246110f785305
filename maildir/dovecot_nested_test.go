//go:build unix

package maildir_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
)

// TestDovecotNested has Dovecot with LAYOUT=fs, in both spellings of names, and us work on one tree in turns.
func TestDovecotNested(t *testing.T) {
	for _, utf8 := range []bool{false, true} {
		t.Run(fmt.Sprint("utf8=", utf8), func(t *testing.T) { testDovecotNested(t, utf8) })
	}
}

func testDovecotNested(t *testing.T, utf8 bool) {
	d := newDovecot(t)
	location := "mail_location = maildir:" + d.mail + ":LAYOUT=fs"
	if utf8 {
		location += ":UTF-8"
	}
	d.configure(location)
	ctx := t.Context()
	d.run("", "mailbox", "create", "Lists/Việt", "Sent", "a&b.c")
	d.run("", "mailbox", "subscribe", "Lists/Việt", "x/y/z")
	d.run("Subject: one\n\nhello\n", "save", "-m", "Lists/Việt")
	d.run("Subject: two\n\nhello\n", "save", "-m", "INBOX")
	d.run("", "flags", "add", `\Seen $Forwarded`, "mailbox", "Lists/Việt", "uid", "1")

	s := &maildir.Store{PathFunc: func(string) (string, error) { return d.mail, nil }, Layout: maildir.LayoutFS, UTF8: utf8, Poll: -1}
	a, err := s.Account(ctx, "alice")
	require.NoError(t, err)
	defer a.Close()
	list := func() (out []string) {
		for info, err := range a.Mailboxes(ctx) {
			require.NoError(t, err)
			out = append(out, fmt.Sprint(info.Name, " ", info.Subscribed, info.NoSelect, info.NonExistent))
		}
		return out
	}
	require.Equal(t, []string{"INBOX false false false", "Lists false true false", "Lists/Việt true false false", "Sent false false false", "a&b.c false false false",
		"x/y/z true false true"}, list())
	viet := openBox(t, a, "Lists/Việt")
	require.Equal(t, d.fetch("Lists/Việt"), d.ours(viet))
	require.Equal(t, d.status("Lists/Việt"), d.ourStatus(viet))

	// We make, fill and rename; a level that was none becomes a mailbox.
	_, err = a.Create(ctx, "Lists", nil)
	require.NoError(t, err)
	_, err = a.Create(ctx, "INBOX/neu/Ordner", nil)
	require.NoError(t, err)
	addTo(t, openBox(t, a, "INBOX/neu/Ordner"), "Subject: ours\r\n\r\nbody\r\n")
	require.NoError(t, a.Subscribe(ctx, "INBOX/neu/Ordner", true))
	require.NoError(t, a.Subscribe(ctx, "x/y/z", false))
	require.NoError(t, a.Rename(ctx, "Lists/Việt", "Liste/Ký tự"))
	require.Equal(t, "INBOX\nINBOX/neu\nINBOX/neu/Ordner\nListe\nListe/Ký tự\nLists\nSent\na&b.c\n", sorted(d.run("", "mailbox", "list")))
	require.Equal(t, "INBOX/neu/Ordner\nLists/Việt\n", sorted(d.run("", "mailbox", "list", "-s")))
	require.Equal(t, d.fetch("Liste/Ký tự"), d.ours(viet))
	require.Equal(t, d.status("INBOX/neu/Ordner"), d.ourStatus(openBox(t, a, "INBOX/neu/Ordner")))

	// They rename; we delete what has children, and they see the children.
	d.run("", "mailbox", "rename", "Liste", "Alt")
	require.Equal(t, d.fetch("Alt/Ký tự"), d.ours(openBox(t, a, "Alt/Ký tự")))
	require.NoError(t, a.Delete(ctx, "Alt"))
	require.Equal(t, d.fetch("Alt/Ký tự"), d.ours(openBox(t, a, "Alt/Ký tự")))
	d.run("", "mailbox", "delete", "INBOX/neu")
	require.Contains(t, list(), "INBOX/neu false true false")
	require.Equal(t, d.fetch("INBOX/neu/Ordner"), d.ours(openBox(t, a, "INBOX/neu/Ordner")))
	// What is made again is another mailbox.
	_, err = a.Create(ctx, "INBOX/neu", nil)
	require.NoError(t, err)
	require.Equal(t, d.status("INBOX/neu"), d.ourStatus(openBox(t, a, "INBOX/neu")))
	require.NoError(t, a.Delete(ctx, "Alt/Ký tự"))
	require.NoDirExists(t, d.mail+"/Alt")
	d.run("", "force-resync", "*") // finds nothing to complain of
}

// configure adds lines to Dovecot's configuration.
func (d *dovecot) configure(lines string) {
	d.t.Helper()
	f, err := os.OpenFile(d.dir+"/dovecot.conf", os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(d.t, err)
	_, err = f.WriteString(lines + "\n")
	require.NoError(d.t, err)
	require.NoError(d.t, f.Close())
}
