package webmail_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a key signed before its owner retired it stays good, whenever it comes, and what it signed later isn't; a key that somebody else may have
// makes nothing good (RFC 9580 section 5.2.3.31). A revocation that gives no reason may mean that, too.
func TestRetiredKeys(t *testing.T) {
	g := newPGPWriter(t)
	f := newFixture(t).login()
	start := time.Now().AddDate(0, 0, -60)
	at := func(days int) (time.Time, string) {
		when := start.AddDate(0, 0, days)
		return when, fmt.Sprintf("--faked-system-time=%d", when.Unix())
	}
	born, faked := at(0)
	_, given := at(20)
	later, fakedLater := at(40)
	for reason, why := range []string{"no reason", "compromised", "superseded", "no longer used"} {
		user := fmt.Sprintf("bob%d@example.test", reason)
		g.Run("", faked, "--quick-gen-key", "Bob <"+user+">", "ed25519", "sign", "10y")
		before := g.signed(user, user, "", pgpContent, faked)
		after := g.signed(user, user, "", pgpContent, fakedLater)
		g.Run(g.Run(fmt.Sprintf("y\n%d\n\ny\n", reason), given, "--no-batch", "--command-fd", "0", "--armor", "--gen-revoke", user), "--import")
		f.get("/contacts/new")
		f.submit("/contacts/new", "do", "save", "name", "Bob", "emails", user, "key", g.public(user))
		require.Equal(t, http.StatusOK, f.code)
		for _, c := range []struct {
			text    string
			arrived time.Time
			good    bool
		}{
			{before, born.Add(time.Minute), true}, {before, time.Now(), true}, {before, later, true},
			{after, later.Add(time.Minute), false}, {after, time.Now(), false},
			{after, born.Add(time.Minute), false}, // a time that somebody made up when he filed it
		} {
			f.get(fmt.Sprintf("/mail/INBOX/%d", f.addAt("INBOX", c.text, c.arrived)))
			require.NotContains(t, f.page, "notice fine", why)
			switch {
			case reason < 2:
				require.Contains(t, f.page, "revoked by its owner: somebody else may have it", why)
				require.Contains(t, f.page, "notice bad")
			case c.good:
				require.Contains(t, f.page, "Signed by "+user+". The message is as it was signed. The key has been revoked since.", why)
				require.NotContains(t, f.page, "notice bad")
			case c.arrived.Before(later):
				require.NotContains(t, f.page, "as it was signed", why)
			default:
				require.Contains(t, f.page, user+" that its owner had given up by then", why)
				require.Contains(t, f.page, "notice bad")
			}
		}
	}
}
