package server_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// What has had its time goes from the mailboxes that autoexpunge names, and from no others.
func TestAutoexpunge(t *testing.T) {
	r := start(t)
	fill := func(box string) {
		i := r.dial("imap_listen")
		i.until("* OK")
		i.say("a LOGIN alice secret", "a OK")
		i.say("b CREATE "+box, "b ")
		for n := range 5 {
			i.say(fmt.Sprintf("c APPEND %s {14+}\r\nSubject: %d\r\n\r\n", box, n), "c OK")
		}
		i.say("d LOGOUT", "d OK")
	}
	fill("Trash")
	fill(`"Old Junk"`)
	fill("Kept")
	r.end()
	r.run(append(base(r.dir), `autoexpunge=Trash 30d 2, "Old Junk" 0 1, Missing 1d`)...)
	r.logged(`dovecot: autoexpunge\(alice@example\.test\): mailbox Trash: 3 messages have had their time\n`)
	r.logged(`dovecot: autoexpunge\(alice@example\.test\): mailbox Old Junk: 4 messages have had their time\n`)
	i := r.dial("imap_listen")
	i.until("* OK")
	i.say("a LOGIN alice secret", "a OK")
	require.Contains(t, i.say("b STATUS Trash (MESSAGES)", "b OK"), "MESSAGES 2")
	require.Contains(t, i.say("b STATUS Kept (MESSAGES)", "b OK"), "MESSAGES 5")
	i.say("c SELECT Trash", "c OK")
	require.Contains(t, i.say("d FETCH 1 BODY[]", "d OK"), "Subject: 3", "those that came last stay")
	require.NotContains(t, r.log(), "Missing")
}
