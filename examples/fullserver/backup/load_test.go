package backup

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/queue"
)

// fate is what has happened to a message so far, as whoever did it was answered.
type fate struct {
	box     string   // where it is; "" while it is moving, or gone
	uids    []string // every "mailbox UID" that it has had
	flags   []string // those that it has had since the backup began, and the last before
	asked   bool     // its removal was asked for
	removed bool     // and answered
	early   bool     // it was there before the backup began
}

// world changes an account and remembers every answer.
type world struct {
	t     *testing.T
	a     mail.Account
	mu    sync.Mutex
	began bool
	msgs  map[string]*fate
	n     int
}

func (w *world) deliver(box string) {
	w.mu.Lock()
	w.n++
	name := fmt.Sprintf("m%05d", w.n)
	w.mu.Unlock()
	uid, ok := w.append(box, name)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.msgs[name] = &fate{box: box, uids: []string{fmt.Sprint(uid)}, flags: []string{""}, early: !w.began}
}

func (w *world) append(box, name string) (mail.UID, bool) {
	b, err := w.a.Open(w.t.Context(), box)
	if errors.Is(err, mail.ErrNoMailbox) {
		return 0, false // it has just got another name
	}
	require.NoError(w.t, err)
	defer b.Close()
	tx, err := b.Append(w.t.Context())
	require.NoError(w.t, err)
	defer tx.Abort()
	if err := tx.Add(w.t.Context(), strings.NewReader("Subject: "+name+"\r\n\r\n"+strings.Repeat("x", rand.IntN(3000))), &mail.AppendOptions{GUID: mail.GUID(name)}); err != nil {
		require.True(w.t, errors.Is(err, mail.ErrNoMailbox) || errors.Is(err, os.ErrNotExist), err)
		return 0, false
	}
	done, err := tx.Commit(w.t.Context())
	if err != nil {
		require.True(w.t, errors.Is(err, mail.ErrNoMailbox) || errors.Is(err, os.ErrNotExist), err)
		return 0, false
	}
	return done.UIDs[0], true
}

// touch changes, moves or removes some message that nobody else is at.
func (w *world) touch(what int) {
	w.mu.Lock()
	var f *fate
	for _, f = range w.msgs {
		if f.box == "INBOX" || f.box == "Archive" {
			break
		}
	}
	if f == nil || f.box == "" || f.box == "Lists" {
		w.mu.Unlock()
		return
	}
	box, uid := f.box, f.uids[len(f.uids)-1]
	f.box = ""
	flags := fmt.Sprintf(`\Seen k%d`, rand.IntN(6))
	switch what {
	case 0:
		f.flags = append(f.flags, flags)
	case 1:
		f.asked = true
	}
	w.mu.Unlock()
	var n mail.UID
	_, err := fmt.Sscan(uid, &n)
	require.NoError(w.t, err)
	b, err := w.a.Open(w.t.Context(), box)
	require.NoError(w.t, err)
	defer b.Close()
	switch what {
	case 0:
		_, err = b.SetFlags(w.t.Context(), mail.UIDSetOf(n), mail.FlagChange{Op: mail.FlagsReplace, Flags: mail.NewFlags(strings.Fields(flags)...)})
	case 1:
		_, err = b.Expunge(w.t.Context(), mail.UIDSetOf(n), nil)
		box = ""
	default:
		to := map[string]string{"INBOX": "Archive", "Archive": "INBOX"}[box]
		target, oerr := w.a.Open(w.t.Context(), to)
		require.NoError(w.t, oerr)
		defer target.Close()
		var moved mail.UIDMap
		if moved, err = b.Copy(w.t.Context(), mail.UIDSetOf(n), target.Info().ID, &mail.CopyOptions{Move: true}); err == nil {
			uid, box = fmt.Sprint(moved.To[0]), to
		}
	}
	require.NoError(w.t, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	f.box, f.removed = box, what == 1
	f.uids = append(f.uids, uid)
	if !w.began {
		f.flags = f.flags[len(f.flags)-1:]
	}
}

// Backups are made while mail comes, flags change, messages move, go, and a mailbox is renamed. Each is a state in which the account was: all that was
// answered before and not removed since is there, with a UID and flags that it had; what was removed before isn't; nothing is there twice.
func TestUnderLoad(t *testing.T) {
	s := newSite(t)
	a := s.account("an")
	for _, name := range []string{"Archive", "Lists"} {
		_, err := a.Create(t.Context(), name, nil)
		require.NoError(t, err)
	}
	w := &world{t: t, a: a, msgs: map[string]*fate{}}
	for range 300 {
		w.deliver("INBOX")
	}
	s.Store = storeAt(s.dir + "/data/mail") // of another process, as it were
	dir := s.dir + "/backups"
	for round := range 3 {
		stop := make(chan struct{})
		var wg sync.WaitGroup
		run := func(f func()) {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						f()
						time.Sleep(time.Millisecond) // clients think, too
					}
				}
			})
		}
		run(func() { w.deliver([]string{"INBOX", "Lists", "Lists2"}[rand.IntN(3)]) })
		run(func() { w.touch(rand.IntN(3)) })
		run(func() { w.touch(rand.IntN(3)) })
		run(func() {
			require.NoError(t, a.Rename(t.Context(), "Lists", "Lists2"))
			require.NoError(t, a.Rename(t.Context(), "Lists2", "Lists"))
		})
		w.mu.Lock()
		count := w.n
		w.mu.Unlock()
		require.Eventually(t, func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.n > count+20 }, time.Minute, time.Millisecond)
		w.mu.Lock()
		w.began = true
		gone := map[string]bool{}
		early := map[string]bool{}
		for name, f := range w.msgs {
			gone[name], early[name] = f.removed, true
		}
		w.mu.Unlock()
		res, err := ToFolder(t.Context(), &s.Server, dir, false, nil)
		close(stop)
		wg.Wait()
		require.NoError(t, err)
		require.Empty(t, res.Missed)
		t.Logf("round %d: %d messages, %d copied, %d linked; stood still for %v", round, res.Messages, res.Copied, res.Linked, res.Longest)
		require.Empty(t, s.verify(dir))
		root := t.TempDir()
		_, damaged := whole(t, dir, root)
		require.Empty(t, damaged)
		w.compare(root+s.dir+"/data/mail", early, gone)
		w.began = false
		for _, f := range w.msgs {
			f.flags, f.early = f.flags[len(f.flags)-1:], true
		}
	}
}

func (w *world) compare(dir string, early, gone map[string]bool) {
	t := w.t
	t.Helper()
	found := map[string]bool{}
	restored := open(t, storeAt(dir), "an")
	for info, err := range restored.Mailboxes(t.Context()) {
		require.NoError(t, err)
		b, err := restored.Open(t.Context(), info.Name)
		require.NoError(t, err)
		for m, err := range b.Messages(t.Context(), mail.AllUIDs(), mail.FieldFlags|mail.FieldGUID) {
			require.NoError(t, err)
			name := string(m.GUID)
			require.False(t, found[name], "%s is there twice", name)
			found[name] = true
			require.False(t, gone[name], "%s was removed before", name)
			f := w.msgs[name]
			if f == nil {
				continue // it came with a backup that its sender wasn't told of
			}
			require.Contains(t, f.uids, fmt.Sprint(m.UID), name)
			require.Contains(t, f.flags, strings.Join(m.Flags.Names(), " "), name)
		}
		require.NoError(t, b.Close())
	}
	for name := range early {
		if !w.msgs[name].asked {
			require.True(t, found[name], "%s was there before", name)
		}
	}
}

// A queue is copied while its messages go from one folder to another and from the log into files: none that was there all the time is missing.
func TestQueueAtWork(t *testing.T) {
	s := newSite(t)
	q := &queue.Spool{Dir: s.Queue, Log: true}
	want := map[string]bool{}
	for i := range 40 {
		want[queueOne(t, q, fmt.Sprint(i), i%10 == 0)] = true
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			leases, _, err := q.Claim(t.Context(), queue.ClaimQuery{Messages: 10})
			if !assert.NoError(t, err) {
				return
			}
			for _, l := range leases {
				require.NoError(t, q.Finish(t.Context(), l, queue.Finish{Retry: time.Now()}))
			}
			queueOne(t, q, "more", false)
		}
	})
	for range 10 {
		dir := t.TempDir()
		c := &queueCopy{from: s.Queue, to: dir, have: map[string]bool{}, miss: t.Errorf}
		require.NoError(t, c.run(t.Context()))
		require.NoError(t, settleQueue(dir))
		have := map[string]bool{}
		for _, st := range queueStates {
			entries, err := os.ReadDir(filepath.Join(dir, string(st)))
			require.NoError(t, err)
			for _, e := range entries {
				require.False(t, have[e.Name()], e.Name())
				have[e.Name()] = true
			}
		}
		for id := range want {
			require.True(t, have[id], id)
		}
		corrupt, err := os.ReadDir(filepath.Join(dir, string(queue.Corrupt)))
		require.NoError(t, err)
		require.Empty(t, corrupt)
	}
	close(stop)
	wg.Wait()
	require.NoError(t, q.Close())
}

// What stops a backup leaves none: a context that ends, at any message.
func TestInterrupted(t *testing.T) {
	s := newSite(t)
	s.small()
	dir := s.dir + "/backups"
	for n := 1; n <= 7; n++ {
		ctx, cancel := context.WithCancel(t.Context())
		stop := func(p Progress) {
			if p.Files == n {
				cancel()
			}
		}
		_, err := ToFolder(ctx, &s.Server, dir, false, stop)
		require.ErrorIs(t, err, context.Canceled)
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, entries, 1, "the lock")
		ctx, cancel = context.WithCancel(t.Context())
		_, err = ToFile(ctx, &s.Server, s.dir+"/b.tar", stop)
		require.ErrorIs(t, err, context.Canceled)
		left, err := filepath.Glob(s.dir + "/b.tar*")
		require.NoError(t, err)
		require.Empty(t, left)
		cancel()
	}
	_, err := ToFolder(t.Context(), &s.Server, dir, false, nil)
	require.NoError(t, err)
	f, err := newFolder(dir, time.Now(), false)
	require.NoError(t, err)
	_, err = ToFolder(t.Context(), &s.Server, dir, false, nil)
	require.ErrorContains(t, err, "another backup is being written there")
	require.NoError(t, f.abort())
	require.Empty(t, s.verify(dir))
}

// An account that can't be read is told, and costs no other.
func TestOneAccountFails(t *testing.T) {
	s := newSite(t)
	s.small()
	path := s.Store.Path
	s.Store = &maildir.Store{NoSync: true, MustExist: true, PathFunc: func(account string) (string, error) {
		if account == "an" {
			return "", errors.New("the directory of users is down")
		}
		return strings.ReplaceAll(path, "%u", account), nil
	}}
	res, err := ToFolder(t.Context(), &s.Server, s.dir+"/backups", false, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"account an: the directory of users is down"}, res.Missed)
	require.Equal(t, 1, res.Accounts)
	b, err := Open(s.dir + "/backups")
	require.NoError(t, err)
	defer b.Close()
	require.Equal(t, res.Missed, b.End.Missed, "who restores it is told, too")
}
