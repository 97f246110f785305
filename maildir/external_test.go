package maildir_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
)

// rig is a store on a file system in memory, with a clock that stands until it is moved.
type rig struct {
	*testing.T
	fs  *vfs.Crash
	now time.Time
	s   *maildir.Store
}

const root = "/mail/u"

func newRig(t *testing.T) *rig {
	r := &rig{T: t, fs: vfs.NewCrash(), now: time.Date(2026, 5, 1, 12, 0, 0, 123456789, time.UTC)}
	r.fs.Now = func() time.Time { return r.now }
	r.restart()
	return r
}

// restart begins with a new Store on the same disk.
func (r *rig) restart() {
	r.s = &maildir.Store{Path: "/mail/%u", FS: r.fs, Host: "h", Poll: -1, SettleAfter: time.Hour, Now: func() time.Time { return r.now }}
}

func (r *rig) tick(d time.Duration) { r.now = r.now.Add(d) }

func (r *rig) open(name string) mail.Mailbox {
	r.Helper()
	a, err := r.s.Account(r.Context(), "u")
	require.NoError(r, err)
	m, err := a.Open(r.Context(), name)
	require.NoError(r, err)
	r.Cleanup(func() { m.Close(); a.Close() })
	return m
}

// write makes a file as another program does.
func (r *rig) write(name, content string) {
	r.Helper()
	r.tick(time.Second)
	require.NoError(r, r.fs.MkdirAll(path.Dir(root+"/"+name), 0o700))
	f, err := r.fs.OpenFile(root+"/"+name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	require.NoError(r, err)
	_, err = f.Write([]byte(content))
	require.NoError(r, err)
	require.NoError(r, f.Close())
}

func (r *rig) read(name string) string {
	r.Helper()
	f, err := r.fs.OpenFile(root+"/"+name, os.O_RDONLY, 0)
	require.NoError(r, err)
	defer f.Close()
	b, err := io.ReadAll(f)
	require.NoError(r, err)
	return string(b)
}

func (r *rig) rename(from, to string) {
	r.Helper()
	r.tick(time.Second)
	require.NoError(r, r.fs.Rename(root+"/"+from, root+"/"+to))
}

func (r *rig) remove(name string) {
	r.Helper()
	r.tick(time.Second)
	require.NoError(r, r.fs.Remove(root+"/"+name))
}

func (r *rig) files(dir string) []string {
	r.Helper()
	entries, err := r.fs.ReadDir(root + "/" + dir)
	require.NoError(r, err)
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func (r *rig) state(m mail.Mailbox) mail.State {
	r.Helper()
	st, err := m.State(r.Context())
	require.NoError(r, err)
	return st
}

// show returns "uid flags: content" of each message, after a look at what others did.
func (r *rig) show(m mail.Mailbox) []string {
	r.Helper()
	r.state(m)
	out := []string{}
	for msg, err := range m.Messages(r.Context(), mail.AllUIDs(), ^mail.Fields(0)) {
		require.NoError(r, err)
		content, err := readBody(r.Context(), m, msg.UID)
		require.NoError(r, err)
		require.Equal(r, int64(len(content)), msg.Size)
		out = append(out, fmt.Sprintf("%d %s: %q", msg.UID, strings.Join(msg.Flags.Names(), " "), content))
	}
	return out
}

func (r *rig) changes(m mail.Mailbox, since mail.ModSeq) mail.Changes {
	r.Helper()
	c, err := m.Changes(r.Context(), since)
	require.NoError(r, err)
	return c
}

// Mail that others drop into new or cur appears, with CRLF whatever its line ends are.
func TestExternalDelivery(t *testing.T) {
	r := newRig(t)
	m := r.open("INBOX")
	st := r.state(m)
	r.write("new/1777.b.host", "a: b\n\nlf\n")
	r.write("new/1776.a.host,S=10", "a: b\r\n\r\nx\n") // older: gets the lower UID
	r.write("cur/1778.c.host,S=9,W=12:2,FS", "a: b\n\nlf\n")
	require.Equal(t, []string{`1 : "a: b\r\n\r\nx\r\n"`, `2 : "a: b\r\n\r\nlf\r\n"`, `3 \Seen \Flagged: "a: b\r\n\r\nlf\r\n"`}, r.show(m)[:3])
	c := r.changes(m, st.HighestModSeq)
	require.Len(t, c.Changed, 3)
	require.Equal(t, uint32(3), c.State.Recent)
	lines := strings.Split(r.read("dovecot-uidlist"), "\n")
	require.Equal(t, []string{"1 :1776.a.host,S=10", "2 :1777.b.host", "3 :1778.c.host,S=9,W=12"}, lines[1:4])
}

// A W= that isn't true is found out when the message is read.
func TestExternalWrongSize(t *testing.T) {
	r := newRig(t)
	m := r.open("INBOX")
	r.write("cur/1.c.host,S=9,W=11:2,FS", "a: b\n\nlf\n")
	require.Equal(t, int64(11), r.state(m).Size)
	content, err := readBody(t.Context(), m, 1)
	require.NoError(t, err)
	require.Equal(t, "a: b\r\n\r\nlf\r\n", content)
	require.Equal(t, int64(12), r.state(m).Size)
	require.Equal(t, []string{`1 \Seen \Flagged: "a: b\r\n\r\nlf\r\n"`}, r.show(m))
	r.restart()
	require.Equal(t, int64(12), r.state(r.open("INBOX")).Size)
	// An S= that isn't true isn't believed at all.
	r.write("cur/2.c.host,S=8,W=12:2,", "a: b\n\nlf\n")
	require.Equal(t, int64(24), r.state(m).Size)
}

// What is no message is left alone: names with a dot before them, folders, names that can't stand in a UID list.
func TestExternalStrangeNames(t *testing.T) {
	r := newRig(t)
	m := r.open("INBOX")
	r.write("new/.nfs0001", "x")
	r.write("cur/sub/file", "x")
	r.write("new/a\nb", "x")
	r.write("new/"+strings.Repeat("x", 300), "x")
	r.write("new/:2,S", "x")
	require.Empty(t, r.show(m))
	require.Equal(t, mail.UID(1), r.state(m).UIDNext)
}

// Flags that another program changes by renaming are seen, and so are a move from new to cur and a removal.
func TestExternalFlags(t *testing.T) {
	r := newRig(t)
	m := r.open("INBOX")
	for i := range 3 {
		r.write(fmt.Sprintf("new/%d.x.h", i+1), "x\r\n")
	}
	st := r.state(m)
	r.rename("new/2.x.h", "cur/2.x.h:2,RS")
	r.remove("new/3.x.h")
	c := r.changes(m, st.HighestModSeq)
	require.Equal(t, "3", c.Vanished.String())
	require.Len(t, c.Changed, 1)
	require.Equal(t, mail.NewFlags(`\Seen`, `\Answered`), c.Changed[0].Flags)
	require.Equal(t, uint32(1), c.State.Unseen)
	// Only the place: no change that anybody must be told of.
	r.rename("new/1.x.h", "cur/1.x.h:2,")
	require.Equal(t, c.State.HighestModSeq, r.state(m).HighestModSeq)
	require.Equal(t, []string{`1 : "x\r\n"`, `2 \Seen \Answered: "x\r\n"`}, r.show(m))
	// A name without info in cur, and a letter that IMAP has no flag for, which is kept.
	r.rename("cur/1.x.h:2,", "cur/1.x.h")
	r.rename("cur/2.x.h:2,RS", "cur/2.x.h:2,PRS")
	require.Equal(t, c.State.HighestModSeq, r.state(m).HighestModSeq)
	_, err := m.SetFlags(t.Context(), mail.AllUIDs(), mail.FlagChange{Op: mail.FlagsReplace, Flags: mail.NewFlags(`\Flagged`, "kw")})
	require.NoError(t, err)
	require.Equal(t, []string{"1.x.h:2,Fa", "2.x.h:2,FPa"}, r.files("cur"))
	r.restart()
	require.Equal(t, []string{`1 \Flagged kw: "x\r\n"`, `2 \Flagged kw: "x\r\n"`}, r.show(r.open("INBOX")))
}

// A file that was renamed or removed since the last look is found again, or found gone, by whatever call comes first.
func TestExternalRenameMeanwhile(t *testing.T) {
	r := newRig(t)
	m := r.open("INBOX")
	for i := range 5 {
		r.write(fmt.Sprintf("cur/%d.x.h:2,", i+1), fmt.Sprintf("%d\r\n", i+1))
	}
	r.state(m)
	for i := range 4 {
		r.rename(fmt.Sprintf("cur/%d.x.h:2,", i+1), fmt.Sprintf("cur/%d.x.h:2,S", i+1))
	}
	content, err := readBody(t.Context(), m, 1)
	require.NoError(t, err)
	require.Equal(t, "1\r\n", content)
	r.rename("cur/1.x.h:2,S", "cur/1.x.h:2,ST")
	r.remove("cur/5.x.h:2,")
	_, err = m.OpenBody(t.Context(), 5)
	require.ErrorIs(t, err, mail.ErrExpunged)
	res, err := m.SetFlags(t.Context(), mail.AllUIDs(), mail.FlagChange{Flags: mail.NewFlags(`\Draft`)})
	require.NoError(t, err)
	require.Equal(t, "1:4", res.Changed.String())
	require.Equal(t, []string{"1.x.h:2,DST", "2.x.h:2,DS", "3.x.h:2,DS", "4.x.h:2,DS"}, r.files("cur"))
	_, err = m.Expunge(t.Context(), mail.UIDSetOf(2), nil)
	require.NoError(t, err)
	r.rename("cur/3.x.h:2,DS", "cur/3.x.h:2,")
	_, err = m.Expunge(t.Context(), mail.UIDSetOf(3), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"1.x.h:2,DST", "4.x.h:2,DS"}, r.files("cur"))
}

// A delivery in the same instant as our own change leaves the folder's time as we know it. It is found a moment later.
func TestExternalSameInstant(t *testing.T) {
	r := newRig(t)
	m := r.open("INBOX")
	addTo(t, m, "ours\r\n")
	now := r.now
	r.write("new/1.theirs", "theirs\r\n")
	require.NoError(t, r.fs.Chtimes(root+"/new", now, now))
	r.now = now
	require.Equal(t, uint32(1), r.state(m).Messages) // can't be known yet
	r.tick(25 * time.Millisecond)
	require.Equal(t, uint32(2), r.state(m).Messages)
}

// A look at the folders in the middle of other sessions' changes, which one commit carries together, takes none of them for
// somebody else's.
func TestExternalLookAmongChanges(t *testing.T) {
	r := newRig(t)
	m := r.open("INBOX")
	for i := range 40 {
		r.write(fmt.Sprintf("cur/%d.x.h:2,", 1000+i), "x\r\n")
	}
	r.state(m)
	var wg sync.WaitGroup
	for i := range 40 {
		require.NoError(t, r.fs.Rename(fmt.Sprintf("%s/cur/%d.x.h:2,", root, 1000+i), fmt.Sprintf("%s/cur/%d.x.h:2,S", root, 1000+i)))
		wg.Go(func() { addTo(t, m, "y\r\n") })
		wg.Go(func() {
			if _, err := m.Expunge(t.Context(), mail.UIDSetOf(mail.UID(100+i)), nil); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if _, err := readBody(t.Context(), m, mail.UID(i+1)); err != nil && !errors.Is(err, mail.ErrExpunged) {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if _, err := m.Copy(t.Context(), mail.UIDSetOf(mail.UID(i+1)), m.Info().ID, &mail.CopyOptions{Move: true}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	names := map[string]bool{}
	for _, d := range []string{"new", "cur"} {
		for _, f := range r.files(d) {
			names[f] = true
		}
	}
	require.Len(t, r.show(m), len(names))
	require.Empty(t, r.files("tmp"))
}

// One message in new and cur under one base name is one message.
func TestExternalDuplicate(t *testing.T) {
	r := newRig(t)
	m := r.open("INBOX")
	r.write("new/1.x.h", "x\r\n")
	require.Len(t, r.show(m), 1)
	r.write("cur/1.x.h:2,S", "x\r\n")
	require.Equal(t, []string{`1 \Seen: "x\r\n"`}, r.show(m))
}

// Whoever watches is told of other programs' deliveries within Store.Poll.
func TestExternalWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{T: t, fs: vfs.NewCrash()}
		r.s = &maildir.Store{Path: "/mail/%u", FS: r.fs, Poll: time.Second}
		m := r.open("INBOX")
		st := r.state(m)
		woken := make(chan struct{}, 10)
		cancel := m.Watch(func() { woken <- struct{}{} })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Empty(t, woken)
		r.write("new/1.x.h", "x\r\n")
		begin := time.Now()
		<-woken
		require.LessOrEqual(t, time.Since(begin), time.Second)
		require.Len(t, r.changes(m, st.HighestModSeq).Changed, 1)
		cancel()
		synctest.Wait()
	})
}

// Two processes of ours on one tree: every message once, every UID once.
func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	var boxes []mail.Mailbox
	for range 2 {
		s := &maildir.Store{Path: dir, Poll: -1}
		a, err := s.Account(t.Context(), "u")
		require.NoError(t, err)
		m, err := a.Open(t.Context(), "INBOX")
		require.NoError(t, err)
		t.Cleanup(func() { m.Close(); a.Close() })
		boxes = append(boxes, m)
	}
	var wg sync.WaitGroup
	for i, m := range boxes {
		wg.Go(func() {
			for j := range 15 {
				addTo(t, m, fmt.Sprintf("%d-%d\r\n", i, j))
				_, err := m.SetFlags(t.Context(), mail.UIDSetOf(mail.UID(j+1)), mail.FlagChange{Flags: mail.NewFlags(fmt.Sprintf("p%d", i))})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	a, err := boxes[0].State(t.Context())
	require.NoError(t, err)
	b, err := boxes[1].State(t.Context())
	require.NoError(t, err)
	require.Equal(t, a, b)
	require.Equal(t, uint32(30), a.Messages)
	require.Equal(t, mail.UID(31), a.UIDNext)
	for msg, err := range boxes[1].Messages(t.Context(), mail.UIDRangeSet(1, 15), mail.FieldFlags) {
		require.NoError(t, err)
		require.True(t, msg.Flags.Has("p0") && msg.Flags.Has("p1"), "UID %d: %v", msg.UID, msg.Flags)
	}
}

// A tree that was Courier's keeps its UIDs: courierimapuiddb is a list of version 1.
func TestCourier(t *testing.T) {
	r := newRig(t)
	r.write("cur/1000.a.h,S=3:2,S", "a\r\n")
	r.write("new/1001.b.h", "b\r\n")
	r.write("new/1002.c.h", "c\r\n")
	r.write("courierimapuiddb", "1 777 50\n7 1000.a.h,S=3\n9 1001.b.h\n")
	m := r.open("INBOX")
	st, err := m.State(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint32(777), st.UIDValidity)
	require.Equal(t, mail.UID(51), st.UIDNext)
	for uid, want := range map[mail.UID]string{7: "a\r\n", 9: "b\r\n", 50: "c\r\n"} {
		got, err := readBody(t.Context(), m, uid)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	// It is Dovecot's from now on.
	require.Contains(t, r.read("dovecot-uidlist"), "3 V777 N51 G")
}

// Another program's change of a name in the same instant as ours, which the folder's time doesn't show, is not overwritten by our next:
// the name is the truth, and what we change begins from it.
func TestExternalFlagsSameInstant(t *testing.T) {
	r := newRig(t)
	m := r.open("INBOX")
	for i := range 5 {
		r.write(fmt.Sprintf("cur/%d.x.h:2,T", i+1), "x\r\n")
	}
	r.tick(time.Minute)
	was := r.state(m).HighestModSeq
	change(t, m, mail.FlagsAdd, 4, `\Draft`) // now the folder's time is this instant
	now := r.now
	for from, to := range map[string]string{"cur/1.x.h:2,T": "cur/1.x.h:2,ST", "cur/2.x.h:2,T": "cur/2.x.h:2,ST", "cur/3.x.h:2,T": "cur/3.x.h:2,", "cur/5.x.h:2,T": "cur/5.x.h:2,"} {
		r.rename(from, to)
	}
	require.NoError(t, r.fs.Chtimes(root+"/cur", now, now))
	r.now = now
	change(t, m, mail.FlagsAdd, 1, `\Flagged`)
	change(t, m, mail.FlagsAdd, 5, `\Deleted`) // which it had
	require.Contains(t, r.files("cur"), "5.x.h:2,T")
	res, err := m.SetFlags(t.Context(), mail.UIDSetOf(2), mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.NewFlags(`\Flagged`), UnchangedSince: was})
	require.NoError(t, err)
	require.Equal(t, "2", res.Modified.String())
	got, err := m.Expunge(t.Context(), mail.AllUIDs(), &mail.ExpungeOptions{OnlyDeleted: true})
	require.NoError(t, err)
	require.Equal(t, "1:2,4:5", got.Removed.String())
	require.Equal(t, []string{"3.x.h:2,"}, r.files("cur"))
}

// Files that came within a second are in the order in which they came.
func TestOrderOfArrival(t *testing.T) {
	r := newRig(t)
	for i, name := range []string{"1204680122.M532521P1.h", "1204680122.M99P2.h", "1204680121.M999999P3.h", "1204680122.M7042P1.h", "1204680122.27.h", "1204680122.M532521P0.h"} {
		r.write("new/"+name, fmt.Sprintf("Subject: %d\n\n", i))
	}
	m := r.open("INBOX")
	var got []string
	for _, line := range r.show(m) {
		_, subject, _ := strings.Cut(line, "Subject: ")
		got = append(got, subject[:1])
	}
	require.Equal(t, []string{"2", "4", "1", "3", "5", "0"}, got)
}
