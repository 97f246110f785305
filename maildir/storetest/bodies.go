package storetest

import (
	"context"
	"io"
	"strings"

	"github.com/buuta/mail"
	"pgregory.net/rapid"
)

// testBodies is what mail.BodyReader promises: the same as OpenBody, whatever was read ahead and has changed since, and whichever
// messages are passed over.
func testBodies(e *env) {
	if _, ok := e.open("INBOX").(mail.BodyReader); !ok {
		e.Skip("the store implements no mail.BodyReader")
	}
	n, want := 0, map[mail.UID]string{}
	rapid.Check(e.T, func(t *rapid.T) {
		m := e.open("INBOX")
		all := e.messages(m)
		for range 100 - len(all) {
			n++
			uid := e.add(m, text(n)+strings.Repeat("More of it.\r\n", n%13*(n%13)*20)) // some are large
			want[uid] = e.content(m, uid)
		}
		all = e.messages(m)
		set := mail.AllUIDs()
		if rapid.Bool().Draw(t, "some") {
			set = mail.UIDSet{}
			for _, msg := range all[:rapid.IntRange(0, len(all)).Draw(t, "count")] {
				if rapid.IntRange(0, 3).Draw(t, "leave out") > 0 {
					set.Add(msg.UID)
				}
			}
		}
		bodies := m.(mail.BodyReader).ReadBodies(e.ctx, set)
		defer func() { e.ok(bodies.Close()) }()
		gone := map[mail.UID]bool{}
		for i, msg := range all {
			switch rapid.IntRange(0, 20).Draw(t, "step") {
			case 0:
				e.set(m, mail.FlagsAdd, []string{`\Flagged`, "kept"}, all[rapid.IntRange(0, len(all)-1).Draw(t, "flagged")].UID)
			case 1:
				uid := all[rapid.IntRange(i, len(all)-1).Draw(t, "expunged")].UID
				_, err := m.Expunge(e.ctx, mail.UIDSetOf(uid), nil)
				e.ok(err)
				gone[uid] = true
			case 2:
				continue
			case 3:
				if _, err := bodies.Open(e.ctx, all[len(all)-1].UID+1000); err == nil {
					t.Fatal("a message that there never was")
				}
				return // nothing before it can be asked for any more
			}
			body, err := bodies.Open(e.ctx, msg.UID)
			if gone[msg.UID] && err != nil {
				e.is(err, mail.ErrExpunged)
				continue
			}
			e.ok(err)
			got, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
			e.ok(err)
			e.equal(want[msg.UID], string(got))
			e.ok(body.Close())
		}
	})
	ctx, cancel := context.WithCancel(e.ctx)
	m := e.open("INBOX")
	bodies := m.(mail.BodyReader).ReadBodies(ctx, mail.AllUIDs())
	cancel()
	_, err := bodies.Open(ctx, e.messages(m)[0].UID)
	e.is(err, context.Canceled)
	e.ok(bodies.Close())
}
