package maildir_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/maildir/compress"
	"github.com/stretchr/testify/require"
)

// disk is what a client knows for certain of one mailbox: what was acknowledged.
type known struct {
	validity uint32
	next     mail.UID // no UID below it may be given again
	high     mail.ModSeq
	messages map[mail.UID]knownMessage
	gone     map[mail.UID]bool
}

type knownMessage struct {
	content string
	flags   mail.Flags
	guid    mail.GUID
}

// workload does things until one fails, and keeps book of what was acknowledged. maybe are messages that the step under way
// may have left alone, changed or removed.
type workload struct {
	ctx   context.Context
	fs    *vfs.Crash
	acct  mail.Account
	boxes map[string]*known
	texts map[string]bool
	doing string
	loose map[string]map[mail.UID]bool // flags were changed: without the log, the file's name may be that of before
	maybe map[string]map[mail.UID]bool
	n     int

	compress compress.Codec
}

func storeOn(fs *vfs.Crash) *maildir.Store {
	return &maildir.Store{Path: "/mail/%u", FS: fs, Host: "h", Poll: -1}
}

func newWorkload(ctx context.Context, fs *vfs.Crash) *workload {
	return &workload{ctx: ctx, fs: fs, boxes: map[string]*known{}, loose: map[string]map[mail.UID]bool{}, texts: map[string]bool{}}
}

func (w *workload) open(name string) (mail.Mailbox, *known, error) {
	m, err := w.acct.Open(w.ctx, name)
	if err != nil {
		return nil, nil, err
	}
	k := w.boxes[name]
	st, err := m.State(w.ctx)
	if err != nil {
		return nil, nil, err
	}
	if k == nil {
		k = &known{validity: st.UIDValidity, next: 1, messages: map[mail.UID]knownMessage{}, gone: map[mail.UID]bool{}}
		w.boxes[name] = k
	}
	k.high = max(k.high, st.HighestModSeq)
	return m, k, nil
}

// add appends n messages at once.
func (w *workload) add(name string, n int, size int, flags ...string) error {
	m, k, err := w.open(name)
	if err != nil {
		return err
	}
	defer m.Close()
	a, err := m.Append(w.ctx)
	if err != nil {
		return err
	}
	defer a.Abort()
	var texts []string
	for range n {
		w.n++
		s := fmt.Sprintf("Subject: %d\r\n\r\n%s%d\r\n", w.n, strings.Repeat("line of text\r\n", size/14), w.n)
		w.texts[s] = true
		texts = append(texts, s)
		if err := a.Add(w.ctx, strings.NewReader(s), &mail.AppendOptions{Flags: mail.NewFlags(flags...), Token: s}); err != nil {
			return err
		}
	}
	got, err := a.Commit(w.ctx)
	if err != nil {
		return err
	}
	for i, uid := range got.UIDs {
		k.messages[uid] = knownMessage{content: texts[i], flags: mail.NewFlags(flags...)}
		k.next = max(k.next, uid+1)
	}
	k.high = max(k.high, got.ModSeq)
	for msg, err := range m.Messages(w.ctx, mail.UIDSetOf(got.UIDs...), mail.FieldGUID) {
		if err != nil {
			return err
		}
		x := k.messages[msg.UID]
		x.guid = msg.GUID
		k.messages[msg.UID] = x
	}
	return nil
}

func (w *workload) risk(name string, uids ...mail.UID) {
	w.maybe[name] = map[mail.UID]bool{}
	for _, u := range uids {
		w.maybe[name][u] = true
	}
}

func (w *workload) flag(name string, op mail.FlagOp, flags []string, uids ...mail.UID) error {
	m, k, err := w.open(name)
	if err != nil {
		return err
	}
	defer m.Close()
	w.risk(name, uids...)
	if w.loose[name] == nil {
		w.loose[name] = map[mail.UID]bool{}
	}
	for _, u := range uids {
		w.loose[name][u] = true
	}
	r, err := m.SetFlags(w.ctx, mail.UIDSetOf(uids...), mail.FlagChange{Op: op, Flags: mail.NewFlags(flags...)})
	if err != nil {
		return err
	}
	for _, u := range uids {
		x := k.messages[u]
		x.flags = x.flags.Apply(op, mail.NewFlags(flags...))
		k.messages[u] = x
	}
	k.high = max(k.high, r.ModSeq)
	return nil
}

func (w *workload) expunge(name string, uids ...mail.UID) error {
	m, k, err := w.open(name)
	if err != nil {
		return err
	}
	defer m.Close()
	w.risk(name, uids...)
	r, err := m.Expunge(w.ctx, mail.UIDSetOf(uids...), nil)
	if err != nil {
		return err
	}
	for _, u := range uids {
		delete(k.messages, u)
		k.gone[u] = true
	}
	k.high = max(k.high, r.ModSeq)
	return nil
}

func (w *workload) copy(name, to string, move bool, uids ...mail.UID) error {
	m, k, err := w.open(name)
	if err != nil {
		return err
	}
	defer m.Close()
	other, ok, err := w.open(to)
	if err != nil {
		return err
	}
	defer other.Close()
	if move {
		w.risk(name, uids...)
	}
	r, err := m.Copy(w.ctx, mail.UIDSetOf(uids...), other.Info().ID, &mail.CopyOptions{Move: move})
	if err != nil {
		return err
	}
	for i, u := range r.From {
		ok.messages[r.To[i]] = k.messages[u]
		ok.next = max(ok.next, r.To[i]+1)
		if move {
			delete(k.messages, u)
			k.gone[u] = true
		}
	}
	return nil
}

func (w *workload) run() (err error) {
	s := storeOn(w.fs)
	s.Compress = w.compress
	if w.acct, err = s.Account(w.ctx, "u"); err != nil {
		return err
	}
	defer w.acct.Close()
	steps := []struct {
		name string
		do   func() error
	}{
		{"append", func() error { return w.add("INBOX", 1, 100) }},
		{"append with flags", func() error { return w.add("INBOX", 1, 2000, `\Seen`, "work") }},
		{"append many", func() error { return w.add("INBOX", 3, 600) }},
		{"flags", func() error { return w.flag("INBOX", mail.FlagsAdd, []string{`\Flagged`, "later"}, 1, 3) }},
		{"create", func() error { _, err := w.acct.Create(w.ctx, "a/b", nil); return err }},
		{"copy", func() error { return w.copy("INBOX", "a/b", false, 1, 2) }},
		{"move", func() error { return w.copy("INBOX", "a/b", true, 3) }},
		{"expunge", func() error { return w.expunge("INBOX", 2, 5) }},
		{"append after", func() error { return w.add("INBOX", 1, 30) }},
		{"flags in copy", func() error { return w.flag("a/b", mail.FlagsReplace, []string{`\Deleted`}, 1) }},
		{"recent", func() error {
			m, _, err := w.open("INBOX")
			if err != nil {
				return err
			}
			defer m.Close()
			_, err = m.(mail.RecentTaker).TakeRecent(w.ctx)
			return err
		}},
		{"expunge last", func() error { return w.expunge("INBOX", 6) }},
	}
	for _, s := range steps {
		w.doing, w.maybe = s.name, map[string]map[mail.UID]bool{}
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func readBody(ctx context.Context, m mail.Mailbox, uid mail.UID) (string, error) {
	b, err := m.OpenBody(ctx, uid)
	if err != nil {
		return "", err
	}
	defer b.Close()
	raw, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
	return string(raw), err
}

// verify holds the disk after a crash against what was acknowledged.
func (w *workload) verify(t *testing.T, fs *vfs.Crash, noIndex bool, what string) {
	ctx := w.ctx
	s := storeOn(fs)
	s.Now = func() time.Time { return time.Now().Add(3 * time.Minute) } // it takes a while to start again
	a, err := s.Account(ctx, "u")
	require.NoError(t, err, what)
	defer a.Close()
	for name, k := range w.boxes {
		what := what + ", mailbox " + name
		m, err := a.Open(ctx, name)
		require.NoError(t, err, what)
		st, err := m.State(ctx)
		require.NoError(t, err, what)
		require.Equal(t, k.validity, st.UIDValidity, what)
		require.GreaterOrEqual(t, st.UIDNext, k.next, what)
		require.GreaterOrEqual(t, st.HighestModSeq, k.high, what)
		left := maps.Clone(k.messages)
		for msg, err := range m.Messages(ctx, mail.AllUIDs(), ^mail.Fields(0)) {
			require.NoError(t, err, what)
			content, err := readBody(ctx, m, msg.UID)
			require.NoError(t, err, what)
			require.True(t, w.texts[content], "%s: UID %d holds what nobody sent: %q", what, msg.UID, content)
			require.Equal(t, int64(len(content)), msg.Size, what)
			require.NotEmpty(t, msg.Index, what)
			require.False(t, k.gone[msg.UID], "%s: UID %d was expunged", what, msg.UID)
			x, was := left[msg.UID]
			if !was {
				require.GreaterOrEqual(t, msg.UID, k.next, "%s: UID %d is reused", what, msg.UID)
				continue
			}
			require.Equal(t, x.content, content, what)
			if x.guid != "" {
				require.Equal(t, x.guid, msg.GUID, what)
			}
			if !w.maybe[name][msg.UID] && !(noIndex && w.loose[name][msg.UID]) {
				require.Equal(t, x.flags.Names(), msg.Flags.Names(), what)
			}
			delete(left, msg.UID)
		}
		for uid := range left {
			require.True(t, w.maybe[name][uid], "%s: UID %d is lost", what, uid)
		}
		if _, err := m.Changes(ctx, k.high); !errors.Is(err, mail.ErrTooOld) {
			require.NoError(t, err, what)
		}
		got := addTo(t, m, "after the crash\r\n")
		require.GreaterOrEqual(t, got.UIDs[0], k.next, what)
		require.Greater(t, got.ModSeq, k.high, what)
		require.NoError(t, m.Close())
	}
}

func addTo(t *testing.T, m mail.Mailbox, s string) mail.Appended {
	t.Helper()
	a, err := m.Append(t.Context())
	require.NoError(t, err)
	require.NoError(t, a.Add(t.Context(), strings.NewReader(s), nil))
	got, err := a.Commit(t.Context())
	require.NoError(t, err)
	return got
}

// TestCrash stops the machine at every operation on the disk: what was acknowledged is there, no UID is reused, UIDVALIDITY stays,
// nothing half written is seen.
func TestCrash(t *testing.T) { testCrash(t, compress.Codec{}, 4) }

// The same with messages that are compressed, which are written in other pieces; the Store that finds them doesn't compress.
func TestCrashCompressed(t *testing.T) { testCrash(t, compress.Gzip(1), 1) }

func testCrash(t *testing.T, codec compress.Codec, seeds uint64) {
	t.Parallel()
	whole := newWorkload(t.Context(), vfs.NewCrash())
	whole.compress = codec
	require.NoError(t, whole.run())
	whole.verify(t, whole.fs, false, "no crash")
	ops := whole.fs.Ops()
	t.Log(ops, "operations")
	for n := 1; n <= ops; n++ {
		for seed := range seeds {
			fs := vfs.NewCrash()
			fs.CrashAt(n)
			w := newWorkload(t.Context(), fs)
			w.compress = codec
			err := w.run()
			if err == nil {
				continue // syncs side by side: this time there were fewer
			}
			what := fmt.Sprintf("crash at %d, seed %d, %v", n, seed, err)
			require.ErrorIs(t, err, vfs.ErrCrashed, what)
			disk := fs.Recover(rand.New(rand.NewPCG(seed, uint64(n))))
			if seed == 3 { // what another program than ours would find
				for _, dir := range []string{"/mail/u", "/mail/u/.a.b"} {
					disk.Remove(dir + "/buuta.index.log")
				}
				what += ", index deleted"
			}
			w.verify(t, disk, seed == 3, what)
		}
	}
}

// TestCrashTwice stops the machine again while it recovers.
func TestCrashTwice(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(11, 12))
	for range 300 {
		fs := vfs.NewCrash()
		at := 1 + rnd.IntN(250)
		fs.CrashAt(at)
		w := newWorkload(t.Context(), fs)
		err := w.run()
		disk := fs.Recover(rnd)
		again := 1 + rnd.IntN(15)
		disk.CrashAt(again)
		s := storeOn(disk)
		s.Now = func() time.Time { return time.Now().Add(3 * time.Minute) }
		if a, err := s.Account(t.Context(), "u"); err == nil {
			for name := range w.boxes {
				if m, err := a.Open(t.Context(), name); err == nil {
					m.Close()
				}
			}
			a.Close()
		}
		w.verify(t, disk.Recover(rnd), false, fmt.Sprintf("crash at %d (%v), then at %d", at, err, again))
	}
}
