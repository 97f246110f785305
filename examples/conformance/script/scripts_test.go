//go:build unix

package script_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/conformance/script"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/maildir"
)

// play runs the IMAP scripts against a server, those cases of them whose title is in left, if that isn't nil, and returns the titles
// of those that weren't for it.
func play(t *testing.T, target *script.Target, left map[string]bool) map[string]bool {
	all, err := script.All()
	require.NoError(t, err)
	skipped := map[string]bool{}
	played := 0
	r := script.NewRunner(target)
	for _, s := range all {
		for _, c := range s.Cases {
			title := s.Name + "/" + c.Title
			if c.Protocol != script.IMAP || target.Dial[c.Protocol] == nil || left != nil && !left[title] {
				continue
			}
			t.Run(title, func(t *testing.T) {
				for _, result := range r.Run(t.Context(), c) {
					switch result.Outcome {
					case script.NotOffered:
						skipped[title] = true
						t.Skip(result.Why)
					case script.Fail:
						require.NotEmpty(t, result.Known, "%s:%d: %s\n%s", s.Name, result.Check.Line, result.Why, result.Transcript)
						t.Logf("known: %s: %s", result.Known, result.Why)
					case script.Pass:
						require.Empty(t, result.Check.KnownOf(target.Name), "what is known of it is no longer so")
						played++
					}
				}
			})
		}
	}
	t.Logf("%s: %d checks of %d scripts", target.Name, played, len(all))
	require.NotZero(t, played)
	require.NoError(t, r.Close(t.Context()))
	return skipped
}

// variants are what a server of ours may be set to, so that all that it can announce is announced by one of them.
var variants = []struct {
	name string
	set  func(*imaptest.Server)
}{
	{"as it is", func(s *imaptest.Server) { s.UseTLS() }},
	{"LITERAL-", func(s *imaptest.Server) { s.Config.Without = []imap.Capability{imap.CapLiteralPlus} }},
	{"no plaintext", func(s *imaptest.Server) { s.UseTLS(); s.Config.AllowPlaintext = nil }},
	{"few messages", func(s *imaptest.Server) { s.Config.Limits.MessagesPerCommand = 3 }},
	{"few to save", func(s *imaptest.Server) { s.Config.Limits.MessagesPerSave = 2 }},
	{"no METADATA on mailboxes", func(s *imaptest.Server) { s.Config.Without = []imap.Capability{imap.CapMetadata} }},
}

// playOurs runs every case against the first variant that it is for.
func playOurs(t *testing.T, store func(t *testing.T, s *imaptest.Server)) {
	var left map[string]bool
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			s := imaptest.NewServer(t)
			s.Config.Timeouts.Progress = time.Nanosecond
			store(t, s)
			v.set(s)
			left = play(t, ours(s), left)
		})
	}
	require.Empty(t, slices.Collect(maps.Keys(left)), "cases that no variant can play")
}

func ours(s *imaptest.Server) *script.Target {
	srv := &script.Target{Name: "buuta", User: imaptest.Username, Password: imaptest.Password, Security: true, Stress: true, Dial: map[script.Protocol]script.Dialer{
		script.IMAP: func(ctx context.Context) (net.Conn, error) { return s.Dial(ctx, "", "") }}}
	if s.Config.TLSConfig != nil {
		srv.TLS = s.UseTLS()
		srv.TLS.ServerName = "imaptest.example"
	}
	return srv
}

func TestMemory(t *testing.T) {
	playOurs(t, func(_ *testing.T, s *imaptest.Server) { s.Store.Sharing = true })
}

func TestMaildir(t *testing.T) {
	playOurs(t, func(t *testing.T, s *imaptest.Server) {
		s.Config.Store = &maildir.Store{Path: filepath.Join(t.TempDir(), "%u"), NoSync: true, Sharing: &maildir.Sharing{}, UserQuota: true}
	})
}

func peer(name string, s *peers.Server) *script.Target {
	return &script.Target{Name: name, User: "user1", Password: peers.Password, Security: true, Stress: true, Dial: map[script.Protocol]script.Dialer{
		script.IMAP: func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", s.IMAP) },
	}}
}

// TestDovecot and TestCyrus show that the scripts ask for what is the protocol's, and not ours.
func TestDovecot(t *testing.T) {
	// Not t.TempDir: its parents can't be entered by the user that Dovecot insists on.
	dir, err := os.MkdirTemp("", "dovecot")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o777))
	s := peers.Dovecot(t, fmt.Sprintf(`mail_plugins = quota acl zlib
mail_attribute_dict = file:%%h/attributes
imap_metadata = yes
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
imap_urlauth_host = localhost
protocol imap {
  mail_plugins = quota imap_quota acl imap_acl zlib imap_zlib
}
plugin {
  quota = maildir:User quota
  quota_rule = *:storage=100M
  acl = vfile
  acl_shared_dict = file:%s/shared
}
`, dir))
	play(t, peer("dovecot", s), nil)
}

func TestCyrus(t *testing.T) { play(t, peer("cyrus", peers.Cyrus(t)), nil) }

// Whatever a server of ours announces, in whatever state, a case asks for by name.
func TestEveryCapabilityHasACase(t *testing.T) {
	all, err := script.All()
	require.NoError(t, err)
	needed := map[string]bool{"IMAP4REV1": true, "IMAP4REV2": true} // every case is about these
	for _, s := range all {
		for _, c := range s.Cases {
			for _, need := range c.Need {
				name, _, number := strings.Cut(need, "=<")
				if number {
					name += "="
				}
				needed[strings.ToUpper(name)] = true
			}
		}
	}
	for _, v := range variants {
		s := imaptest.NewServer(t)
		s.Store.Sharing = true
		v.set(s)
		before, after, err := script.NewRunner(ours(s)).Capabilities(t.Context(), script.IMAP)
		require.NoError(t, err)
		require.NotEmpty(t, after, v.name)
		for _, name := range append(before, after...) {
			bare, value, _ := strings.Cut(name, "=")
			if value != "" && strings.Trim(value, "0123456789") == "" && bare != "I18NLEVEL" {
				name = bare + "="
			}
			if bare == "RIGHTS" {
				name = "RIGHTS=…"
			}
			require.True(t, needed[strings.ToUpper(name)], "%s is announced (%s), and no case needs it", name, v.name)
		}
	}
}
