package maildir_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
)

// filled returns a rig whose INBOX has messages 2 to 6, flags and keywords, and what show says of them.
func filled(t *testing.T) (*rig, []string, mail.State) {
	r := newRig(t)
	m := r.open("INBOX")
	for i := range 6 {
		addTo(t, m, fmt.Sprintf("Subject: %d\r\n\r\n%d\r\n", i, i))
	}
	_, err := m.SetFlags(t.Context(), mail.UIDSetOf(2, 4), mail.FlagChange{Flags: mail.NewFlags(`\Seen`, "work")})
	require.NoError(t, err)
	_, err = m.Expunge(t.Context(), mail.UIDSetOf(1), nil)
	require.NoError(t, err)
	want := r.show(m)
	st := r.state(m)
	r.tick(time.Hour)
	r.restart()
	return r, want, st
}

// same is what must be so after any damage to files that can be rebuilt.
func (r *rig) same(m mail.Mailbox, want []string, was mail.State) {
	r.Helper()
	require.Equal(r, want, r.show(m))
	st := r.state(m)
	require.Equal(r, was.UIDValidity, st.UIDValidity)
	require.Equal(r, was.UIDNext, st.UIDNext)
	require.GreaterOrEqual(r, st.HighestModSeq, was.HighestModSeq)
}

func TestReopen(t *testing.T) {
	r, want, was := filled(t)
	m := r.open("INBOX")
	r.same(m, want, was)
	require.Equal(t, was, r.state(m))
	c := r.changes(m, was.HighestModSeq-1)
	require.Equal(t, "1", c.Vanished.String())
}

// The index may be deleted at any time: UIDs stay, ModSeqs go on above all that were given out, and who asks for changes
// from before is told to resynchronise.
func TestIndexDeleted(t *testing.T) {
	r, want, was := filled(t)
	m := r.open("INBOX")
	guids := func() (out []mail.GUID) {
		for msg, err := range m.Messages(t.Context(), mail.AllUIDs(), mail.FieldGUID) {
			require.NoError(t, err)
			out = append(out, msg.GUID)
		}
		return out
	}
	before := guids()
	r.remove("buuta.index.log")
	r.remove("buuta.index.cache")
	r.same(m, want, was) // while it is open
	require.Greater(t, r.state(m).HighestModSeq, was.HighestModSeq)
	_, err := m.Changes(t.Context(), was.HighestModSeq)
	require.ErrorIs(t, err, mail.ErrTooOld)
	require.Equal(t, before, guids())
	again := r.state(m)
	r.remove("buuta.index.log")
	r.restart()
	r.same(r.open("INBOX"), want, again)
}

// Who leaves a mailbox last leaves a log that is quickly read: a snapshot, when many records stand behind the one that it has.
func TestLastToLeaveWritesSnapshot(t *testing.T) {
	r, _, _ := filled(t)
	r.s.SetLogSlack(20)
	m, other := r.open("INBOX"), r.open("INBOX")
	for range 20 {
		addTo(t, m, "one more\r\n")
	}
	want, was := r.show(m), r.state(m)
	long := r.read("buuta.index.log")
	require.NoError(t, m.Close())
	require.Equal(t, long, r.read("buuta.index.log"), "another session has it open")
	require.NoError(t, other.Close())
	short := r.read("buuta.index.log")
	require.Less(t, len(short), len(long)-500)
	require.NoError(t, r.open("INBOX").Close())
	require.Equal(t, short, r.read("buuta.index.log"), "it is not written again")
	r.restart()
	r.same(r.open("INBOX"), want, was)
}

// A torn or damaged index log counts up to its last good commit; what is missing is found in the files.
func TestIndexDamaged(t *testing.T) {
	_, want, was := filled(t)
	rnd := rand.New(rand.NewPCG(5, 6))
	for i := range 300 {
		r, _, _ := filled(t)
		raw := []byte(r.read("buuta.index.log"))
		switch i % 3 {
		case 0:
			raw = raw[:rnd.IntN(len(raw))]
		case 1:
			raw[rnd.IntN(len(raw))] ^= byte(1 + rnd.IntN(255))
		case 2:
			at := rnd.IntN(len(raw))
			clear(raw[at:min(len(raw), at+512)])
		}
		if len(raw) > 32 && string(raw[8:12]) != "\x02\x00\x00\x00" {
			continue // another version: see below
		}
		r.write("buuta.index.log", string(raw))
		m := r.open("INBOX")
		got := r.state(m)
		require.Equal(t, want, r.show(m))
		require.Equal(t, was.UIDNext, got.UIDNext)
		require.NotZero(t, got.HighestModSeq)
		got2 := addTo(t, m, "x\r\n")
		require.Equal(t, was.UIDNext, got2.UIDs[0])
	}
}

// A frame that is left behind a torn one can't come to life when a longer one is written over it.
func TestIndexStaleFrame(t *testing.T) {
	r, _, _ := filled(t)
	raw := r.read("buuta.index.log")
	m := r.open("INBOX")
	addTo(t, m, "seven\r\n")
	longer := r.read("buuta.index.log")
	require.True(t, strings.HasPrefix(longer, raw))
	r.restart()
	// The last commit but one is torn, the last is whole.
	torn := []byte(longer)
	torn[len(raw)-1] ^= 1
	r.write("buuta.index.log", string(torn))
	m = r.open("INBOX")
	st := r.state(m)
	require.Equal(t, uint32(6), st.Messages)
	require.Less(t, len(r.read("buuta.index.log")), len(longer)+2000)
	r.restart()
	require.Equal(t, st, r.state(r.open("INBOX")))
}

// "An index from a newer version is refused, not destroyed."
func TestIndexNewer(t *testing.T) {
	r, _, _ := filled(t)
	raw := []byte(r.read("buuta.index.log"))
	raw[8] = 99
	// The checksum is that of a file that was meant so.
	maildir.FixHeader(raw)
	r.write("buuta.index.log", string(raw))
	a, err := r.s.Account(t.Context(), "u")
	require.NoError(t, err)
	_, err = a.Open(t.Context(), "INBOX")
	require.ErrorIs(t, err, maildir.ErrNewerIndex)
	require.Equal(t, string(raw), r.read("buuta.index.log"))
}

// A cache entry that isn't what it should be is made again from the message.
func TestCacheDamaged(t *testing.T) {
	r, want, was := filled(t)
	indexes := func(m mail.Mailbox) (out []string) {
		for msg, err := range m.Messages(t.Context(), mail.AllUIDs(), mail.FieldIndex) {
			require.NoError(t, err)
			require.NotEmpty(t, msg.Index)
			out = append(out, string(msg.Index))
		}
		return out
	}
	m := r.open("INBOX")
	before := indexes(m)
	raw := []byte(r.read("buuta.index.cache"))
	for i := range raw {
		if i%40 == 0 {
			raw[i] ^= 0xff
		}
	}
	r.write("buuta.index.cache", string(raw))
	require.Equal(t, before, indexes(m))
	// One of another version of package mime, checksum and all, counts as missing.
	raw = []byte(r.read("buuta.index.cache"))
	maildir.OtherIndexVersion(raw)
	r.write("buuta.index.cache", string(raw))
	require.Equal(t, before, indexes(m))
	r.write("buuta.index.cache", "")
	require.Equal(t, before, indexes(m))
	r.restart()
	m = r.open("INBOX")
	require.Equal(t, before, indexes(m))
	r.same(m, want, was)
}

// The UID list is written again from the index when it is gone, and read around what is damaged in it.
func TestUIDListDamaged(t *testing.T) {
	for name, damage := range map[string]func(string) string{
		"gone":        nil,
		"empty":       func(string) string { return "" },
		"no head":     func(s string) string { return s[strings.Index(s, "\n")+1:] },
		"torn":        func(s string) string { return s[:len(s)-10] },
		"a bad line":  func(s string) string { return strings.Replace(s, "\n3 ", "\nx ", 1) },
		"not ordered": func(s string) string { return strings.Replace(s, "\n3 ", "\n9 ", 1) },
		"no next UID": func(s string) string { return strings.Replace(s, " N1", "", 1) },
		"no GUID":     func(s string) string { return s[:strings.Index(s, " G")] + s[strings.Index(s, "\n"):] },
	} {
		t.Run(name, func(t *testing.T) {
			r, want, was := filled(t)
			list := r.read("dovecot-uidlist")
			if damage == nil {
				r.remove("dovecot-uidlist")
			} else {
				r.write("dovecot-uidlist", damage(list))
			}
			m := r.open("INBOX")
			if name == "not ordered" {
				was.UIDNext = 10 // a UID that was seen is never given again, even if it was an error
			}
			r.same(m, want, was)
			addTo(t, m, "new\r\n")
			now := r.read("dovecot-uidlist")
			require.Contains(t, now, fmt.Sprintf("3 V%d N", was.UIDValidity))
			for _, line := range strings.Split(list, "\n")[2:] {
				require.Contains(t, now, line)
			}
		})
	}
}

// A list of version 1, as Courier's and old Dovecot's, is understood and becomes one of version 3.
func TestUIDListVersion1(t *testing.T) {
	r := newRig(t)
	r.write("cur/11.a.h:2,S", "a\r\n")
	r.write("cur/12.b.h:2,", "b\r\n")
	r.write("new/13.c.h", "c\r\n")
	r.write("dovecot-uidlist", "1 1234567 30\n7 11.a.h\n9 12.b.h:2,\n")
	m := r.open("INBOX")
	require.Equal(t, []string{`7 \Seen: "a\r\n"`, `9 : "b\r\n"`, `30 : "c\r\n"`}, r.show(m))
	st := r.state(m)
	require.Equal(t, uint32(1234567), st.UIDValidity)
	require.Equal(t, uint32(1), st.Recent) // what lies in cur somebody has seen
	require.Regexp(t, `^3 V1234567 N31 G[0-9a-f]{32}\n7 :11\.a\.h\n9 :12\.b\.h\n30 :13\.c\.h\n$`, r.read("dovecot-uidlist"))
}

// Without a list and without an index everything is new; a UIDVALIDITY is never given twice in an account.
func TestAllGone(t *testing.T) {
	r, want, was := filled(t)
	r.remove("dovecot-uidlist")
	r.remove("buuta.index.log")
	m := r.open("INBOX")
	require.Len(t, r.show(m), len(want))
	require.Greater(t, r.state(m).UIDValidity, was.UIDValidity)
}

// Another program may begin a new UIDVALIDITY: then the UIDs are its. Who has the mailbox open with the old ones may do nothing
// more with it: "2" would be another message now (RFC 9051 section 2.3.1.1).
func TestUIDValidityChanged(t *testing.T) {
	r, _, was := filled(t)
	m := r.open("INBOX")
	r.state(m)
	lines := strings.Split(r.read("dovecot-uidlist"), "\n")
	base := lines[3][strings.Index(lines[3], ":"):]
	r.write("dovecot-uidlist", "3 V77 N42 G0123456789abcdef0123456789abcdef\n41 "+base+"\n")
	_, err := m.SetFlags(t.Context(), mail.UIDSetOf(2), mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.Flags{System: mail.Deleted}})
	require.ErrorIs(t, err, mail.ErrNoMailbox)
	_, err = m.Expunge(t.Context(), mail.AllUIDs(), nil)
	require.ErrorIs(t, err, mail.ErrNoMailbox)
	_, err = m.Copy(t.Context(), mail.UIDSetOf(2), m.Info().ID, nil)
	require.ErrorIs(t, err, mail.ErrNoMailbox)
	_, err = m.OpenBody(t.Context(), 41)
	require.ErrorIs(t, err, mail.ErrNoMailbox)
	_, err = m.Changes(t.Context(), 1)
	require.ErrorIs(t, err, mail.ErrNoMailbox)
	_, err = m.State(t.Context())
	require.ErrorIs(t, err, mail.ErrNoMailbox)
	for _, err := range m.Messages(t.Context(), mail.AllUIDs(), 0) {
		require.ErrorIs(t, err, mail.ErrNoMailbox)
	}
	m = r.open("INBOX")
	st := r.state(m)
	require.Equal(t, uint32(77), st.UIDValidity)
	require.Equal(t, mail.UID(46), st.UIDNext)
	require.Equal(t, uint32(5), st.Messages)
	require.Greater(t, st.HighestModSeq, was.HighestModSeq)
	require.Equal(t, `41 : "Subject: 2\r\n\r\n2\r\n"`, r.show(m)[0])
	r.restart()
	require.Equal(t, st, r.state(r.open("INBOX")))
}

// A file whose UID was reported as gone and that is back, from a backup say, gets another UID.
func TestExpungedFileComesBack(t *testing.T) {
	r, want, was := filled(t)
	m := r.open("INBOX")
	name := r.files("cur")[0]
	content := r.read("cur/" + name)
	r.remove("cur/" + name)
	require.Len(t, r.show(m), len(want)-1)
	r.write("cur/"+name, content)
	got := r.show(m)
	require.Len(t, got, len(want))
	require.True(t, strings.HasPrefix(got[4], fmt.Sprintf("%d ", was.UIDNext)), got[4])
	require.Equal(t, 1, strings.Count(r.read("dovecot-uidlist"), strings.Split(name, ":")[0]))
}

// Keywords that Dovecot adds to its file are known; lines that make no sense are passed over.
func TestKeywordsFile(t *testing.T) {
	r := newRig(t)
	r.write("dovecot-keywords", "0 work\n1 $Forwarded\nx y\n30 z\n2 bad keyword\n3\n4 later\n")
	r.write("cur/1.x.h:2,Sbe", "x\r\n")
	m := r.open("INBOX")
	require.Equal(t, []string{`1 \Seen $Forwarded later: "x\r\n"`}, r.show(m))
	r.write("dovecot-keywords", "0 work\n1 $Forwarded\n4 later\n2 third\n")
	r.rename("cur/1.x.h:2,Sbe", "cur/1.x.h:2,Sc")
	require.Equal(t, []string{`1 \Seen third: "x\r\n"`}, r.show(m))
	_, err := m.SetFlags(t.Context(), mail.AllUIDs(), mail.FlagChange{Flags: mail.NewFlags("fourth", "LATER")})
	require.NoError(t, err)
	require.Equal(t, "0 work\n1 $Forwarded\n2 third\n3 fourth\n4 later\n", r.read("dovecot-keywords"))
	r.remove("dovecot-keywords") // written again from the index
	require.Equal(t, []string{`1 \Seen fourth later third: "x\r\n"`}, r.show(m))
	require.Contains(t, r.read("dovecot-keywords"), "3 fourth\n")
}

// 26 letters, no more: mail.ErrLimit, and the message is as before.
func TestKeywordsLimit(t *testing.T) {
	r := newRig(t)
	m := r.open("INBOX")
	addTo(t, m, "x\r\n")
	var all []string
	for i := range 26 {
		all = append(all, fmt.Sprintf("kw%d", i))
	}
	_, err := m.SetFlags(t.Context(), mail.AllUIDs(), mail.FlagChange{Flags: mail.NewFlags(all...)})
	require.NoError(t, err)
	before := r.show(m)
	_, err = m.SetFlags(t.Context(), mail.AllUIDs(), mail.FlagChange{Flags: mail.NewFlags(`\Seen`, "one-more")})
	require.ErrorIs(t, err, mail.ErrLimit)
	require.Equal(t, before, r.show(m))
}

// Leftovers in tmp go after 36 hours, as Maildir has it; what is younger stays, and so does what is being appended with an old date.
func TestStaleTmp(t *testing.T) {
	for _, again := range []string{"opened anew", "open all the time"} {
		t.Run(again, func(t *testing.T) {
			r := newRig(t)
			m := r.open("INBOX")
			r.state(m)
			r.write("tmp/old", "x")
			r.tick(36 * time.Hour)
			r.write("tmp/young", "x")
			r.tick(time.Hour)
			a, err := m.Append(t.Context())
			require.NoError(t, err)
			require.NoError(t, a.Add(t.Context(), strings.NewReader("x\r\n"), &mail.AppendOptions{InternalDate: r.now.Add(-1000 * time.Hour)}))
			if again == "opened anew" {
				r.restart()
				r.state(r.open("INBOX"))
			} else {
				addTo(t, m, "y\r\n")
			}
			left := r.files("tmp")
			require.Len(t, left, 2)
			require.Contains(t, left, "young")
			_, err = a.Commit(t.Context())
			require.NoError(t, err)
			require.Equal(t, []string{"young"}, r.files("tmp"))
		})
	}
}

// Dovecot's lock is waited for, broken when its holder is dead or it is older than two minutes, and otherwise respected.
func TestDotLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{T: t, fs: vfs.NewCrash()}
		r.s = &maildir.Store{Path: "/mail/%u", FS: r.fs, Poll: -1}
		m := r.open("INBOX")
		host, err := os.Hostname()
		require.NoError(t, err)
		lock := func(holder string) {
			f, err := r.fs.OpenFile(root+"/dovecot-uidlist.lock", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			require.NoError(t, err)
			_, err = f.Write([]byte(holder))
			require.NoError(t, err)
			require.NoError(t, f.Close())
		}
		began := time.Now()
		lock(fmt.Sprintf("%d:%s", os.Getppid(), host)) // somebody who lives
		time.AfterFunc(5*time.Second, func() { r.fs.Remove(root + "/dovecot-uidlist.lock") })
		addTo(t, m, "1\r\n")
		require.InDelta(t, 5, time.Since(began).Seconds(), 0.2)

		lock(fmt.Sprintf("%d:%s", 1<<22+1, host)) // no Linux process has this number
		began = time.Now()
		addTo(t, m, "2\r\n")
		require.Less(t, time.Since(began), time.Second)

		lock("1:elsewhere")
		a, err := m.Append(t.Context())
		require.NoError(t, err)
		require.NoError(t, a.Add(t.Context(), strings.NewReader("3\r\n"), nil))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, err = a.Commit(ctx)
		require.ErrorIs(t, err, mail.ErrStoreInUse)
		require.Equal(t, uint32(2), r.state(m).Messages)
		require.Empty(t, r.files("tmp"))
		time.Sleep(2 * time.Minute)
		addTo(t, m, "3\r\n")
		require.Equal(t, uint32(3), r.state(m).Messages)
	})
}

// A disk that fails takes nothing with it: the call's error says so, and what was there is there when it works again.
func TestDiskErrors(t *testing.T) {
	full := fmt.Errorf("no space left on device")
	for n := 1; n < 60; n++ {
		r, want, was := filled(t)
		m := r.open("INBOX")
		r.state(m)
		at := 0
		r.fs.Fail = func(op, name string) error {
			if op == "write" || op == "sync" || op == "rename" || op == "syncdir" || op == "link" || op == "create" {
				if at++; at == n {
					return full
				}
			}
			return nil
		}
		a, err := m.Append(t.Context())
		require.NoError(t, err)
		err = a.Add(t.Context(), strings.NewReader("new\r\n"), nil)
		if err == nil {
			_, err = a.Commit(t.Context())
		}
		a.Abort()
		appended := err == nil
		if err != nil {
			require.ErrorIs(t, err, full)
		}
		_, ferr := m.SetFlags(t.Context(), mail.UIDSetOf(3), mail.FlagChange{Flags: mail.NewFlags(`\Seen`)})
		r.fs.Fail = nil
		got := r.show(m)
		require.Equal(t, want[0], got[0])
		if ferr == nil {
			require.True(t, strings.HasPrefix(got[1], `3 \Seen`), got[1])
		}
		require.Equal(t, want[2:], got[2:5])
		require.Equal(t, appended, len(got) == 6, "n=%d: %v %v", n, err, got)
		require.Empty(t, r.files("tmp"))
		uid := addTo(t, m, "later\r\n").UIDs[0]
		require.GreaterOrEqual(t, uid, was.UIDNext)
		if appended && ferr == nil && at < n {
			return // every place has failed once
		}
	}
	t.Fatal("more operations than were tried")
}

// Log, cache and UID list of a mailbox through which much mail goes stay small, and keep what is there.
func TestCompaction(t *testing.T) {
	r := newRig(t)
	m := r.open("INBOX")
	keep := addTo(t, m, "Subject: stays\r\n\r\nx\r\n").UIDs[0]
	indexes := func(m mail.Mailbox) (out []string) {
		for msg, err := range m.Messages(t.Context(), mail.AllUIDs(), mail.FieldIndex) {
			require.NoError(t, err)
			out = append(out, string(msg.Index))
		}
		return out
	}
	want := indexes(m)
	require.Len(t, want, 1)
	for i := range 2500 {
		got := addTo(t, m, fmt.Sprintf("Subject: %d\r\nX: %s\r\n\r\nx\r\n", i, strings.Repeat("y", 60)))
		_, err := m.Expunge(t.Context(), mail.UIDSetOf(got.UIDs...), nil)
		require.NoError(t, err)
	}
	require.Less(t, len(r.read("buuta.index.cache")), 150000)
	require.Less(t, len(r.read("dovecot-uidlist")), 20000)
	require.Less(t, len(r.read("buuta.index.log")), 1000000)
	require.Equal(t, want, indexes(m))
	st := r.state(m)
	require.Equal(t, mail.UID(2502), st.UIDNext)
	r.restart()
	m = r.open("INBOX")
	require.Equal(t, want, indexes(m))
	require.Equal(t, st, r.state(m))
	require.Equal(t, keep, mail.UID(1))
	c := r.changes(m, st.HighestModSeq-10)
	require.Equal(t, 5, c.Vanished.Count())
}

// An index that is missing, damaged or of an earlier version is made again from the UID list and the files, and the log says so.
func TestIndexRebuiltSaysSo(t *testing.T) {
	for what, harm := range map[string]func(r *rig){
		"is missing":    func(r *rig) { r.remove("buuta.index.log") },
		"it is damaged": func(r *rig) { r.write("buuta.index.log", "BuutaLog and nothing that fits") },
		"an earlier version wrote": func(r *rig) {
			raw := []byte(r.read("buuta.index.log"))
			raw[8] = 1
			maildir.FixHeader(raw)
			r.write("buuta.index.log", string(raw))
		},
	} {
		r, want, was := filled(t)
		harm(r)
		var log strings.Builder
		r.s.Logger = slog.New(slog.NewTextHandler(&log, nil))
		r.same(r.open("INBOX"), want, was)
		require.Contains(t, log.String(), what)
		require.Contains(t, log.String(), "mailbox=INBOX")
	}
	// A new mailbox has lost nothing.
	var log strings.Builder
	r := newRig(t)
	r.s.Logger = slog.New(slog.NewTextHandler(&log, nil))
	r.open("INBOX")
	require.Empty(t, log.String())
}
