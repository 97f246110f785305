package imapserver_test

import (
	"io"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver"
)

// RFC 8437 section 3, 4.1: "This command directs the server to reset all connection state except for the state of the TLS layer."
func TestUnauthenticate(t *testing.T) {
	var mu sync.Mutex
	var left []string
	f := newFixture(t, func(s *imapserver.Server) {
		s.Hooks.Unauthenticated = func(c *imapserver.Conn, end *imapserver.End) {
			mu.Lock()
			defer mu.Unlock()
			left = append(left, c.Identity().Username)
		}
		s.WithoutFor = func(id *mail.Identity) []imap.Capability {
			if id.Username == "bob" {
				return []imap.Capability{imap.CapUnauthenticate}
			}
			return nil
		}
	})
	f.add("INBOX", simple, simple)
	p := f.dial()
	p.line()
	p.dialogue(`
		C: a UNAUTHENTICATE
		S: a BAD Log in first`)
	p.do("b LOGIN alice secret")
	require.Contains(t, p.do("c CAPABILITY")[0], " UNAUTHENTICATE")
	p.do("d ENABLE QRESYNC UTF8=ACCEPT UIDONLY")
	p.do("e SELECT INBOX")
	p.do(`f UID STORE 1 +FLAGS.SILENT (\Deleted)`)
	p.do("g LANGUAGE vi")
	p.do("h NOTIFY SET (selected (MessageNew MessageExpunge)) (personal (MailboxName))")
	p.do("i UID SEARCH RETURN (SAVE) ALL")
	// "the client is permitted to pipeline the UNAUTHENTICATE command with a subsequent AUTHENTICATE command"
	p.dialogue(`
		C: j UNAUTHENTICATE
		C: k AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==
		S: j OK Đã thực hiện xong UNAUTHENTICATE.
		S: k OK [CAPABILITY …] Logged in
		C: l FETCH 1 FLAGS
		S: l BAD No mailbox selected`)
	f.box("new") // NOTIFY would tell
	p.do("m EXAMINE INBOX")
	p.dialogue(`
		"no expunge event is generated", and none of what was enabled is
		C: n FETCH 1 FLAGS
		S: * 1 FETCH (FLAGS (\Deleted))
		S: n OK FETCH completed.
		C: o SEARCH $
		S: * SEARCH
		S: o OK SEARCH completed.
		C: p UNAUTHENTICATE x
		S: p BAD …
		C: q UNAUTHENTICATE
		S: q OK UNAUTHENTICATE completed.
		C: r SELECT INBOX
		S: r BAD Log in first
		C: s LOGIN bob secret
		S: s OK …
		C: t UNAUTHENTICATE
		S: t BAD Unknown command`)
	p.do("u LOGOUT")
	p.closed()
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, []string{"alice", "alice"}, left)
}

// "If IMAP COMPRESS is active, the server terminates its outgoing compression layer after it sends the CRLF following the OK
// response. The client terminates its outgoing compression layer after the CRLF following the UNAUTHENTICATE command."
func TestUnauthenticateEndsCompression(t *testing.T) {
	f := newFixture(t, nil)
	for _, closed := range []bool{false, true} {
		p := f.login("INBOX")
		plain := p.r
		q := p.compress()
		_, err := io.WriteString(q.w, "a UNAUTHENTICATE\r\n")
		require.NoError(t, err)
		require.NoError(t, q.w.Flush())
		if closed {
			require.NoError(t, q.w.Close())
		}
		p.send("b LOGIN alice secret\r\n") // pipelined, in the clear
		require.Equal(t, "a OK UNAUTHENTICATE completed.", q.line())
		_, err = q.r.ReadByte()
		require.ErrorIs(t, err, io.EOF, "the compressed stream has an end")
		p.r = plain
		require.Contains(t, p.line(), "b OK [CAPABILITY")
		p.do("c SELECT INBOX")
		// It can begin again.
		_, status := p.compress().do("d NOOP")
		require.Equal(t, "d OK NOOP completed.", status)
	}
}

// What is compressed behind the command is against the rule, and never taken for a command.
func TestUnauthenticateSmuggling(t *testing.T) {
	f := newFixture(t, nil)
	q := f.login("").compress()
	_, err := io.WriteString(q.w, "a UNAUTHENTICATE\r\nb LOGIN alice secret\r\n")
	require.NoError(t, err)
	require.NoError(t, q.w.Flush())
	require.Equal(t, "a OK UNAUTHENTICATE completed.", q.line())
	q.closed()
}
