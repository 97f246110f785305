package local_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/local"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/buuta/mail/examples/fullserver/spool"
	"github.com/buuta/mail/smtp/rewrite"
	"github.com/stretchr/testify/require"
)

// housed are users with homes.
type housed map[string]string

func (h housed) Account(name string) (string, bool) {
	_, ok := h[strings.ToLower(name)]
	return strings.ToLower(name), ok
}
func (h housed) First() string              { return "" }
func (h housed) Home(account string) string { return h[account] }

// forwarded is a queue that keeps what it gets.
type forwarded struct {
	mu  sync.Mutex
	got []string
	err error
}

func (f *forwarded) deliver(_ context.Context, env *mail.Envelope, r io.Reader) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, _ = io.Copy(io.Discard, r)
	for _, to := range env.Recipients {
		f.got = append(f.got, env.From+">"+to.Address)
	}
	return f.err
}

// agent makes an Agent for a main.cf with aliases.
func agent(t *testing.T, users housed, aliases, mainCF string, s local.Settings) (*local.Agent, *faulty, *forwarded) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "aliases")
	require.NoError(t, os.WriteFile(file, []byte(aliases), 0o600))
	c, err := config.Read("main.cf", strings.NewReader("myhostname = h.test\nmydomain = h.test\nmyorigin = h.test\nmydestination = h.test\nrecipient_delimiter = +\nalias_maps = hash:"+file+"\n"+mainCF), "")
	require.NoError(t, err)
	p, err := policy.Open(t.Context(), &c.Settings, policy.Options{Users: users})
	require.NoError(t, err)
	t.Cleanup(func() { p.Close() })
	store, boxes := setup()
	f := &forwarded{}
	s.Delimiter, s.ForwardPath = "+", c.Settings.Local.ForwardPath
	if s.Commands == nil {
		s.Commands, s.Files = []local.Kind{local.InAlias, local.InForward}, []local.Kind{local.InAlias, local.InForward}
	}
	return &local.Agent{Mailboxes: boxes, Policy: p, Queue: func() mail.Deliverer { return mail.DelivererFunc(f.deliver) }, Spooler: &spool.Spooler{Dir: t.TempDir()}, Settings: s}, store, f
}

// to delivers to one address and returns the result.
func to(t *testing.T, a *local.Agent, address string) string {
	t.Helper()
	got, err := send(t, a, strings.NewReader(text), address)
	require.NoError(t, err)
	return got[0].Reply.String() + " | " + got[0].Detail
}

// Who is expanded is expanded once, whatever circles there are; the owner of the list that names an address is its sender.
func TestExpansion(t *testing.T) {
	a, store, f := agent(t, housed{"alice@h.test": "", "bob@h.test": ""}, `
a: b, alice
b: a, alice, Alice@h.test
list: x@far.test, inner, bob
inner: y@far.test
owner-list: alice
owner-inner: bob@h.test
noowner: z@far.test
nobodys: ghost
self: self
`, "", local.Settings{})
	require.Equal(t, "250 2.0.0 Ok | delivered to maildir", to(t, a, "a@h.test"))
	require.Len(t, inbox(t, store, "alice@h.test"), 1)
	require.Contains(t, to(t, a, "list+x@h.test"), "250 2.0.0 Ok | forwarded as ", "a list with an owner: what befalls a member here is told to the owner, too")
	require.Equal(t, []string{"owner-list@h.test>x@far.test", "owner-list@h.test>bob@h.test", "owner-inner@h.test>y@far.test"}, f.got)
	require.Empty(t, inbox(t, store, "bob@h.test"))
	f.got = nil
	require.Contains(t, to(t, a, "noowner@h.test"), "forwarded as ")
	require.Equal(t, []string{"s@far.test>z@far.test"}, f.got)
	f.got = nil
	require.Contains(t, to(t, a, "nobodys@h.test"), "forwarded as ", "the queue tells the sender who isn't there")
	require.Equal(t, []string{"s@far.test>ghost@h.test"}, f.got)
	require.Equal(t, "550 5.1.1 unknown user: \"ghost\" | unknown user: \"ghost\"", to(t, a, "ghost@h.test"))
	require.Equal(t, "250 2.0.0 Ok | delivered to maildir", to(t, a, "alice+ext@h.test"))
}

// A queue or a mailbox that fails means that all of it is tried again, and nothing is said to be done.
func TestAgentFailures(t *testing.T) {
	a, store, f := agent(t, housed{"alice@h.test": ""}, "list: alice, x@far.test\n", "", local.Settings{})
	f.err = mail.NewReply(452, mail.EnhancedCode{4, 3, 1}, "full")
	require.Equal(t, "452 4.3.1 full | full", to(t, a, "list@h.test"))
	store.commit["alice@h.test"] = mail.ErrOverQuota
	f.err, f.got = nil, nil
	require.Contains(t, to(t, a, "list@h.test"), "552 5.2.2 Mailbox is full")
	require.Empty(t, f.got, "what is forwarded comes last")
	a, _, _ = agent(t, housed{}, "x: \":include:/nonexistent\"\ny: \":include:relative\"\n", "", local.Settings{})
	require.Contains(t, to(t, a, "x@h.test"), "451 4.2.4 error reading :include: file")
	require.Contains(t, to(t, a, "y@h.test"), "550 5.2.4 bad :include: path")
}

// luser_relay gets mail for who isn't there.
func TestLuserRelay(t *testing.T) {
	a, _, f := agent(t, housed{}, "", "luser_relay = x\nlocal_recipient_maps =\n", local.Settings{LuserRelay: "unknown+$local@far.test"})
	require.Contains(t, to(t, a, "ghost+a@h.test"), "forwarded as ")
	require.Equal(t, []string{"s@far.test>unknown+ghost+a@far.test"}, f.got)
}

// What a user writes into his .forward gets him nothing that he can't have anyway: no file outside his home, in whatever way he points there, no
// command with the server's rights, nobody else's list.
func TestForwardIsConfined(t *testing.T) {
	home, outside := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(outside+"/secret", []byte("root:$6$hash\n"), 0o600))
	require.NoError(t, os.Symlink(outside, home+"/link"))
	require.NoError(t, os.Symlink(outside+"/secret", home+"/file"))
	a, store, f := agent(t, housed{"alice@h.test": home}, "", "", local.Settings{Privs: "root"})
	forward := func(text string) { require.NoError(t, os.WriteFile(home+"/.forward", []byte(text), 0o600)) }
	for lines, want := range map[string]string{
		outside + "/new\n":                  "451 4.2.0 cannot append message to file",
		home + "/link/new\n":                "451 4.2.0 cannot append message to file",
		home + "/../new\n":                  "451 4.2.0 cannot append message to file",
		home + "/file\n":                    "451 4.2.0 cannot append message to file",
		"|touch " + outside + "/new\n":      "550 5.7.1 mail to command is restricted",
		":include:" + outside + "/secret\n": "550 5.7.1 :include: is restricted",
		home + "/mbox\n":                    "250 2.0.0 Ok | delivered to file: ",
		"\\alice\n":                         "250 2.0.0 Ok | delivered to maildir",
		"# nothing\n":                       "250 2.0.0 Ok | delivered to maildir",
	} {
		forward(lines)
		require.Contains(t, to(t, a, "alice@h.test"), want, lines)
	}
	require.NoFileExists(t, outside+"/new")
	require.FileExists(t, home+"/mbox")
	require.Len(t, inbox(t, store, "alice@h.test"), 2)
	require.NoError(t, os.Remove(home+"/.forward"))
	require.NoError(t, os.Symlink(outside+"/secret", home+"/.forward"))
	require.Contains(t, to(t, a, "alice@h.test"), "451 4.2.0 cannot read the user's .forward")
	require.Empty(t, f.got)
	require.NoError(t, os.WriteFile(home+"/x", nil, 0o600))
	// An extension leads to a file of the user's own, or to none.
	require.Contains(t, to(t, a, `"alice+../x"@h.test`), "451 4.2.0")
}

// mailbox_transport_maps and its like are asked by user; a table that fails, or names nothing that there is, leaves the message for later.
func TestMailboxTables(t *testing.T) {
	fail := mail.NewReply(550, mail.EnhancedCode{5, 2, 1}, "not here")
	refuse := mail.DelivererFunc(func(context.Context, *mail.Envelope, io.Reader) error { return fail })
	s := local.Settings{MailboxCommand: "exit 67", MailboxTransports: rewrite.Map{"alice": "error:", "carol": "nosuch:"}, MailboxCommands: rewrite.Map{"bob": "cat > /dev/null"}, FallbackTransports: rewrite.Map{"ghost": "error:"},
		Transport: func(name string) (mail.Deliverer, error) {
			if name == "error:" {
				return refuse, nil
			}
			return nil, errors.New("there is no " + name)
		}}
	a, store, _ := agent(t, housed{"alice@h.test": "", "bob@h.test": "", "carol@h.test": "", "dan@h.test": ""}, "list: dan, bob\n", "local_recipient_maps =\n", s)
	require.Equal(t, "550 5.2.1 not here | not here", to(t, a, "Alice+x@h.test"))
	require.Equal(t, "250 2.0.0 Ok | delivered to command: cat > /dev/null", to(t, a, "bob@h.test"))
	require.Equal(t, "451 4.3.0 mail transport unavailable | mail transport unavailable", to(t, a, "carol@h.test"))
	require.Equal(t, "554 5.1.1 user unknown | user unknown", to(t, a, "dan@h.test"))
	require.Equal(t, "550 5.2.1 not here | not here", to(t, a, "ghost@h.test"))
	require.Equal(t, "550 5.1.1 unknown user: \"other\" | unknown user: \"other\"", to(t, a, "other@h.test"))
	a.Settings.MailboxCommands = failing{}
	require.Equal(t, "451 4.3.0 table lookup failure | table lookup failure", to(t, a, "bob@h.test"))
	require.Empty(t, inbox(t, store, "bob@h.test"))
}

type failing struct{}

func (failing) Find(context.Context, string) (string, bool, error) {
	return "", false, errors.New("database is down")
}
