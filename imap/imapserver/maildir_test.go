package imapserver_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/maildir"
)

// The same server over a Maildir: UIDs, flags and content survive a restart, and what another program delivers is seen.
func TestMaildir(t *testing.T) {
	dir := t.TempDir()
	begin := func(t *testing.T) *fixture {
		return newFixture(t, func(s *imapserver.Server) {
			s.Store = &maildir.Store{Path: filepath.Join(dir, "%u"), NoSync: true, Poll: 20 * time.Millisecond}
			s.Now = nil
		})
	}
	validity := ""
	t.Run("first", func(t *testing.T) {
		p := begin(t).login("")
		p.do(`a CREATE "Th&AbA-/2026"`)
		p.send("b APPEND \"Th&AbA-/2026\" (\\Flagged $Work) \" 7-Feb-2026 21:52:25 +0700\" {" + itoa(len(nested)+strings.Count(nested, "\n")) +
			"+}\r\n" + strings.ReplaceAll(nested, "\n", "\r\n") + "\r\n")
		require.True(t, like("b OK [APPENDUID … 1] APPEND completed.", p.line()))
		p.do(`c SELECT "Th&AbA-/2026"`)
		p.do(`d STORE 1 +FLAGS.SILENT (\Seen)`)
		require.Equal(t, []string{"* SEARCH 1"}, p.do(`e SEARCH BODY "deep text" SUBJECT "THƯ" KEYWORD $work`))
		validity = p.do(`f STATUS "Th&AbA-/2026" (UIDVALIDITY UIDNEXT)`)[0]
		p.do(`g COPY 1 INBOX`)
	})
	t.Run("again", func(t *testing.T) {
		f := begin(t)
		p := f.login(`"Th&AbA-/2026"`)
		require.Equal(t, validity, p.do(`f STATUS "Th&AbA-/2026" (UIDVALIDITY UIDNEXT)`)[0])
		require.Equal(t, []string{`* 1 FETCH (UID 1 FLAGS (\Seen \Flagged $Work))`}, p.do("a FETCH 1 (UID FLAGS)"))
		// The instant survives; the zone it was given in may not.
		_, date, _ := strings.Cut(p.do("a FETCH 1 INTERNALDATE")[0], `"`)
		at, err := time.Parse(`_2-Jan-2006 15:04:05 -0700")`, date)
		require.NoError(t, err)
		require.True(t, at.Equal(time.Date(2026, 2, 7, 14, 52, 25, 0, time.UTC)), "%v", at)
		got := strings.Join(p.do("b FETCH 1 BODY[]"), "\n")
		require.Contains(t, got, nested)
		require.Contains(t, p.do("c FETCH 1 BODYSTRUCTURE")[0], `"deep"`)

		q := f.login("INBOX")
		q.dialogue("C: i IDLE\nS: + idling")
		// By way of tmp, as programs deliver: the session looks as soon as there is a name.
		name := "1770475945.M1P1.other"
		require.NoError(t, os.WriteFile(filepath.Join(dir, "alice", "tmp", name), []byte("Subject: from elsewhere\n\nHi\n"), 0o600))
		require.NoError(t, os.Rename(filepath.Join(dir, "alice", "tmp", name), filepath.Join(dir, "alice", "new", name)))
		require.Equal(t, "* 2 EXISTS", q.line())
		q.line()
		q.dialogue("C: DONE\nS: i OK IDLE completed.")
		require.Equal(t, []string{"* 2 FETCH (RFC822.SIZE 31 BODY[] {31}", "Subject: from elsewhere", "", "Hi", ")"},
			q.do("k FETCH 2 (RFC822.SIZE BODY.PEEK[])"))
	})
}

// SEARCH THREADID, which a Maildir looks up, finds what FETCH THREADID says, in all kinds of programs.
func TestMaildirThreads(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) {
		s.Store = &maildir.Store{Path: filepath.Join(t.TempDir(), "%u"), NoSync: true}
	})
	f.add("INBOX", "Message-ID: <a@x>\nSubject: one\n\n", "Message-ID: <b@x>\nReferences: <a@x>\n\n", "Message-ID: <c@x>\n\n", "\n", "\n")
	p := f.login("INBOX")
	ids := map[string]string{}
	for i, line := range p.do("a FETCH 1:5 THREADID")[:5] {
		_, id, _ := strings.Cut(line, "THREADID (")
		id, _, _ = strings.Cut(id, ")")
		ids[id] += " " + itoa(i+1)
	}
	require.Len(t, ids, 4)
	var a, c string
	for id, want := range ids {
		require.Equal(t, []string{"* SEARCH" + want}, p.do("b SEARCH THREADID "+id))
		switch want {
		case " 1 2":
			a = id
		case " 3":
			c = id
		}
	}
	require.Equal(t, []string{"* SEARCH 3 4 5"}, p.do("c SEARCH NOT THREADID "+a))
	require.Equal(t, []string{"* SEARCH 1 2 3"}, p.do("d SEARCH OR THREADID "+a+" THREADID "+c))
	require.Equal(t, []string{"* SEARCH 1"}, p.do("e SEARCH THREADID "+a+" SUBJECT one"))
	require.Equal(t, []string{"* SEARCH"}, p.do("f SEARCH THREADID "+a+" THREADID "+c))
	// A context is asked of messages that come later (RFC 5267).
	p.do("g UID SEARCH RETURN (UPDATE) THREADID " + a)
	f.add("INBOX", "Message-ID: <d@x>\nReferences: <a@x>\n\n", "Message-ID: <e@x>\n\n")
	require.Contains(t, strings.Join(p.do("h NOOP"), "\n"), `(TAG "g") UID ADDTO (0 6)`)
}
