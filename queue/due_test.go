package queue

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail/internal/vfs"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// However many messages are due at one and the same time, the list keeps to its size. (A queue restored from a backup that
// keeps seconds, or one that was flushed, is such.)
func TestDueAtTheSameTime(t *testing.T) {
	const most = 100
	now := time.Unix(1e9, 0)
	l := dueList{max: most}
	trims, before := 0, 0
	for i := range 50 * most {
		l.add(now, fmt.Sprintf("%08X", i*7919%(50*most)))
		require.LessOrEqual(t, len(l.h), 2*most)
		if len(l.h) < before {
			trims++
		}
		before = len(l.h)
	}
	require.LessOrEqual(t, trims, 50, "it is sorted once for each max messages")
	l.trim()
	for i := range most {
		id, ok := l.pop(now)
		require.True(t, ok)
		require.Equal(t, fmt.Sprintf("%08X", i), id)
	}
	require.True(t, l.needScan(now))
}

// A queue that knows of a few of its messages at a time has each of them in turn: none is missing, none comes before one that
// was due earlier, and the folders are read only when the list has run out.
func TestDueInParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 20).Draw(t, "max")
		base := time.Unix(1e9, 0)
		waiting := map[string]time.Time{}
		for i := range rapid.IntRange(0, 200).Draw(t, "messages") {
			waiting[fmt.Sprint(i)] = base.Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "due")) * time.Second)
		}
		total, scans := len(waiting), 0
		scan := func() dueList {
			scans++
			l := dueList{max: most}
			for id, at := range waiting {
				l.add(at, id)
			}
			return l
		}
		l := scan()
		var last time.Time
		for now := base; len(waiting) > 0; {
			if l.needScan(now) {
				l = scan()
			}
			id, ok := l.pop(now)
			if !ok {
				next, ok := l.next()
				if !ok || !next.After(now) {
					t.Fatalf("%d messages are forgotten", len(waiting))
				}
				now = next
				continue
			}
			at, ok := waiting[id]
			if !ok {
				t.Fatalf("%s is there twice", id)
			}
			if at.Before(last) {
				t.Fatalf("%s, due at %v, comes after one that is due at %v", id, at, last)
			}
			last = at
			delete(waiting, id)
		}
		if limit := 1 + 2*(total/most+1); scans > limit {
			t.Fatalf("%d scans for %d messages", scans, total)
		}
	})
}

// All messages of a spool that have one time are leased, with a list for a hundredth of them; when they are overdue by far, a
// message that comes meanwhile as well.
func TestSpoolDueAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := crowdedSpool(t, 10)
		const all = 1000
		at := time.Now().Add(time.Hour)
		want := map[string]bool{}
		for range all {
			want[deferTo(t, s, at)] = true
		}
		time.Sleep(time.Hour)
		reads := 0
		for len(want) > 0 {
			leases, _, err := s.Claim(t.Context(), ClaimQuery{Messages: 7})
			require.NoError(t, err)
			require.NotEmpty(t, leases, "%d are left", len(want))
			for _, l := range leases {
				require.True(t, want[l.ID])
				delete(want, l.ID)
				require.NoError(t, s.Finish(t.Context(), l, Finish{Done: true}))
			}
			if reads++; reads == 20 {
				want[deferTo(t, s, time.Time{})] = true
			}
		}
	})
}

// crowdedSpool is a spool in memory that remembers the times of few messages.
func crowdedSpool(t *testing.T, hints int) *Spool {
	t.Helper()
	s := &Spool{Dir: "/spool", FS: vfs.NewCrash(), Hints: hints}
	require.NoError(t, s.Start())
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// deferTo puts a message into a spool that is due at a time, now if it is zero.
func deferTo(t *testing.T, s *Spool, at time.Time) string {
	t.Helper()
	d, err := s.Create(t.Context())
	require.NoError(t, err)
	m := &Message{From: "a@example.org", Recipients: []Recipient{{Address: "b@example.net", State: Pending}}}
	require.NoError(t, d.Write(t.Context(), m, strings.NewReader("x\r\n")))
	require.NoError(t, d.Commit(t.Context(), Placement{NotBefore: at}))
	return d.ID()
}
