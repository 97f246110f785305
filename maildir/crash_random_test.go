package maildir_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/maildir/compress"
	"github.com/stretchr/testify/require"
)

// randomWork is a long random workload by two processes of ours and another program that renames files, all on one tree. It knows what
// each message must have after every step that was acknowledged.
type randomWork struct {
	*workload
	rnd    *rand.Rand
	stores [2]*maildir.Store
	accts  [2]mail.Account
	open   [2]map[string]mail.Mailbox
	maybe  map[string]map[mail.UID]mail.SystemFlags // flags that another program has set or cleared, and we not seen yet
}

var workBoxes = []string{"INBOX", "a/b"}

// crashCodec keeps what it needs from one workload to the next.
var crashCodec = compress.Gzip(1)

func newRandomWork(t *testing.T, fs *vfs.Crash, seed uint64) *randomWork {
	w := &randomWork{workload: newWorkload(t.Context(), fs), rnd: rand.New(rand.NewPCG(seed, 77)), maybe: map[string]map[mail.UID]mail.SystemFlags{}}
	w.compress = crashCodec
	for i := range w.stores {
		w.restart(i)
	}
	for _, name := range workBoxes {
		w.maybe[name] = map[mail.UID]mail.SystemFlags{}
	}
	return w
}

// restart begins a process anew. The one before ends without a word.
func (w *randomWork) restart(i int) {
	w.stores[i] = storeOn(w.fs)
	w.stores[i].SettleAfter = time.Duration(1+w.rnd.IntN(20)) * time.Millisecond
	w.stores[i].Limits.History = 20
	w.stores[i].SetLogSlack(10) // so that the log is written anew by who leaves, too
	if i == 1 {                 // one of the two compresses
		w.stores[i].Compress = w.compress
	}
	w.accts[i], w.open[i] = nil, map[string]mail.Mailbox{}
}

// use returns a mailbox as one of the processes has it open.
func (w *randomWork) use(i int, name string) (mail.Mailbox, *known, error) {
	var err error
	if w.accts[i] == nil {
		if w.accts[i], err = w.stores[i].Account(w.ctx, "u"); err != nil {
			return nil, nil, err
		}
	}
	m := w.open[i][name]
	if m == nil {
		m, err = w.accts[i].Open(w.ctx, name)
		if errors.Is(err, mail.ErrNoMailbox) {
			if _, err = w.accts[i].Create(w.ctx, name, nil); err == nil {
				m, err = w.accts[i].Open(w.ctx, name)
			}
		}
		if err != nil {
			return nil, nil, err
		}
		w.open[i][name] = m
	}
	k := w.boxes[name]
	if k == nil {
		st, err := m.State(w.ctx)
		if err != nil {
			return nil, nil, err
		}
		k = &known{validity: st.UIDValidity, next: 1, messages: map[mail.UID]knownMessage{}, gone: map[mail.UID]bool{}}
		w.boxes[name] = k
	}
	return m, k, nil
}

// some picks a few messages.
func (w *randomWork) some(k *known) (out []mail.UID) {
	for uid := range k.messages {
		out = append(out, uid)
	}
	slices.Sort(out)
	w.rnd.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	out = out[:min(len(out), 1+w.rnd.IntN(3))]
	slices.Sort(out)
	return out
}

func (w *randomWork) flags() mail.Flags {
	var names []string
	for _, f := range []string{`\Seen`, `\Flagged`, `\Answered`, `\Deleted`, "work", "later", "$Junk"} {
		if w.rnd.IntN(3) == 0 {
			names = append(names, f)
		}
	}
	return mail.NewFlags(names...)
}

// begin notes which messages the step under way may have left alone, changed or removed.
func (w *randomWork) begin(name string, uids []mail.UID) {
	w.workload.maybe = map[string]map[mail.UID]bool{}
	w.risk(name, uids...)
}

func (w *randomWork) step() error {
	i, name := w.rnd.IntN(2), workBoxes[w.rnd.IntN(2)]
	w.workload.maybe = map[string]map[mail.UID]bool{}
	kind := w.rnd.IntN(20)
	if kind == 0 {
		w.doing = "end of a process"
		w.restart(i)
		return nil
	}
	m, k, err := w.use(i, name)
	if err != nil {
		return err
	}
	switch {
	case kind < 3:
		w.doing = "append"
		return w.append(m, k)
	case kind < 9:
		w.doing = "flags"
		return w.setFlags(m, k, name)
	case kind < 10:
		w.doing = "expunge"
		return w.expungeSome(m, k, name)
	case kind < 12:
		w.doing = "copy or move"
		return w.carry(i, m, k, name)
	case kind < 16:
		w.doing = "another program"
		return w.rename(k, name)
	case kind < 17:
		w.doing = "close"
		delete(w.open[i], name)
		return m.Close()
	case kind < 18:
		w.doing = "recent"
		_, err := m.(mail.RecentTaker).TakeRecent(w.ctx)
		return err
	}
	w.doing = "look"
	return w.observe(m, k, name)
}

func (w *randomWork) append(m mail.Mailbox, k *known) error {
	a, err := m.Append(w.ctx)
	if err != nil {
		return err
	}
	defer a.Abort()
	var texts []string
	flags := w.flags()
	for range 1 + w.rnd.IntN(2) {
		w.n++
		s := fmt.Sprintf("Subject: %d\r\n\r\n%s%d\r\n", w.n, strings.Repeat("line of text\r\n", w.rnd.IntN(80)), w.n)
		w.texts[s] = true
		texts = append(texts, s)
		if err := a.Add(w.ctx, strings.NewReader(s), &mail.AppendOptions{Flags: flags}); err != nil {
			return err
		}
	}
	got, err := a.Commit(w.ctx)
	if err != nil {
		return err
	}
	for i, uid := range got.UIDs {
		if uid < k.next {
			return fmt.Errorf("UID %d is given again", uid)
		}
		k.messages[uid] = knownMessage{content: texts[i], flags: flags}
		k.next = uid + 1
	}
	k.high = max(k.high, got.ModSeq)
	return nil
}

func (w *randomWork) setFlags(m mail.Mailbox, k *known, name string) error {
	uids := w.some(k)
	if len(uids) == 0 {
		return nil
	}
	c := mail.FlagChange{Op: mail.FlagOp(w.rnd.IntN(3)), Flags: w.flags()}
	w.begin(name, uids)
	r, err := m.SetFlags(w.ctx, mail.UIDSetOf(uids...), c)
	if err != nil {
		return err
	}
	for _, u := range uids {
		x := k.messages[u]
		x.flags = x.flags.Apply(c.Op, c.Flags)
		k.messages[u] = x
		delete(w.maybe[name], u) // what another program did to it has been seen
	}
	k.high = max(k.high, r.ModSeq)
	return nil
}

func (w *randomWork) expungeSome(m mail.Mailbox, k *known, name string) error {
	uids := w.some(k)
	only := w.rnd.IntN(2) == 0
	w.begin(name, uids)
	r, err := m.Expunge(w.ctx, mail.UIDSetOf(uids...), &mail.ExpungeOptions{OnlyDeleted: only})
	if err != nil {
		return err
	}
	for _, u := range uids {
		if only && !k.messages[u].flags.Has(`\Deleted`) {
			if r.Removed.Contains(u) {
				return fmt.Errorf("UID %d is not deleted and removed: %v", u, k.messages[u].flags)
			}
			continue
		}
		if r.Removed.Contains(u) != true {
			return fmt.Errorf("UID %d is not removed", u)
		}
		delete(k.messages, u)
		delete(w.maybe[name], u)
		k.gone[u] = true
	}
	k.high = max(k.high, r.ModSeq)
	return nil
}

// carry copies or moves to the other mailbox.
func (w *randomWork) carry(i int, m mail.Mailbox, k *known, name string) error {
	to := workBoxes[1-slices.Index(workBoxes, name)]
	other, ok, err := w.use(i, to)
	if err != nil {
		return err
	}
	uids := slices.DeleteFunc(w.some(k), func(u mail.UID) bool { return w.maybe[name][u] != 0 })
	move := w.rnd.IntN(2) == 0
	w.begin(name, uids)
	r, err := m.Copy(w.ctx, mail.UIDSetOf(uids...), other.Info().ID, &mail.CopyOptions{Move: move})
	if err != nil {
		return err
	}
	if len(r.From) != len(uids) {
		return fmt.Errorf("%v of %v were copied", r.From, uids)
	}
	for j, u := range r.From {
		if r.To[j] < ok.next {
			return fmt.Errorf("UID %d is given again", r.To[j])
		}
		ok.messages[r.To[j]] = k.messages[u]
		ok.next = r.To[j] + 1
		if move {
			delete(k.messages, u)
			k.gone[u] = true
		}
	}
	return nil
}

// rename does what Dovecot does when somebody sets or clears a flag there: the file gets another name, and nothing is synced.
func (w *randomWork) rename(k *known, name string) error {
	dir := "/mail/u"
	if name != "INBOX" {
		dir += "/." + strings.ReplaceAll(name, "/", ".")
	}
	entries, err := w.fs.ReadDir(dir + "/cur")
	if err != nil || len(entries) == 0 {
		return err
	}
	e := entries[w.rnd.IntN(len(entries))]
	f, err := w.fs.OpenFile(dir+"/cur/"+e.Name(), os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(f)
	f.Close()
	if err != nil {
		return err
	}
	var uids []mail.UID
	for uid, x := range k.messages {
		if x.content == string(raw) {
			uids = append(uids, uid)
		}
	}
	if len(uids) != 1 {
		return nil // copies of one message: which is it?
	}
	base, letters, _ := strings.Cut(e.Name(), ":2,")
	flag := []struct {
		letter string
		flag   mail.SystemFlags
	}{{"F", mail.Flagged}, {"R", mail.Answered}, {"S", mail.Seen}, {"T", mail.Deleted}}[w.rnd.IntN(4)]
	x := k.messages[uids[0]]
	w.begin(name, nil)
	if w.maybe[name][uids[0]]&flag.flag == 0 {
		w.maybe[name][uids[0]] |= flag.flag
	}
	if strings.Contains(letters, flag.letter) {
		letters = strings.ReplaceAll(letters, flag.letter, "")
		x.flags.System &^= flag.flag
	} else {
		all := strings.Split(letters+flag.letter, "")
		slices.Sort(all)
		letters = strings.Join(all, "")
		x.flags.System |= flag.flag
	}
	if err := w.fs.Rename(dir+"/cur/"+e.Name(), dir+"/cur/"+base+":2,"+letters); err != nil {
		return err
	}
	k.messages[uids[0]] = x
	return nil
}

// observe looks at all messages: what is shown is what was acknowledged, and what another program has done may be shown; once it is, it
// lasts.
func (w *randomWork) observe(m mail.Mailbox, k *known, name string) error {
	st, err := m.State(w.ctx)
	if err != nil {
		return err
	}
	k.high = max(k.high, st.HighestModSeq)
	n := 0
	for msg, err := range m.Messages(w.ctx, mail.AllUIDs(), mail.FieldFlags) {
		if err != nil {
			return err
		}
		x, ok := k.messages[msg.UID]
		if !ok {
			return fmt.Errorf("UID %d is not known", msg.UID)
		}
		n++
		if differ(x.flags, msg.Flags, w.maybe[name][msg.UID]) {
			return fmt.Errorf("UID %d has %v instead of %v", msg.UID, msg.Flags.Names(), x.flags.Names())
		}
		if !differ(x.flags, msg.Flags, 0) {
			delete(w.maybe[name], msg.UID)
		}
	}
	if n != len(k.messages) {
		return fmt.Errorf("%d messages instead of %d", n, len(k.messages))
	}
	return nil
}

// differ compares flags but for some.
func differ(a, b mail.Flags, but mail.SystemFlags) bool {
	a.System, b.System = a.System&^but, b.System&^but
	return !slices.Equal(a.Names(), b.Names())
}

func (w *randomWork) run(steps int) error {
	for i := range steps {
		if err := w.step(); err != nil {
			return fmt.Errorf("step %d, %s: %w", i, w.doing, err)
		}
	}
	return nil
}

// recovered holds the disk after a crash against what was acknowledged, then what another program sees against what we do.
func (w *randomWork) recovered(t *testing.T, disk *vfs.Crash, what string) {
	for name, flags := range w.maybe { // verify knows messages of which all may be otherwise
		if w.workload.maybe[name] == nil {
			w.workload.maybe[name] = map[mail.UID]bool{}
		}
		for uid, f := range flags {
			if f != 0 && w.boxes[name] != nil {
				if _, there := w.boxes[name].messages[uid]; there {
					w.lossy(t, disk, name, uid, f, what)
				}
			}
		}
	}
	w.verify(t, disk, false, what)
	for _, dir := range []string{"/mail/u", "/mail/u/.a.b"} {
		entries, err := disk.ReadDir(dir + "/tmp")
		if err == nil {
			for _, e := range entries {
				require.False(t, strings.HasSuffix(e.Name(), ".log"), what)
			}
		}
	}
}

// lossy sets what is expected of flags that another program changed, and nobody of ours has seen, to what is found: they may have
// been lost. All other flags of the message must be as they were acknowledged.
func (w *randomWork) lossy(t *testing.T, disk *vfs.Crash, name string, uid mail.UID, f mail.SystemFlags, what string) {
	if w.workload.maybe[name][uid] {
		return
	}
	s := storeOn(disk)
	s.Now = func() time.Time { return time.Now().Add(3 * time.Minute) }
	a, err := s.Account(t.Context(), "u")
	require.NoError(t, err, what)
	defer a.Close()
	m, err := a.Open(t.Context(), name)
	require.NoError(t, err, what)
	defer m.Close()
	_, err = m.State(t.Context())
	require.NoError(t, err, what)
	for msg, err := range m.Messages(t.Context(), mail.UIDSetOf(uid), mail.FieldFlags) {
		require.NoError(t, err, what)
		x := w.boxes[name].messages[uid]
		require.False(t, differ(x.flags, msg.Flags, f), "%s, mailbox %s: UID %d has %v instead of %v", what, name, uid, msg.Flags.Names(), x.flags.Names())
		x.flags = msg.Flags
		w.boxes[name].messages[uid] = x
	}
}

// TestCrashRandom stops the machine at every operation of long random workloads in which two processes of ours and another program work on one
// tree: no acknowledged message or flag is lost, no UID is given again, no torn index is believed. Of the workloads but the first it stops at every
// fourth operation, unless -soak is given.
func TestCrashRandom(t *testing.T) {
	t.Parallel()
	const steps = 60
	stopped, began := 0, time.Now()
	for seed := uint64(0); seed < 3 || time.Since(began) < *soak; seed++ {
		every := 1
		if seed > 0 && *soak == 0 {
			every = 4
		}
		if testing.Short() {
			every = 17
		}
		whole := newRandomWork(t, vfs.NewCrash(), seed)
		require.NoError(t, whole.run(steps), "seed %d", seed)
		ops := whole.fs.Ops()
		whole.recovered(t, whole.fs, "no crash")
		for n := 1; n <= ops; n += every {
			fs := vfs.NewCrash()
			fs.CrashAt(n)
			w := newRandomWork(t, fs, seed)
			err := w.run(steps)
			what := fmt.Sprintf("seed %d, crash at %d, %v", seed, n, err)
			if err == nil {
				continue // syncs side by side: this time there were fewer
			}
			require.ErrorIs(t, err, vfs.ErrCrashed, what)
			stopped++
			w.recovered(t, fs.Recover(rand.New(rand.NewPCG(seed, uint64(n)))), what)
		}
	}
	t.Log(stopped, "stops")
}
