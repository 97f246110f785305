package storetest

import (
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
)

// testSearchThread is what mail.ThreadSearcher promises: each message is found by the THREADID that is made of it, and no other.
func testSearchThread(e *env) {
	m := e.create("threads")
	s, ok := m.(mail.ThreadSearcher)
	if !ok {
		e.Skip("the store implements no mail.ThreadSearcher")
	}
	for _, header := range []string{
		"Message-ID: <root@x>\r\n",
		"Message-ID: <B@x>\r\nIn-Reply-To: <root@x>\r\n",
		"Message-ID: <c@x>\r\nReferences: <\"root\"@x> <b@x>\r\nIn-Reply-To: <B@x>\r\n",
		"Message-ID: <b@x>\r\n",  // another than B
		"Message-ID: <root>\r\n", // no identifier
		"", "",
	} {
		e.add(m, header+"Subject: thread\r\n\r\nx\r\n")
	}
	// of returns a message's THREADID, made of its content.
	of := func(m mail.Mailbox, uid mail.UID) string {
		e.Helper()
		body, err := m.OpenBody(e.ctx, uid)
		e.ok(err)
		defer body.Close()
		index, err := mime.BuildIndex(body, body.Size(), nil)
		e.ok(err)
		for msg, err := range m.Messages(e.ctx, mail.UIDSetOf(uid), mail.FieldGUID) {
			e.ok(err)
			return index.Root.Envelope.ThreadID(string(msg.GUID))
		}
		e.Fatalf("%d is gone", uid)
		return ""
	}
	find := func(s mail.ThreadSearcher, id string) string {
		e.Helper()
		got, err := s.SearchThread(e.ctx, mail.AllUIDs(), id)
		e.ok(err)
		return got.String()
	}
	root, alone := of(m, 1), of(m, 6)
	for uid, want := range []string{1: "1:3", "1:3", "1:3", "4", "5", "6", "7"} {
		if uid > 0 {
			e.equal(want, find(s, of(m, mail.UID(uid))))
		}
	}
	for _, id := range []string{"", "T", root[:len(root)-1], root[1:], root + "A", strings.ToLower(root), "root@x"} {
		e.equal("", find(s, id))
	}
	got, err := s.SearchThread(e.ctx, mail.UIDRangeSet(2, 9), root)
	e.ok(err)
	e.equal("2:3", got.String())

	e.add(m, "References: <root@x>\r\n\r\nlater\r\n")
	_, err = m.Expunge(e.ctx, mail.UIDSetOf(2), nil)
	e.ok(err)
	e.equal("1,3,8", find(s, root))
	to := e.create("other")
	e.add(to, "Subject: first\r\n\r\nx\r\n")
	_, err = m.Copy(e.ctx, mail.UIDSetOf(1, 6), to.Info().ID, nil)
	e.ok(err)
	e.equal("2", find(to.(mail.ThreadSearcher), root))
	e.equal("3", find(to.(mail.ThreadSearcher), alone)) // with the GUID goes what is made of it
	e.equal("3", find(e.open("other").(mail.ThreadSearcher), of(to, 3)))
	e.ok(e.a.Delete(e.ctx, "other"))
	_, err = to.(mail.ThreadSearcher).SearchThread(e.ctx, mail.AllUIDs(), root)
	e.is(err, mail.ErrNoMailbox)
}
