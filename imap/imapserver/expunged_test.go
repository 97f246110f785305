package imapserver_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/maildir"
)

// What is asked of messages that are gone, before the client can be told that they are: RFC 2180 section 4. gone is called when
// the client has a mailbox of five selected; it takes the second and the third away.
func expungedDialogue(t *testing.T, f *fixture, gone func()) {
	f.box("Other")
	p := f.login("INBOX")
	p.do("a NOOP")
	gone()
	p.dialogue(`
		RFC 2180 section 4.1.2: "on subsequent FETCH commands return FETCH responses only for non-expunged messages and a tagged NO".
		C: b FETCH 1:3 (UID BODY.PEEK[TEXT])
		S: * 1 FETCH (UID 1 BODY[TEXT] {0}
		S: )
		S: b NO [EXPUNGEISSUED] Some of the messages no longer exist.
		C: c FETCH 2:3 (UID RFC822.SIZE)
		S: c NO [EXPUNGEISSUED] Some of the messages no longer exist.
		Numbers stay, as no EXPUNGE may be sent meanwhile (RFC 9051 section 7.5.1).
		C: d FETCH 4 UID
		S: * 4 FETCH (UID 4)
		S: d OK FETCH completed.
		Section 4.2.1: "If the ".SILENT" suffix is used … the server SHOULD return a tagged OK".
		C: e STORE 2:4 +FLAGS.SILENT (\Seen)
		S: e OK STORE completed.
		Section 4.2.2: "If … only expunged messages are referenced, the server SHOULD return only a tagged NO".
		C: f STORE 2:3 +FLAGS (\Flagged)
		S: f NO [EXPUNGEISSUED] Some of the messages no longer exist.
		Section 4.2.3: "the server MAY set the flags and return a FETCH response for the non-expunged messages along with a tagged NO".
		C: g STORE 3:4 +FLAGS (\Flagged)
		S: * 4 FETCH (UID 4 FLAGS (\Seen \Flagged…))
		S: g NO [EXPUNGEISSUED] Some of the messages no longer exist.
		Section 4.3: "MAY simply not return a search response for messages that have been expunged".
		C: h SEARCH ALL
		S: * SEARCH 1 4 5
		S: h OK SEARCH completed.
		Section 4.4.1: "Pending EXPUNGE response(s) MUST be returned to the COPY command", which copies nothing.
		C: i COPY 1:3 Other
		S: * 3 EXPUNGE
		S: * 2 EXPUNGE
		S: i NO [EXPUNGEISSUED] Some of the messages no longer exist.
		C: j STATUS Other (MESSAGES)
		S: * STATUS Other (MESSAGES 0)
		S: j OK STATUS completed.
		C: k FETCH 2 UID
		S: * 2 FETCH (UID 4)
		S: k OK FETCH completed.`)
}

func TestExpunged(t *testing.T) {
	five := []string{"Subject: 1\n\n", "Subject: 2\n\n", "Subject: 3\n\n", "Subject: 4\n\n", "Subject: 5\n\n"}
	another := func(f *fixture) func() {
		return func() {
			_, err := f.box("INBOX").Expunge(context.Background(), mail.UIDSetOf(2, 3), nil)
			require.NoError(t, err)
		}
	}
	t.Run("memory", func(t *testing.T) {
		f := newFixture(t, nil)
		f.add("INBOX", five...)
		expungedDialogue(t, f, another(f))
	})
	overMaildir := func(t *testing.T) (f *fixture, dir string) {
		dir = t.TempDir()
		f = newFixture(t, func(s *imapserver.Server) { s.Store = &maildir.Store{Path: dir + "/%u", NoSync: true} })
		f.add("INBOX", five...)
		return f, dir
	}
	t.Run("maildir", func(t *testing.T) {
		f, _ := overMaildir(t)
		expungedDialogue(t, f, another(f))
	})
	// Another program removes the files, and says nothing.
	t.Run("files", func(t *testing.T) {
		f, dir := overMaildir(t)
		expungedDialogue(t, f, func() {
			files, err := filepath.Glob(dir + "/alice/[cn]*/*")
			require.NoError(t, err)
			removed := 0
			for _, name := range files {
				content, err := os.ReadFile(name)
				require.NoError(t, err)
				if strings.HasPrefix(string(content), "Subject: 2") || strings.HasPrefix(string(content), "Subject: 3") {
					require.NoError(t, os.Remove(name))
					removed++
				}
			}
			require.Equal(t, 2, removed)
		})
	})
}
