package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imaptest"
)

var soak = flag.Bool("soak", false, "cut and kill more often")

// command is the program, built once and without the race detector, with which it would take longer to start than to work: what races
// there are is for the tests that call it in their own process.
var command = sync.OnceValues(func() (string, error) {
	name := filepath.Join(built, "imapsync")
	out, err := exec.Command("go", "build", "-o", name, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return name, nil
})

// built is the folder where the program lies.
var built string

func TestMain(m *testing.M) {
	var err error
	if built, err = os.MkdirTemp("", "imapsync"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(built)
	os.Exit(code)
}

// killed starts the program, kills it after a time that grows with each try, and goes on until it comes to its end. It was killed at
// least once.
func killed(t *testing.T, from, to, user, password string, after func(try int) time.Duration) {
	t.Helper()
	kills := 0
	program, err := command()
	require.NoError(t, err)
	journal := filepath.Join(t.TempDir(), "journal")
	for try := range 500 {
		ctx, cancel := context.WithTimeout(t.Context(), after(try))
		cmd := exec.CommandContext(ctx, program, "-from", from, "-from-user", user, "-to", to, "-to-user", user, "-journal", journal)
		cmd.Env = append(os.Environ(), "FROM_PASSWORD="+password, "TO_PASSWORD="+password)
		out, err := cmd.CombinedOutput()
		late := ctx.Err() != nil
		cancel()
		if err == nil {
			require.Positive(t, kills)
			t.Logf("killed %d times", kills)
			return
		}
		require.True(t, late, "%v: %s", err, out)
		kills++
	}
	t.Fatal("it does not come to its end")
}

// fill makes an account with messages of all kinds, some alike.
func fill(t *testing.T, srv *imaptest.Server) {
	ctx := t.Context()
	c := client(t, srv)
	_, err := c.Create(ctx, "Đã gửi", mail.UseSent)
	require.NoError(t, err)
	_, err = c.Create(ctx, "a/b & c")
	require.NoError(t, err)
	require.NoError(t, c.Subscribe(ctx, "a/b & c"))
	for i := range 40 {
		d := imapclient.NewDraft(fmt.Appendf(nil, "Subject: %d\r\n\r\n%s", i/2, strings.Repeat("text\r\n", i*i*3)), []string{`\Seen`, `\Flagged`, "$x", `\Draft`}[i%4])
		d.InternalDate = time.Date(2020, 1, 1+i, 2, 3, 4, 0, time.UTC)
		_, err := c.Append(ctx, []string{"INBOX", "Đã gửi", "a/b & c"}[i%3], d)
		require.NoError(t, err)
	}
	_, err = c.Select(ctx, "INBOX", nil)
	require.NoError(t, err)
	_, err = c.Store(ctx, imapclient.UID(3), mail.FlagsAdd, mail.NewFlags(`\Deleted`), nil)
	require.NoError(t, err)
	require.NoError(t, c.ExpungeSet(ctx, imapclient.UID(3)))
}

func client(t *testing.T, srv *imaptest.Server) *imapclient.Client {
	c, err := dialTo(srv)(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func dialTo(srv *imaptest.Server) func(context.Context) (*imapclient.Client, error) {
	return func(ctx context.Context) (*imapclient.Client, error) {
		return imapclient.Dial(ctx, "imaptest.example:143", &imapclient.Options{Dial: srv.Dial,
			Auth: &mail.Credentials{Username: imaptest.Username, Password: imaptest.Password}})
	}
}

// contents returns all that is in an account: mailbox, flags, date and content of each message, sorted.
func contents(t *testing.T, c *imapclient.Client) (out []string) {
	for l, err := range c.List(t.Context(), nil) {
		require.NoError(t, err)
		if !l.Selectable() {
			continue
		}
		box, err := c.Select(t.Context(), l.Name, &imapclient.SelectOptions{ReadOnly: true})
		require.NoError(t, err)
		if box.Messages == 0 {
			continue
		}
		items := append(imapclient.Items(imap.FetchFlags, imap.FetchInternalDate), imapclient.Peek(imap.Section{}))
		for m, err := range c.Fetch(t.Context(), imapclient.All(), &imapclient.FetchOptions{Items: items}) {
			require.NoError(t, err)
			names := m.Flags.Names()
			slices.Sort(names)
			body, _ := m.Section(imap.Section{})
			out = append(out, fmt.Sprintf("%s %v %s %.20q %d", l.Name, names, m.InternalDate.UTC(), body, len(body)))
		}
	}
	slices.Sort(out)
	return out
}

func quiet(string, ...any) {}

func TestCopyAndMirror(t *testing.T) {
	from, to := imaptest.NewServer(t), imaptest.NewServer(t)
	fill(t, from)
	_, err := client(t, to).Create(t.Context(), "Sent Items", mail.UseSent)
	require.NoError(t, err)
	j, err := openJournal(filepath.Join(t.TempDir(), "journal"))
	require.NoError(t, err)
	defer j.close()
	s := &syncer{journal: j, tell: quiet, dry: true, mirror: true}
	require.NoError(t, s.connectAndRun(t.Context(), dialTo(from), dialTo(to)))
	require.Empty(t, contents(t, client(t, to)), "a dry run")
	s.dry = false
	require.NoError(t, s.connectAndRun(t.Context(), dialTo(from), dialTo(to)))
	want := contents(t, client(t, from))
	for i := range want {
		want[i] = strings.Replace(want[i], "Đã gửi", "Sent Items", 1)
	}
	slices.Sort(want)
	require.Equal(t, want, contents(t, client(t, to)))
	subscribed := 0
	for l, err := range client(t, to).List(t.Context(), &imapclient.ListOptions{Subscribed: true}) {
		require.NoError(t, err)
		require.Equal(t, "a/b & c", l.Name)
		subscribed++
	}
	require.Equal(t, 1, subscribed)

	box := from.Mailbox("INBOX")
	_, err = box.SetFlags(t.Context(), mail.UIDSetOf(1), mail.FlagChange{Op: mail.FlagsReplace, Flags: mail.NewFlags("new")})
	require.NoError(t, err)
	_, err = box.Expunge(t.Context(), mail.UIDSetOf(2), nil)
	require.NoError(t, err)
	from.Add("INBOX", "Subject: later\n\n")
	require.NoError(t, s.connectAndRun(t.Context(), dialTo(from), dialTo(to)))
	want = contents(t, client(t, from))
	for i := range want {
		want[i] = strings.Replace(want[i], "Đã gửi", "Sent Items", 1)
	}
	slices.Sort(want)
	require.Equal(t, want, contents(t, client(t, to)))
}

// A mailbox that appeared after the mailboxes were listed is taken as it is, also on a server that refuses to make it again without
// saying ALREADYEXISTS, as Cyrus does; a mailbox that was refused and isn't there is an error.
func TestMailboxAppears(t *testing.T) {
	from, to := imaptest.NewServer(t), imaptest.NewServer(t)
	fill(t, from)
	j, err := openJournal(filepath.Join(t.TempDir(), "journal"))
	require.NoError(t, err)
	defer j.close()
	s := &syncer{journal: j, tell: quiet}
	to.Store.Fail = func(operation string) error {
		if operation == "Create" {
			return mail.ErrPermission
		}
		return nil
	}
	err = s.connectAndRun(t.Context(), dialTo(from), dialTo(to))
	require.True(t, imapclient.Refused(err), err)
	account, err := to.Store.Account(t.Context(), imaptest.Username)
	require.NoError(t, err)
	to.Store.Fail = func(operation string) error {
		if operation != "Create" {
			return nil
		}
		to.Store.Fail = nil // the other session isn't refused
		for _, name := range []string{"a/b & c", "Đã gửi"} {
			_, err := account.Create(t.Context(), name, nil)
			require.NoError(t, err)
		}
		return mail.ErrPermission
	}
	require.NoError(t, s.connectAndRun(t.Context(), dialTo(from), dialTo(to)))
	require.Equal(t, contents(t, client(t, from)), contents(t, client(t, to)))
}

// Connections to both servers are cut at random octets of random answers; the program begins again from its journal.
func TestCutAtRandom(t *testing.T) {
	seeds, rounds := uint64(3), 40
	if *soak {
		seeds, rounds = 50, 60
	}
	for seed := range seeds {
		rnd := rand.New(rand.NewPCG(seed, 1))
		from, to := imaptest.NewServer(t), imaptest.NewServer(t)
		fill(t, from)
		name := filepath.Join(t.TempDir(), "journal")
		cuts := 0
		for range rounds {
			f := imaptest.Fault{Command: []string{"APPEND", "UID FETCH", "SELECT", "APPEND", "LIST", "APPEND"}[rnd.IntN(6)], Times: 1, Cut: 1 + rnd.Int64N(3000)}
			if f.Command == "APPEND" {
				f.Cut = 1 + rnd.Int64N(80) // in its answer: the message is there
			}
			if rnd.IntN(3) == 0 {
				f.Cut, f.Drop = 0, true
			}
			[]*imaptest.Server{from, to}[rnd.IntN(2)].Fail(f)
			j, err := openJournal(name)
			require.NoError(t, err)
			s := &syncer{journal: j, tell: quiet}
			if _, err = s.once(t.Context(), dialTo(from), dialTo(to)); err != nil {
				cuts++
			}
			require.NoError(t, j.close())
		}
		from.Heal()
		to.Heal()
		j, err := openJournal(name)
		require.NoError(t, err)
		s := &syncer{journal: j, tell: quiet}
		require.NoError(t, s.connectAndRun(t.Context(), dialTo(from), dialTo(to)))
		require.NoError(t, j.close())
		require.Greater(t, cuts, 5)
		require.Equal(t, contents(t, client(t, from)), contents(t, client(t, to)))
	}
}

// The program is killed at random moments, and started again until it comes to its end.
func TestKilledAtRandom(t *testing.T) {
	runs := 1
	if *soak {
		runs = 50
	}
	for seed := range uint64(runs) {
		from, to := imaptest.NewServer(t), imaptest.NewServer(t)
		fill(t, from)
		rnd := rand.New(rand.NewPCG(seed, 3))
		killed(t, from.Addr(), to.Addr(), imaptest.Username, imaptest.Password, func(try int) time.Duration {
			return time.Duration(5+2*try+rnd.IntN(20)) * time.Millisecond
		})
		require.Equal(t, contents(t, client(t, from)), contents(t, client(t, to)))
	}
}
