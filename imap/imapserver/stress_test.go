package imapserver_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/maildir"
)

var soak = flag.Duration("soak", 0, "how long TestStress goes on, with 50 sessions")

// stressBoxes are the mailboxes of the stress test.
var stressBoxes = []string{"INBOX", "Other", "Third"}

// Many sessions change three mailboxes at random. Each checks that what it is told makes sense: that sequence numbers never slip
// during FETCH, STORE and SEARCH, that MODSEQs only grow and mean the same flags to all, that QRESYNC tells everything that has
// happened while a client was away, and at the end that all agree with the store.
func TestStress(t *testing.T) {
	t.Run("memory", func(t *testing.T) { stress(t, nil) })
	t.Run("maildir", func(t *testing.T) {
		stress(t, &maildir.Store{Path: filepath.Join(t.TempDir(), "%u"), NoSync: true})
	})
}

func stress(t *testing.T, store mail.Store) {
	var open atomic.Int64
	f := newFixture(t, func(s *imapserver.Server) {
		if store != nil {
			s.Store = store
		}
		s.Logger = slog.New(slog.NewTextHandler(t.Output(), nil)) // what a SERVERBUG was
		s.Hooks.Connected = func(*imapserver.Conn) { open.Add(1) }
		s.Hooks.Disconnected = func(*imapserver.Conn, *imapserver.End) { open.Add(-1) }
	})
	for _, box := range stressBoxes {
		f.box(box)
		for range 20 {
			f.add(box, simple)
		}
	}
	sessions, more := 9, func(round int) bool { return round < 80 }
	if *soak > 0 {
		end := time.Now().Add(*soak)
		sessions, more = 50, func(int) bool { return time.Now().Before(end) }
	}
	truth := &truth{said: map[string]string{}}
	all := make([]*wanderer, sessions)
	errs := make(chan error, sessions)
	var wg sync.WaitGroup
	for i := range all {
		all[i] = newWanderer(f, i, truth)
		t.Cleanup(func() {
			if all[i].nc != nil {
				_ = all[i].nc.Close()
			}
		})
		wg.Go(func() { errs <- all[i].wander(more) })
	}
	wg.Wait()
	for range sessions {
		require.NoError(t, <-errs)
	}
	// What was on the way when a connection was lost has been done then.
	require.Eventually(t, func() bool { return open.Load() == int64(sessions) }, waitLong, waitShort)
	want := map[string]map[uint32]string{}
	for _, box := range stressBoxes {
		want[box] = map[uint32]string{}
		for m, err := range f.box(box).Messages(context.Background(), mail.AllUIDs(), mail.FieldFlags) {
			require.NoError(t, err)
			want[box][uint32(m.UID)] = strings.Join(m.Flags.Names(), " ")
		}
	}
	lost, commands := 0, 0
	for _, w := range all {
		require.NoError(t, w.settle(want))
		lost, commands = lost+w.lost, commands+w.tags
	}
	t.Logf("%d sessions, %d commands, %d times back by QRESYNC, %d states of messages compared", sessions, commands, lost, len(truth.said))
	require.NotZero(t, lost)
}

// settle compares what the client was told bit by bit with what there is, before it asks for all of it, in each mailbox.
func (w *wanderer) settle(want map[string]map[uint32]string) error {
	check := func(when string) error {
		for uid, flags := range w.m.flags {
			if now, ok := want[w.m.box][uid]; !ok || now != flags {
				return w.failed(fmt.Errorf("UID %d of %s has (%s), %v, and the client believes (%s), %s", uid, w.m.box, now, ok, flags, when))
			}
		}
		return nil
	}
	for _, box := range append([]string{w.m.box}, stressBoxes...) {
		if box != w.m.box {
			if w.kept[box] == nil {
				continue
			}
			if err := w.enter(box); err != nil {
				return err
			}
		}
		for _, command := range []string{"NOOP", "FETCH 1:* (FLAGS UID)"} {
			if len(want[box]) == 0 && command != "NOOP" {
				continue
			}
			if _, err := w.do(command); err != nil {
				return err
			}
			if err := check("after " + command); err != nil {
				return err
			}
		}
		if len(w.m.flags) != len(want[box]) || len(w.m.uids) != len(want[box]) {
			return w.failed(fmt.Errorf("%d flags and %d messages, of %d", len(w.m.flags), len(w.m.uids), len(want[box])))
		}
	}
	return nil
}

// wander does commands at random.
func (w *wanderer) wander(more func(round int) bool) error {
	if err := w.connect(); err != nil {
		return w.failed(err)
	}
	if err := w.enter("INBOX"); err != nil {
		return err
	}
	for round := 0; more(round); round++ {
		switch w.rnd.IntN(40) {
		case 0:
			if err := w.enter(stressBoxes[w.rnd.IntN(len(stressBoxes))]); err != nil {
				return err
			}
			continue
		case 1:
			if err := w.comeBack(); err != nil {
				return err
			}
			continue
		}
		if _, err := w.do(w.command()); err != nil {
			return err
		}
	}
	return nil
}

// comeBack loses the connection, maybe with a command on the way, and begins another one.
func (w *wanderer) comeBack() error {
	if w.rnd.IntN(2) == 0 {
		_, _ = w.nc.Write([]byte("lost " + w.command() + "\r\n"))
	}
	_ = w.nc.Close()
	box := w.m.box
	if err := w.connect(); err != nil {
		return w.failed(err)
	}
	return w.enter(box)
}

// command is one at random.
func (w *wanderer) command() string {
	n := len(w.m.uids)
	set, prefix := "1:*", ""
	if n > 0 {
		if i := w.rnd.IntN(n); w.rnd.IntN(3) == 0 && w.m.uids[i] != 0 {
			set, prefix = itoa(int(w.m.uids[i])), "UID "
		} else {
			set = itoa(1 + i)
		}
	}
	if n > 60 && w.rnd.IntN(3) == 0 { // so that they don't grow without end
		return "STORE 1:20 +FLAGS (\\Deleted)"
	}
	unchanged := ""
	if w.level > 0 && w.rnd.IntN(2) == 0 && w.m.high > 0 {
		unchanged = fmt.Sprintf("(UNCHANGEDSINCE %d) ", w.m.high)
	}
	switch k := w.rnd.IntN(12); {
	case k == 0:
		return fixLiteral(fmt.Sprintf("APPEND %s {%d+}\r\nSubject: %d\r\n\r\nx", stressBoxes[w.rnd.IntN(3)], 16, w.rnd.IntN(10)))
	case k == 1 || n == 0:
		return "NOOP"
	case k == 2:
		return "FETCH 1:* (UID FLAGS)"
	case k == 3:
		return prefix + "STORE " + set + " " + unchanged + []string{"+", "-", ""}[w.rnd.IntN(3)] + `FLAGS (\Flagged work)`
	case k == 4:
		return prefix + "STORE " + set + " " + unchanged + `+FLAGS (\Deleted)`
	case k == 5:
		return "EXPUNGE"
	case k == 6:
		return "SEARCH UNDELETED"
	case k == 7:
		return "UID FETCH 1:* (FLAGS)"
	case k == 8:
		return prefix + "COPY " + set + " " + stressBoxes[w.rnd.IntN(3)]
	case k == 9 && w.level == 2 && w.m.high > 0:
		return fmt.Sprintf("UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d VANISHED)", w.m.high)
	}
	return []string{prefix + "MOVE " + set + " " + stressBoxes[w.rnd.IntN(3)], "UID SEARCH ALL", "CHECK", prefix + "STORE " + set + ` -FLAGS (\Deleted)`}[w.rnd.IntN(4)]
}
