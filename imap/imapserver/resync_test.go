package imapserver_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// "VANISHED (EARLIER)": a HIGHESTMODSEQ that a client was given never reaches beyond a removal that it has not been told of; it
// would never hear of it, if it lost the connection then (RFC 7162 section 3.2.5.1).
func TestHighestModSeqIsWhatWasTold(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, simple, simple)
	p, q := f.login("INBOX"), f.login("INBOX")
	validity := q.do("v STATUS INBOX (UIDVALIDITY)")[0]
	validity = strings.TrimSuffix(strings.Fields(validity)[4], ")")
	q.do(`a STORE 2 +FLAGS (\Deleted)`)
	q.do("b EXPUNGE")
	// FETCH may not tell of it, and the session sees it.
	for _, l := range p.do("a FETCH 1 (FLAGS)") {
		require.NotContains(t, l, "EXPUNGE")
	}
	highest := ""
	for _, l := range p.do("b FETCH 1 (FLAGS MODSEQ)") {
		require.NotContains(t, l, "EXPUNGE")
		if x := highestRE.FindStringSubmatch(l); x != nil {
			highest = x[1]
		}
	}
	require.NotEmpty(t, highest)
	require.NoError(t, p.Close())
	p = f.login("")
	p.do("a ENABLE QRESYNC")
	require.Contains(t, p.do("b SELECT INBOX (QRESYNC ("+validity+" "+highest+"))"), "* VANISHED (EARLIER) 2")
}
