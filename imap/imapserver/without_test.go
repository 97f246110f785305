package imapserver_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver"
)

// Whatever is announced can be switched off for one user, against a client's troubles with it: it is not announced to him then, its
// commands are unknown, and others have it still. Of IMAP4rev1 nobody can do without.
func TestEveryCapabilityCanBeSwitchedOff(t *testing.T) {
	var off imap.Capability
	f := newFixture(t, func(s *imapserver.Server) {
		s.WithoutFor = func(id *mail.Identity) []imap.Capability {
			if off != "" && id.Username == "alice" {
				return []imap.Capability{off}
			}
			return nil
		}
		s.Limits.MessagesPerCommand = 1000
	})
	f.store.Sharing = true
	announced := func(user string) []string {
		p := f.as(user)
		defer p.Close()
		return strings.Fields(p.do("a CAPABILITY")[0])[2:]
	}
	source, err := os.ReadFile("../capability.go")
	require.NoError(t, err)
	names := map[string]string{}
	for _, m := range regexp.MustCompile(`(Cap\w+)\s+Capability = "(.*)"`).FindAllStringSubmatch(string(source), -1) {
		names["imap."+m[1]] = m[2]
	}
	all := announced("alice")
	require.Greater(t, len(all), 60)
	commands := 0
	for _, name := range all {
		if off = imap.Capability(name); name == "IMAP4rev1" {
			require.Contains(t, announced("alice"), name)
			continue
		}
		require.NotContains(t, announced("alice"), name)
		require.Contains(t, announced("bob"), name)
		p := f.login("INBOX")
		for command, h := range commandTable(t) {
			if m := capRE.FindStringSubmatch(h); m != nil && names[m[1]] == name {
				commands++
				_, status := p.try("c " + command)
				require.Equal(t, "c BAD Unknown command", status, command)
			}
		}
		_ = p.Close()
	}
	require.Greater(t, commands, 12)
}

var capRE = regexp.MustCompile(`cap: ([\w.]+)`)
