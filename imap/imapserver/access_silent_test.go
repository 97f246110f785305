package imapserver_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

// Commands on many mailboxes are not refused because one may not be read; they tell nothing of it. That is so for what RFC 4466
// calls a URL too, whose token grants "whatever access" its owner has by then (RFC 4467, section BASE.6.3.URLFETCH).
func TestAccessSilent(t *testing.T) {
	for _, rights := range accessSets() {
		f := newSharing(t)
		box := f.share("box", "lr")
		may := rights.Has(read)
		p := f.as("alice")
		url := p.authorize("imap://alice@example.com/" + box + "/;uid=1;urlauth=authuser")
		f.grant("box", rights.String())

		// RFC 7377 section 2.2: mailboxes that can't be read "MUST be ignored".
		lines := p.do("a ESEARCH IN (mailboxes " + box + ") ALL")
		require.Equal(t, may, len(lines) > 0, "%s: %s", rights, lines)

		// RFC 5465 section 5: STATUS of those mailboxes alone that may be looked into.
		lines = p.do("c NOTIFY SET STATUS (mailboxes " + box + " (MessageNew MessageExpunge FlagChange))")
		require.Equal(t, may && rights.Has(lookup), strings.Contains(strings.Join(lines, "\n"), "* STATUS "+box+" (MESSAGES 2"), "%s: %s", rights, lines)
		p.do("d NOTIFY NONE")

		lines = p.do(`e URLFETCH "` + url + `"`)
		require.Equal(t, may, !strings.HasSuffix(lines[0], " NIL"), "%s: %s", rights, lines)

		// RFC 4469 section 3: a part that can't be had is BADURL, whatever the reason.
		_, status := p.try("f APPEND INBOX CATENATE (URL /" + box + "/;uid=1)")
		if may {
			require.Contains(t, status, "f OK", rights.String())
		} else {
			require.Contains(t, status, "f NO [BADURL /"+box+"/;uid=1]", rights.String())
		}
	}
}

// RFC 4314 section 4: RENAME needs "k" of the mailbox above the new name.
func TestAccessRenameBelow(t *testing.T) {
	for _, rights := range accessSets() {
		f := newSharing(t)
		box, from := f.grant("box", rights.String()), f.grant("from", "lx")
		p := f.as("alice")
		_, status := p.try("a RENAME " + from + " " + box + "/child")
		switch {
		case rights.Has(create):
			require.Contains(t, status, "a OK", rights.String())
		default:
			require.Contains(t, status, "a NO [NOPERM]", rights.String())
		}
	}
}

// LSUB and XLIST show what LIST shows, and of what is subscribed the names that the user has subscribed.
func TestAccessLists(t *testing.T) {
	for _, rights := range accessSets() {
		f := newSharing(t)
		box := f.share("box", rights.String())
		p := f.as("alice")
		listed := strings.Join(p.do(`a XLIST "" Users/bob/*`), "\n")
		require.Equal(t, rights.Has(mail.RightLookup), strings.Contains(listed, box), rights.String())
		require.Empty(t, p.do(`b LSUB "" Users/bob/*`), rights.String())
		p.do("c SUBSCRIBE " + box)
		listed = strings.Join(p.do(`d LSUB "" Users/bob/*`), "\n")
		require.Contains(t, listed, box, rights.String())
	}
}
