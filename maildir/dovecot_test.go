//go:build unix

package maildir_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dovecot runs Debian's doveadm on a tree that we work on too.
type dovecot struct {
	t        *testing.T
	dir      string // configuration and all else of Dovecot
	mail     string
	uid, gid int
	user     string
}

// newDovecot skips the test where there is no Dovecot 2.3. The configuration given comes last; "@dir@" in it is the folder of
// all that is Dovecot's.
func newDovecot(t *testing.T, configuration ...string) *dovecot {
	t.Helper()
	version, err := exec.Command("dovecot", "--version").Output()
	if err != nil || !bytes.HasPrefix(version, []byte("2.3.")) {
		const why = "needs Debian's dovecot-core and dovecot-imapd, version 2.3"
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	// Not t.TempDir: its parents can't be entered by the user that Dovecot insists on when we are root.
	base, err := os.MkdirTemp("", "dovecot")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(base) })
	require.NoError(t, os.Chmod(base, 0o755))
	d := &dovecot{t, base, base + "/mail", os.Getuid(), os.Getgid(), "alice"}
	if d.uid == 0 {
		d.uid, d.gid = 65534, 65534
	}
	require.NoError(t, os.MkdirAll(d.mail, 0o700))
	require.NoError(t, os.WriteFile(base+"/dovecot.conf", fmt.Appendf(nil, `base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = /dev/stderr
mail_location = maildir:%[2]s
mail_home = %[1]s/home
mail_uid = %[3]d
mail_gid = %[4]d
first_valid_uid = 1
first_valid_gid = 0
ssl = no
namespace inbox {
  inbox = yes
  separator = /
}
%[5]s
`, base, d.mail, d.uid, d.gid, strings.ReplaceAll(strings.Join(configuration, "\n"), "@dir@", base)), 0o644))
	return d
}

// run runs doveadm and returns what it prints.
func (d *dovecot) run(stdin string, args ...string) string {
	d.t.Helper()
	out, stderr := d.exec(stdin, "doveadm", args...)
	require.NotContains(d.t, stderr, "Error", "doveadm %q", args)
	require.NotContains(d.t, stderr, "Warning", "doveadm %q", args)
	return out
}

// imap has Debian's imap answer to commands of a user who is logged in already.
func (d *dovecot) imap(commands string) string {
	d.t.Helper()
	out, stderr := d.exec(commands+"z LOGOUT\r\n", "/usr/lib/dovecot/imap")
	require.NotContains(d.t, stderr, "Error", "imap %q", commands)
	return out
}

// exec runs one of Dovecot's programs.
func (d *dovecot) exec(stdin, program string, args ...string) (stdout, stderr string) {
	d.t.Helper()
	cmd := exec.Command(program, append([]string{"-c", d.dir + "/dovecot.conf"}, args...)...)
	cmd.Dir = d.dir
	cmd.Env = append(os.Environ(), "USER="+d.user, "HOME="+d.dir+"/home")
	if os.Getuid() == 0 {
		require.NoError(d.t, filepath.WalkDir(d.dir, func(p string, _ fs.DirEntry, err error) error {
			if err == nil {
				err = os.Lchown(p, d.uid, d.gid)
			}
			if errors.Is(err, fs.ErrNotExist) { // a lock that was given back just now
				return nil
			}
			return err
		}))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(d.uid), Gid: uint32(d.gid)}}
	}
	cmd.Stdin = strings.NewReader(stdin)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	require.NoError(d.t, err, "%s %q: %s", program, args, &errs)
	return string(out), errs.String()
}

// fetch returns one line a message, "uid flags", as Dovecot sees them, without \Recent.
func (d *dovecot) fetch(mailbox string) []string {
	d.t.Helper()
	var out []string
	for line := range strings.Lines(d.run("", "-f", "tab", "fetch", "uid flags", "mailbox", mailbox, "all")) {
		f := strings.Fields(strings.ReplaceAll(line, `\Recent`, ""))
		if f[0] != "uid" {
			slices.Sort(f[1:])
			out = append(out, strings.Join(f, " "))
		}
	}
	return out
}

// ours is the same as we see it.
func (d *dovecot) ours(m mail.Mailbox) []string {
	d.t.Helper()
	var out []string
	_, err := m.State(d.t.Context()) // looks what others did
	require.NoError(d.t, err)
	for msg, err := range m.Messages(d.t.Context(), mail.AllUIDs(), mail.FieldFlags) {
		require.NoError(d.t, err)
		f := msg.Flags.Names()
		slices.Sort(f)
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d %s", msg.UID, strings.Join(f, " "))))
	}
	return out
}

// same waits until we see what Dovecot sees: what others do we notice within a second.
func (d *dovecot) same(name string, m mail.Mailbox) {
	d.t.Helper()
	theirs := d.fetch(name)
	if !assert.Eventually(d.t, func() bool { return slices.Equal(theirs, d.ours(m)) }, time.Second, 5*time.Millisecond) {
		require.Equal(d.t, theirs, d.ours(m))
	}
}

func (d *dovecot) status(mailbox string) string {
	return strings.TrimSpace(d.run("", "-f", "flow", "mailbox", "status", "messages uidnext uidvalidity unseen guid vsize", mailbox))
}

func (d *dovecot) ourStatus(m mail.Mailbox) string {
	st, err := m.State(d.t.Context())
	require.NoError(d.t, err)
	return fmt.Sprintf("%s messages=%d uidnext=%d uidvalidity=%d unseen=%d vsize=%d guid=%s", m.Info().Name, st.Messages, st.UIDNext, st.UIDValidity, st.Unseen, st.Size, m.Info().ID)
}

// TestDovecotRoundTrip has Dovecot and us work on one tree in turns. Neither may give a message another UID, lose a flag or see
// another content.
func TestDovecotRoundTrip(t *testing.T) {
	d := newDovecot(t)
	ctx := t.Context()
	d.run("", "mailbox", "create", "Lists/Việt", "Sent", "a&b")
	d.run("", "mailbox", "subscribe", "Lists/Việt", "Sent", "x/y/z")
	d.run("Subject: lf\n\nhello\n", "save", "-m", "INBOX")
	d.run("Subject: crlf\r\n\r\nhello\r\n", "save", "-m", "INBOX")
	d.run("Subject: three\n\nhello\n", "save", "-m", "INBOX")
	d.run("", "flags", "add", `\Seen $Forwarded urgent`, "mailbox", "INBOX", "uid", "1")
	d.run("", "flags", "add", `\Answered later`, "mailbox", "INBOX", "uid", "2")
	d.run("", "copy", "Lists/Việt", "mailbox", "INBOX", "all")
	d.run("", "expunge", "mailbox", "INBOX", "uid", "3")

	s := &maildir.Store{PathFunc: func(string) (string, error) { return d.mail, nil }, Poll: -1}
	a, err := s.Account(ctx, "alice")
	require.NoError(t, err)
	defer a.Close()
	var names []string
	for info, err := range a.Mailboxes(ctx) {
		require.NoError(t, err)
		names = append(names, fmt.Sprint(info.Name, " ", info.Subscribed, info.NonExistent))
	}
	require.Equal(t, []string{"INBOX false false", "Lists false false", "Lists/Việt true false", "Sent true false", "a&b false false", "x/y/z true true"}, names)
	open := func(name string) mail.Mailbox {
		m, err := a.Open(ctx, name)
		require.NoError(t, err)
		t.Cleanup(func() { m.Close() })
		return m
	}
	in, viet := open("INBOX"), open("Lists/Việt")
	agree := func() {
		t.Helper()
		for name, m := range map[string]mail.Mailbox{"INBOX": in, "Lists/Việt": viet} {
			d.same(name, m)
			require.Equal(t, d.status(name), d.ourStatus(m))
			for _, line := range d.ours(m) {
				uid := strings.Fields(line)[0]
				text := strings.ReplaceAll(strings.TrimPrefix(d.run("", "-f", "pager", "fetch", "text", "mailbox", name, "uid", uid), "text:\n"), "\f\n", "")
				var n mail.UID
				fmt.Sscan(uid, &n)
				content, err := readBody(ctx, m, n)
				require.NoError(t, err)
				require.Equal(t, strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")), strings.TrimSpace(strings.ReplaceAll(content, "\r\n", "\n")))
				require.NotContains(t, strings.ReplaceAll(content, "\r\n", ""), "\n")
			}
		}
	}
	require.Equal(t, []string{`1 $Forwarded \Seen urgent`, `2 \Answered later`}, d.ours(in))
	st, err := in.State(ctx)
	require.NoError(t, err)
	require.Equal(t, mail.UID(4), st.UIDNext)
	agree()

	// We work, Dovecot looks.
	addTo(t, in, "Subject: ours\r\n\r\nbody\r\n")
	_, err = in.SetFlags(ctx, mail.UIDSetOf(1, 4), mail.FlagChange{Flags: mail.NewFlags(`\Flagged`, "fresh", "URGENT")})
	require.NoError(t, err)
	_, err = in.Copy(ctx, mail.UIDSetOf(1, 4), viet.Info().ID, nil)
	require.NoError(t, err)
	_, err = in.Copy(ctx, mail.UIDSetOf(2), viet.Info().ID, &mail.CopyOptions{Move: true})
	require.NoError(t, err)
	_, err = viet.Expunge(ctx, mail.UIDSetOf(2), nil)
	require.NoError(t, err)
	agree()

	// Dovecot works, we look.
	since, err := in.State(ctx)
	require.NoError(t, err)
	d.run("Subject: five\n\nhello\n", "save", "-m", "INBOX")
	d.run("", "flags", "remove", `\Flagged`, "mailbox", "INBOX", "uid", "1")
	d.run("", "flags", "add", `\Deleted brandnew`, "mailbox", "INBOX", "uid", "4")
	d.run("", "expunge", "mailbox", "Lists/Việt", "uid", "1")
	agree()
	c, err := in.Changes(ctx, since.HighestModSeq)
	require.NoError(t, err)
	require.Len(t, c.Changed, 3) // 1, 4, 5

	// Names.
	_, err = a.Create(ctx, "Neu/Ordner", nil)
	require.NoError(t, err)
	require.NoError(t, a.Subscribe(ctx, "Neu/Ordner", true))
	require.NoError(t, a.Subscribe(ctx, "x/y/z", false))
	require.NoError(t, a.Rename(ctx, "Lists/Việt", "Liste/Ký tự"))
	require.Equal(t, "INBOX\nListe\nListe/Ký tự\nNeu\nNeu/Ordner\nSent\na&b\n", sorted(d.run("", "mailbox", "list")))
	require.Equal(t, "Lists/Việt\nNeu/Ordner\nSent\n", sorted(d.run("", "mailbox", "list", "-s")))
	require.Equal(t, d.fetch("Liste/Ký tự"), d.ours(viet))
	d.run("", "mailbox", "rename", "Liste/Ký tự", "Từ Dovecot")
	require.Equal(t, d.fetch("Từ Dovecot"), d.ours(open("Từ Dovecot")))
	require.Equal(t, viet.Info().ID, open("Từ Dovecot").Info().ID)
	d.run("", "mailbox", "delete", "Sent")
	_, err = a.Open(ctx, "Sent")
	require.ErrorIs(t, err, mail.ErrNoMailbox)
	// A mailbox made after that has a UIDVALIDITY of its own, whoever makes it.
	d.run("", "mailbox", "create", "Sent")
	require.Equal(t, d.status("Sent"), d.ourStatus(open("Sent")))
	d.run("", "force-resync", "*") // finds nothing to complain of
	require.Equal(t, d.fetch("INBOX"), d.ours(in))
}

func sorted(s string) string {
	lines := slices.Collect(strings.Lines(s))
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// asNobody runs the test that calls it again as a user whose files Dovecot may read, when we are root; it reports whether it did.
func (d *dovecot) asNobody() bool {
	if os.Getuid() != 0 {
		return false
	}
	self, err := os.ReadFile(os.Args[0])
	require.NoError(d.t, err)
	require.NoError(d.t, os.WriteFile(d.dir+"/test", self, 0o755))
	require.NoError(d.t, os.Mkdir(d.dir+"/tmp", 0o700))
	require.NoError(d.t, os.Chown(d.dir+"/tmp", d.uid, d.gid))
	cmd := exec.Command(d.dir+"/test", "-test.run=^"+d.t.Name()+"$", "-test.v")
	cmd.Dir = d.dir
	cmd.Env = append(os.Environ(), "TMPDIR="+d.dir+"/tmp")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(d.uid), Gid: uint32(d.gid)}}
	out, err := cmd.CombinedOutput()
	require.NoError(d.t, err, "%s", out)
	require.Contains(d.t, string(out), "--- PASS: "+d.t.Name())
	return true
}

// TestDovecotAtOnce has both deliver into one mailbox at the same time.
func TestDovecotAtOnce(t *testing.T) {
	d := newDovecot(t)
	if d.asNobody() {
		return
	}
	ctx := t.Context()
	s := &maildir.Store{PathFunc: func(string) (string, error) { return d.mail, nil }, Poll: -1}
	a, err := s.Account(ctx, "alice")
	require.NoError(t, err)
	defer a.Close()
	m, err := a.Open(ctx, "INBOX")
	require.NoError(t, err)
	defer m.Close()
	done := make(chan error, 1)
	go func() {
		for i := range 20 {
			ap, err := m.Append(ctx)
			if err == nil {
				err = ap.Add(ctx, strings.NewReader(fmt.Sprintf("Subject: %d\r\n\r\nours\r\n", i)), nil)
			}
			if err == nil {
				_, err = ap.Commit(ctx)
			}
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for range 20 {
		d.run("Subject: theirs\n\nhello\n", "save", "-m", "INBOX")
	}
	require.NoError(t, <-done)
	d.same("INBOX", m)
	require.Len(t, d.ours(m), 40)
}
