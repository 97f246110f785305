package imapserver_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver"
)

// RFC 9586: no message sequence number in either direction.
func TestUIDOnly(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, simple, simple)
	p := f.login("")
	p.dialogue(`
		C: a ENABLE UIDONLY
		S: * ENABLED UIDONLY
		S: a OK …`)
	for _, l := range p.do("b SELECT INBOX") {
		require.NotContains(t, l, "UNSEEN")
	}
	for _, command := range []string{"FETCH 1 FLAGS", "STORE 1 FLAGS ()", "SEARCH ALL", "COPY 1 INBOX", "MOVE 1 INBOX", "REPLACE 1 INBOX {1+}\r\nx",
		"UID SEARCH 1:2", "UID SEARCH NOT (OR ALL 1)"} {
		lines, status := p.try("c " + command)
		require.Contains(t, status, "c BAD [UIDREQUIRED] ", command)
		require.Empty(t, lines, command)
	}
	p.dialogue(`
		C: d UID FETCH 2 (FLAGS)
		S: * 2 UIDFETCH (FLAGS (\Recent))
		S: d OK …
		C: e UID FETCH 2 (UID)
		S: * 2 UIDFETCH (UID 2)
		S: e OK …
		C: f UID STORE 2:3 +FLAGS (\Deleted)
		S: * 2 UIDFETCH (…FLAGS (\Deleted \Recent))
		S: * 3 UIDFETCH (…FLAGS (\Deleted \Recent))
		S: f OK …
		C: g EXPUNGE
		S: * VANISHED 2:3
		S: g OK …
		C: h UID SEARCH UID 1:*
		S: * SEARCH 1
		S: h OK …`)
	_, err := f.box("INBOX").SetFlags(context.Background(), mail.AllUIDs(), mail.FlagChange{Flags: mail.NewFlags(`\Seen`)})
	require.NoError(t, err)
	p.dialogue(`
		C: i NOOP
		S: * 1 UIDFETCH (…FLAGS (\Seen \Recent))
		S: i OK …`)
	p.do("j UID SEARCH RETURN (SAVE) ALL")
	require.Equal(t, []string{`* 1 UIDFETCH (UID 1)`}, p.do("k UID FETCH $ UID"))
}

func TestUIDOnlyTakenAway(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Without = []imap.Capability{imap.CapUIDOnly} })
	p := f.login("")
	require.Equal(t, []string{"* ENABLED"}, p.do("a ENABLE UIDONLY"))
}
