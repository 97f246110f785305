package greylist_test

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/smtp/greylist"
)

var client = netip.MustParseAddr("192.0.2.7")

func open(t interface{ Fatal(...any) }, file string, o greylist.Options) *greylist.List {
	l, err := greylist.Open(file, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// RFC 6647 section 2: a stranger is told to come back, and taken when it does so after a while, from the same place.
func TestComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := open(t, "", greylist.Options{})
		v := l.Check(client, "a@far.test", "x@example.test")
		require.Equal(t, greylist.Verdict{Wait: 5 * time.Minute, New: true}, v)
		time.Sleep(2 * time.Minute)
		require.Equal(t, greylist.Verdict{Wait: 3 * time.Minute}, l.Check(client, "A@far.test", "X@example.test"))
		require.True(t, l.Check(client, "a@far.test", "y@example.test").New, "another recipient")
		require.True(t, l.Check(client, "", "x@example.test").New, "another sender")
		require.True(t, l.Check(netip.MustParseAddr("192.0.3.7"), "a@far.test", "x@example.test").New, "another network")
		require.False(t, l.Check(netip.MustParseAddr("::ffff:192.0.2.200"), "a@far.test", "x@example.test").New, "the same network")
		time.Sleep(3 * time.Minute)
		require.Equal(t, greylist.Verdict{Delayed: 5 * time.Minute}, l.Check(client, "a@far.test", "x@example.test"))
		require.Equal(t, greylist.Verdict{}, l.Check(client, "a@far.test", "x@example.test"))
		time.Sleep(34 * 24 * time.Hour)
		require.Equal(t, greylist.Verdict{}, l.Check(client, "a@far.test", "x@example.test"))
		time.Sleep(36 * 24 * time.Hour)
		require.True(t, l.Check(client, "a@far.test", "x@example.test").New, "max-age is over")
		time.Sleep(49 * time.Hour)
		require.True(t, l.Check(client, "a@far.test", "x@example.test").New, "retry-window is over")
	})
}

// After five messages that came back, each an hour after the one before, a client is known, whatever it sends; others of its network aren't.
func TestAutoAllow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := open(t, "", greylist.Options{})
		for n := range 5 {
			sender := fmt.Sprintf("u%dx@far.test", n)
			require.NotZero(t, l.Check(client, sender, "x@example.test").Wait, n)
			time.Sleep(time.Hour)
			require.NotZero(t, l.Check(client, sender, "x@example.test").Delayed)
		}
		require.True(t, l.Check(client, "new@far.test", "x@example.test").Known)
		require.False(t, l.Check(netip.MustParseAddr("192.0.2.8"), "new@far.test", "x@example.test").Known)
		time.Sleep(36 * 24 * time.Hour)
		require.False(t, l.Check(client, "new@far.test", "x@example.test").Known)

		l = open(t, "", greylist.Options{AutoAllow: -1, ByHost: true})
		for n := range 9 {
			sender := fmt.Sprintf("u%dx@far.test", n)
			require.NotZero(t, l.Check(client, sender, "x@example.test").Wait)
			require.True(t, l.Check(netip.MustParseAddr("192.0.2.8"), sender, "x@example.test").New)
			time.Sleep(time.Hour)
			require.NotZero(t, l.Check(client, sender, "x@example.test").Delayed)
		}
	})
}

// Senders that differ from message to message are one: VERP, extensions, BATV. postgrey's do_sender_substitutions.
func TestSenders(t *testing.T) {
	for _, same := range [][2]string{
		{"list-return-123-x=example.test@far.test", "list-return-99-x=example.test@far.test"},
		{"a+tag@far.test", "a+other@far.test"},
		{"prvs=0123456789=a@far.test", "prvs=9876543210=a@far.test"},
		{"prvs=a=0123456789@far.test", "prvs=0123456789=a@far.test"},
	} {
		l := open(t, "", greylist.Options{})
		l.Check(client, same[0], "x@example.test")
		require.False(t, l.Check(client, same[1], "x@example.test").New, "%v", same)
	}
	l := open(t, "", greylist.Options{})
	l.Check(client, "a1@far.test", "x@example.test")
	require.True(t, l.Check(client, "a2@far.test", "x@example.test").New)
}

// What was known is known after a restart.
func TestFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "greylist")
	synctest.Test(t, func(t *testing.T) {
		l := open(t, file, greylist.Options{})
		l.Check(client, "a@far.test", "x@example.test")
		_, err := greylist.Open(file, greylist.Options{})
		require.Error(t, err, "it has an owner")
		require.NoError(t, l.Close())
		time.Sleep(6 * time.Minute)
		l = open(t, file, greylist.Options{})
		require.NotZero(t, l.Check(client, "a@far.test", "x@example.test").Delayed)
		require.NoError(t, l.Close())
	})
}

// Strangers by the million push out strangers, and not those who came back.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := open(t, "", greylist.Options{MaxEntries: 2000, AutoAllow: -1})
		l.Check(client, "a@far.test", "x@example.test")
		time.Sleep(5 * time.Minute)
		require.NotZero(t, l.Check(client, "a@far.test", "x@example.test").Delayed)
		for n := range 50_000 {
			l.Check(netip.AddrFrom4([4]byte{198, byte(n >> 8), byte(n), 1}), "a@far.test", "x@example.test")
		}
		require.Equal(t, 2000, l.Len())
		require.Zero(t, l.Check(client, "a@far.test", "x@example.test").Wait)
	})
}

// A message is taken exactly if it came at least Delay before for the first time, within RetryWindow.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 200), 1, 30).Draw(rt, "minutes")
		synctest.Test(t, func(t *testing.T) {
			l := open(t, "", greylist.Options{AutoAllow: -1, RetryWindow: 2 * time.Hour, MaxAge: 300 * time.Minute})
			var first, last time.Time
			taken := false
			for _, minutes := range steps {
				time.Sleep(time.Duration(minutes) * time.Minute)
				now := time.Now()
				keep := 2 * time.Hour
				if taken {
					keep = 300 * time.Minute
				}
				if last.IsZero() || now.Sub(last) >= keep || !taken && now.Sub(first) > 2*time.Hour {
					first, taken = now, false
				}
				last = now
				v := l.Check(client, "a@far.test", "x@example.test")
				want := now.Sub(first) >= 5*time.Minute
				require.Equal(t, want, v.Wait == 0)
				require.Equal(t, want && !taken, v.Delayed > 0)
				taken = taken || want
			}
		})
	})
}

// FuzzCheck: whatever the addresses are.
func FuzzCheck(f *testing.F) {
	f.Add("a@b", "c@d")
	f.Add("prvs=1=2", "")
	f.Add("1-2+3@4@5", "\x00")
	f.Fuzz(func(t *testing.T, sender, recipient string) {
		l := open(t, "", greylist.Options{})
		require.True(t, l.Check(client, sender, recipient).New)
		require.False(t, l.Check(client, sender, recipient).New)
	})
}

func BenchmarkCheck(b *testing.B) {
	l := open(b, filepath.Join(b.TempDir(), "greylist"), greylist.Options{})
	defer l.Close()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		l.Check(netip.AddrFrom4([4]byte{198, byte(n >> 16), byte(n >> 8), byte(n)}), "a@far.test", "x@example.test")
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
}

func Example() {
	l, err := greylist.Open("", greylist.Options{}) // or a file
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	v := l.Check(netip.MustParseAddr("192.0.2.7"), "alice@example.org", "bob@example.net")
	if v.Wait > 0 {
		fmt.Printf("450 4.2.0 <bob@example.net>: Recipient address rejected: Greylisted for %v\n", v.Wait)
	}
	// Output: 450 4.2.0 <bob@example.net>: Recipient address rejected: Greylisted for 5m0s
}
