package server_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// imap_capability takes capabilities away from a listener, with their commands, and a user's field changes that for this user.
func TestIMAPCapability(t *testing.T) {
	r := start(t, "imap_capability=-COMPRESS=DEFLATE, -idle", "imaps_capability=$imap_capability +idle")
	users(t, r.dir, "alice:{PLAIN}secret\nbob:{PLAIN}geheim::::::userdb_imap_capability=+COMPRESS=DEFLATE,-UNSELECT\n"+
		"carol:{PLAIN}x::::::userdb_quota=1 userdb_imap_capability=UNSELECT\n")
	has := func(param, user, password string, names ...string) {
		t.Helper()
		c := r.dial(param)
		c.until("* OK")
		c.say("a LOGIN "+user+" "+password, "a OK")
		line := strings.Fields(c.say("b CAPABILITY", "b OK"))
		var got []string
		for _, name := range []string{"COMPRESS=DEFLATE", "IDLE", "UNSELECT"} {
			for _, word := range line {
				if word == name {
					got = append(got, name)
				}
			}
		}
		require.Equal(t, names, got)
		c.say("c SELECT INBOX", "c OK")
		for name, command := range map[string]string{"COMPRESS=DEFLATE": "COMPRESS X", "UNSELECT": "UNSELECT"} {
			want := "d BAD Unknown command"
			for _, n := range names {
				if n == name {
					want = map[string]string{"COMPRESS X": "d BAD", "UNSELECT": "d OK"}[command]
				}
			}
			got := c.say("d "+command, want)
			if want == "d BAD" {
				require.NotContains(t, got, "Unknown command")
			}
		}
	}
	has("imap_listen", "alice", "secret", "UNSELECT")
	has("imaps_listen", "alice", "secret", "IDLE", "UNSELECT")
	has("imap_listen", "bob", "geheim", "COMPRESS=DEFLATE")
	has("imaps_listen", "bob", "geheim", "COMPRESS=DEFLATE", "IDLE")
	has("imap_listen", "carol", "x", "UNSELECT")
	r.logged(`warning: carol@example\.test: userdb_imap_capability: "UNSELECT" must begin with - or \+`)
	c := r.dial("imap_listen")
	require.NotContains(t, c.until("* OK"), "IDLE", "before login, too")
	c.say("a IDLE", "a BAD")
}
