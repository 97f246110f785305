package maildir_test

import (
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
)

// flagNames returns the flags in the names of INBOX's files.
func flagNames(t *testing.T, fs maildir.FS) (out []string) {
	t.Helper()
	for _, d := range []string{"new", "cur"} {
		entries, err := fs.ReadDir("/mail/u/" + d)
		require.NoError(t, err)
		for _, e := range entries {
			_, flags, _ := strings.Cut(e.Name(), ":2,")
			out = append(out, flags)
		}
	}
	return out
}

func change(t *testing.T, m mail.Mailbox, op mail.FlagOp, uid mail.UID, flags ...string) {
	t.Helper()
	_, err := m.SetFlags(t.Context(), mail.UIDSetOf(uid), mail.FlagChange{Op: op, Flags: mail.NewFlags(flags...)})
	require.NoError(t, err)
}

// A power cut takes flags from the names of files and not from the mailbox, which puts them back into the names: also flags
// that were changed there and back, and beside those that another program has set since.
func TestLooseRegained(t *testing.T) {
	lost, kept := 0, 0
	for seed := range uint64(60) {
		r := newRig(t)
		m := r.open("INBOX")
		addTo(t, m, "Subject: 1\r\n\r\n1\r\n")
		change(t, m, mail.FlagsAdd, 1, `\Flagged`, "work")
		change(t, m, mail.FlagsAdd, 1, `\Seen`)
		change(t, m, mail.FlagsRemove, 1, `\Flagged`)
		r.fs = r.fs.Recover(rand.New(rand.NewPCG(seed, 1)))
		found := flagNames(t, r.fs)
		if found[0] == "Sa" {
			kept++
		} else {
			lost++
		}
		if seed%2 == 1 { // another program was here first
			other := "/mail/u/new/"
			entries, err := r.fs.ReadDir(other)
			require.NoError(t, err)
			if len(entries) == 0 {
				other = "/mail/u/cur/"
				entries, err = r.fs.ReadDir(other)
				require.NoError(t, err)
			}
			base, flags, _ := strings.Cut(entries[0].Name(), ":2,")
			flags = strings.NewReplacer("F", "FR", "S", "RS").Replace(flags)
			if !strings.Contains(flags, "R") {
				flags = "R" + flags
			}
			require.NoError(t, r.fs.Rename(other+entries[0].Name(), "/mail/u/cur/"+base+":2,"+flags))
		}
		r.tick(time.Minute)
		r.restart()
		m = r.open("INBOX")
		want := []string{"Sa", "RSa"}[seed%2]
		require.Equal(t, []string{want}, flagNames(t, r.fs), found)
		require.Equal(t, []string{"1 " + map[string]string{"Sa": `\Seen work`, "RSa": `\Seen \Answered work`}[want]}, flagsOf(t, m))
		// They are durable now, and no longer ours to defend.
		r.fs = r.fs.Recover(rand.New(rand.NewPCG(seed, 2)))
		require.Equal(t, []string{want}, flagNames(t, r.fs))
		require.NoError(t, r.fs.Rename("/mail/u/cur/"+nameIn(t, r.fs, "cur"), "/mail/u/cur/"+strings.TrimSuffix(nameIn(t, r.fs, "cur"), want)+"T"))
		r.tick(time.Minute)
		r.restart()
		require.Equal(t, []string{`1 \Deleted`}, flagsOf(t, r.open("INBOX")))
	}
	require.NotZero(t, lost)
	require.NotZero(t, kept)
}

func nameIn(t *testing.T, fs maildir.FS, dir string) string {
	t.Helper()
	entries, err := fs.ReadDir("/mail/u/" + dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	return entries[0].Name()
}

func flagsOf(t *testing.T, m mail.Mailbox) (out []string) {
	t.Helper()
	_, err := m.State(t.Context())
	require.NoError(t, err)
	for msg, err := range m.Messages(t.Context(), mail.AllUIDs(), mail.FieldFlags) {
		require.NoError(t, err)
		out = append(out, fmt.Sprint(msg.UID)+" "+strings.Join(msg.Flags.Names(), " "))
	}
	return out
}

// While the machine runs, names are the truth: another program's change counts, also when ours ended without a word.
func TestLooseNamesCount(t *testing.T) {
	r := newRig(t)
	m := r.open("INBOX")
	addTo(t, m, "Subject: 1\r\n\r\n1\r\n")
	change(t, m, mail.FlagsAdd, 1, `\Seen`)
	r.restart()
	name := nameIn(t, r.fs, "cur")
	require.NoError(t, r.fs.Rename("/mail/u/cur/"+name, "/mail/u/cur/"+strings.TrimSuffix(name, "S")+"F"))
	r.tick(time.Minute)
	require.Equal(t, []string{`1 \Flagged`}, flagsOf(t, r.open("INBOX")))
}

// syncs counts what is synced of a file system.
type syncs struct{ files, dirs atomic.Int32 }

func (s *syncs) on(fs *vfs.Crash) {
	fs.Fail = func(op, name string) error {
		switch op {
		case "sync":
			s.files.Add(1)
		case "syncdir":
			if d := path.Base(name); d == "cur" || d == "new" {
				s.dirs.Add(1)
			}
		}
		return nil
	}
}

func (s *syncs) take() [2]int32 { return [2]int32{s.files.Swap(0), s.dirs.Swap(0)} }

// A flag change costs one sync. The names follow a moment later, once for all that have changed.
func TestLooseSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n syncs
		fs := vfs.NewCrash()
		n.on(fs)
		s := &maildir.Store{Path: "/mail/%u", FS: fs, Host: "h", Poll: -1}
		a, err := s.Account(t.Context(), "u")
		require.NoError(t, err)
		defer a.Close()
		m, err := a.Open(t.Context(), "INBOX")
		require.NoError(t, err)
		defer m.Close()
		addTo(t, m, "Subject: 1\r\n\r\n1\r\n")
		addTo(t, m, "Subject: 2\r\n\r\n2\r\n")
		time.Sleep(time.Minute)
		n.take()
		change(t, m, mail.FlagsAdd, 1, `\Seen`)
		require.Equal(t, [2]int32{1, 0}, n.take())
		change(t, m, mail.FlagsAdd, 2, `\Flagged`)
		require.Equal(t, [2]int32{1, 0}, n.take())
		time.Sleep(999 * time.Millisecond)
		require.Equal(t, [2]int32{0, 0}, n.take())
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, [2]int32{1, 2}, n.take())
		time.Sleep(time.Hour)
		require.Equal(t, [2]int32{0, 0}, n.take())
		// Now they stand without us.
		disk := fs.Recover(rand.New(rand.NewPCG(1, 2)))
		require.ElementsMatch(t, []string{"S", "F"}, flagNames(t, disk))
	})
}

// noBoot is a file system that can't tell whether the machine has stopped.
type noBoot struct{ maildir.FS }

// Where the names can't wait they are synced with the change; so are those of a change of many.
func TestLooseNot(t *testing.T) {
	for what, set := range map[string]func(*maildir.Store){
		"unknown runs": func(s *maildir.Store) { s.FS = noBoot{s.FS} },
		"asked for":    func(s *maildir.Store) { s.SettleAfter = -1 },
		"many":         func(s *maildir.Store) {},
	} {
		r := newRig(t)
		set(r.s)
		m := r.open("INBOX")
		uids := mail.UIDSetOf(1)
		for range 1 + map[bool]int{true: 1100}[what == "many"] {
			uids.Add(addTo(t, m, "x\r\n").UIDs[0])
		}
		var n syncs
		n.on(r.fs)
		_, err := m.SetFlags(t.Context(), uids, mail.FlagChange{Flags: mail.NewFlags(`\Seen`)})
		require.NoError(t, err)
		require.Equal(t, [2]int32{1, 2}, n.take(), what)
	}
}

// Names that are loose are never more than can be put back quickly.
func TestLooseMost(t *testing.T) {
	r := newRig(t)
	m := r.open("INBOX")
	a, err := m.Append(t.Context())
	require.NoError(t, err)
	for range 1500 {
		require.NoError(t, a.Add(t.Context(), strings.NewReader("x\r\n"), nil))
	}
	got, err := a.Commit(t.Context())
	require.NoError(t, err)
	var n syncs
	n.on(r.fs)
	for _, uid := range got.UIDs {
		change(t, m, mail.FlagsAdd, uid, `\Seen`)
	}
	require.Equal(t, int32(2), n.take()[1])
}

// Another program sets \Deleted and takes it away again without our seeing it, and syncs neither. What we set then is durable, and that the message
// isn't to be removed with it: seed 15 of TestCrashRandom, stopped where the name with T came back.
func TestLooseDeletedBefore(t *testing.T) {
	fs := vfs.NewCrash()
	fs.CrashAt(303)
	w := newRandomWork(t, fs, 15)
	require.ErrorIs(t, w.run(60), vfs.ErrCrashed)
	w.recovered(t, fs.Recover(rand.New(rand.NewPCG(15, 303))), "")
}
