package seen

import (
	"slices"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// In the user's view every change, the mailbox's and the user's own, has a ModSeq above all before it; Back finds what the
// mailbox had called it; and nothing of it changes when the file is written and read.
func TestOneOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tab := New(7)
		high := rapid.Uint64Range(1, 1<<50).Draw(t, "high")
		type event struct {
			view, box uint64
			own       bool
		}
		events := []event{{tab.View(high), high, false}}
		file := tab.Encode()
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			e := event{own: rapid.Bool().Draw(t, "own")}
			if e.own {
				c := tab.Next(high, 1<<50)
				c.On = mail.UIDSetOf(mail.UID(rapid.IntRange(1, 5).Draw(t, "on")))
				tab.Apply(c)
				file = append(file, c.Line()...)
				e.view, e.box = c.At+c.Add, high
			} else {
				high += rapid.Uint64Range(1, 3).Draw(t, "changes")
				e.view, e.box = tab.View(high), high
			}
			events = append(events, e)
			require.Equal(t, e.view, tab.High(high))
		}
		for _, tab := range []*Table{tab, read(t, file), read(t, tab.Encode())} {
			for i, e := range events {
				if i > 0 {
					require.Greater(t, e.view, events[i-1].view)
				}
				if !e.own {
					require.Equal(t, e.view, tab.View(e.box))
				}
				require.Equal(t, e.box, tab.Back(e.view))
			}
			require.Zero(t, tab.Back(0))
		}
	})
}

func read(t require.TestingT, file []byte) *Table {
	tab, good, err := Decode(file)
	require.NoError(t, err)
	require.Equal(t, len(file), good)
	return tab
}

func TestMarks(t *testing.T) {
	tab := New(7)
	c := tab.Next(10, 1000)
	c.On = mail.UIDSetOf(1, 2, 3)
	tab.Apply(c)
	c = tab.Next(12, 0)
	c.Off, c.On = mail.UIDSetOf(2, 9), mail.UIDSetOf(3)
	tab.Apply(c)
	require.Equal(t, 2, tab.On())
	require.Equal(t, Mark{true, 1010}, tab.Mark(1))
	require.Equal(t, Mark{false, 1013}, tab.Mark(2))
	require.Equal(t, Mark{true, 1013}, tab.Mark(3))
	tab.Prune(func(u mail.UID) bool { return u != 3 })
	require.Equal(t, 1, tab.On())
	require.Equal(t, tab, read(t, tab.Encode()))
}

// Many steps become fewer, and nothing goes down by it.
func TestManySteps(t *testing.T) {
	tab := New(7)
	for i := range uint64(3 * maxSteps) {
		was := tab.View(i)
		c := tab.Next(i*2, 1)
		tab.Apply(c)
		require.GreaterOrEqual(t, tab.View(i), was)
		require.LessOrEqual(t, len(tab.steps), maxSteps)
	}
	require.Equal(t, tab.steps, read(t, tab.Encode()).steps)
}

func TestTorn(t *testing.T) {
	tab := New(7)
	file := tab.Encode()
	for i := range uint64(3) {
		c := tab.Next(i, 1)
		c.On = mail.UIDSetOf(mail.UID(i + 1))
		tab.Apply(c)
		file = append(file, c.Line()...)
	}
	lines := slices.Collect(func(yield func(int) bool) {
		for i, b := range file {
			if b == '\n' && !yield(i+1) {
				return
			}
		}
	})
	for n := range len(file) {
		_, good, err := Decode(file[:n])
		require.NoError(t, err)
		want := 0
		for _, l := range lines {
			if l <= n {
				want = l
			}
		}
		require.Equal(t, want, good)
	}
	_, _, err := Decode([]byte("buuta-seen 2 whatever\n"))
	require.ErrorIs(t, err, ErrNewer)
}

func FuzzDecode(f *testing.F) {
	tab := New(7)
	c := tab.Next(5, 9)
	c.On, c.Off = mail.UIDSetOf(1, 2, 3, 7), mail.UIDSetOf(4)
	f.Add(append(tab.Encode(), c.Line()...))
	tab.Apply(c)
	f.Add(tab.Encode())
	f.Add(sealed(tab.Encode(), "t 1 2 3"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		// With every line sealed, so that what is behind the checksums is reached.
		var whole []byte
		for i, line := range slices.Collect(bytesLines(raw)) {
			if i > 20 {
				break
			}
			if s, ok := unsealed([]byte(line)); ok {
				whole = sealed(whole, s)
			} else {
				whole = sealed(whole, trimEnd(line))
			}
		}
		for _, b := range [][]byte{raw, whole} {
			tab, good, err := Decode(b)
			if err != nil || good == 0 {
				continue
			}
			require.Equal(t, tab, read(t, tab.Encode()))
			require.GreaterOrEqual(t, tab.High(100), uint64(100))
		}
	})
}

func bytesLines(raw []byte) func(func(string) bool) {
	return func(yield func(string) bool) {
		for line := range strings.Lines(string(raw)) {
			if !yield(line) {
				return
			}
		}
	}
}

func trimEnd(line string) string { return strings.TrimRight(line, "\n") }
