package storetest

import (
	"fmt"
	"strings"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

func (e *env) annotator() mail.MetadataAccount {
	m, ok := e.a.(mail.MetadataAccount)
	if !ok {
		e.Skip("the store keeps no annotations")
	}
	return m
}

func note(name, value string) mail.Annotation {
	return mail.Annotation{Name: name, Value: []byte(value)}
}

func (e *env) notes(m mail.MetadataAccount, mailbox string, below ...string) []mail.Annotation {
	e.Helper()
	all, err := m.Metadata(e.ctx, mailbox, below)
	e.ok(err)
	return all
}

// RFC 5464 sections 4.2 and 4.3: entries of a mailbox and of the server are apart; NIL removes; a value is any octets.
func testMetadata(e *env) {
	a := e.annotator()
	e.create("box")
	any := "\x00\xff\r\n\"{5}\r\n" + strings.Repeat("x", 1000)
	for _, box := range []string{"", "INBOX", "box"} {
		require.Empty(e, e.notes(a, box))
		set := []mail.Annotation{note("/shared/comment", "for all of "+box), note("/private/comment", any), note("/private/vendor/x/y", ""), note("/private/comment/more", "1")}
		e.ok(a.SetMetadata(e.ctx, box, set))
		want := []mail.Annotation{note("/private/comment", any), note("/private/comment/more", "1"), note("/private/vendor/x/y", ""), note("/shared/comment", "for all of "+box)} // "sorted by name"
		e.equal(want, e.notes(a, box))
		e.equal(want[:2], e.notes(a, box, "/private/comment"))
		e.equal(want[:3], e.notes(a, box, "/private"))
		e.equal(want[2:], e.notes(a, box, "/shared", "/private/vendor", "/private/no"))
		require.Empty(e, e.notes(a, box, "/private/comm"))
	}
	e.ok(a.SetMetadata(e.ctx, "inbox", []mail.Annotation{{Name: "/private/comment"}, note("/shared/comment", "new"), {Name: "/shared/never/was"}}))
	e.equal([]mail.Annotation{note("/private/comment/more", "1"), note("/private/vendor/x/y", ""), note("/shared/comment", "new")}, e.notes(a, "INBOX"))
	require.Len(e, e.notes(a, "box"), 4)

	// Another session sees them.
	other, err := e.store.Account(e.ctx, Account)
	e.ok(err)
	defer other.Close()
	require.Len(e, e.notes(other.(mail.MetadataAccount), "INBOX"), 3)

	// What comes back belongs to the caller.
	e.notes(a, "box")[0].Value[0] = 'X'
	e.equal(any, string(e.notes(a, "box")[0].Value))
}

func testMetadataErrors(e *env) {
	a := e.annotator()
	_, err := a.Metadata(e.ctx, "never", nil)
	e.is(err, mail.ErrNoMailbox)
	e.is(a.SetMetadata(e.ctx, "never", []mail.Annotation{note("/private/comment", "x")}), mail.ErrNoMailbox)
	e.ok(a.SetMetadata(e.ctx, "INBOX", []mail.Annotation{note("/private/comment", "kept")}))
	for _, name := range []string{"", "/", "/private", "/private/", "/shared", "private/x", "/public/x", "/private//x", "/private/x/", "/private/a*b", "/private/a%b",
		"/private/é", "/private/a\x00", "/private/a\nb", "/private/Comment", "/private/" + strings.Repeat("x", 2000), "/private/../x/\x7f"} {
		// "all or none"
		err := a.SetMetadata(e.ctx, "INBOX", []mail.Annotation{note("/private/comment", "lost"), note(name, "x")})
		require.ErrorIs(e, err, mail.ErrBadName, "%q", name)
	}
	huge := note("/private/huge", strings.Repeat("x", 32<<20))
	e.is(a.SetMetadata(e.ctx, "INBOX", []mail.Annotation{note("/private/comment", "lost"), huge}), mail.ErrTooLarge)
	var many []mail.Annotation
	for i := range 20000 {
		many = append(many, note(fmt.Sprint("/private/vendor/x/", i), "x"))
	}
	e.is(a.SetMetadata(e.ctx, "INBOX", many), mail.ErrLimit)
	e.equal([]mail.Annotation{note("/private/comment", "kept")}, e.notes(a, "INBOX"))
}

// Annotations are the mailbox's: they go with it when it is renamed or deleted.
func testMetadataMoves(e *env) {
	a := e.annotator()
	e.create("old/kid")
	e.ok(a.SetMetadata(e.ctx, "old", []mail.Annotation{note("/private/comment", "old"), note("/shared/comment", "all")}))
	e.ok(a.SetMetadata(e.ctx, "old/kid", []mail.Annotation{note("/private/comment", "kid")}))
	e.ok(e.a.Rename(e.ctx, "old", "new"))
	e.equal([]mail.Annotation{note("/private/comment", "old"), note("/shared/comment", "all")}, e.notes(a, "new"))
	e.equal([]mail.Annotation{note("/private/comment", "kid")}, e.notes(a, "new/kid"))
	e.create("old")
	require.Empty(e, e.notes(a, "old"))
	e.ok(e.a.Delete(e.ctx, "new"))
	_, err := a.Metadata(e.ctx, "new", nil)
	e.is(err, mail.ErrNoMailbox)
	e.create("new")
	require.Empty(e, e.notes(a, "new"))
	require.Len(e, e.notes(a, "new/kid"), 1)
}
