package ratelimit_test

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/smtp/ratelimit"
)

var (
	v4 = netip.MustParseAddr("192.0.2.1")
	v6 = netip.MustParseAddr("2001:db8::1")
)

// anvil_rate_time_unit: all counts begin anew together, a window after the first.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c ratelimit.Counters
		now, rate := c.Connect("smtp", v4)
		require.Equal(t, []int{1, 1}, []int{now, rate})
		time.Sleep(40 * time.Second)
		require.Equal(t, 1, c.Add("smtp", v4, ratelimit.Message))
		require.Equal(t, 1, c.Add("submission", v4, ratelimit.Message), "services are counted apart")
		require.Equal(t, 1, c.Add("smtp", v6, ratelimit.Message))
		require.Equal(t, 2, c.Add("smtp", netip.MustParseAddr("::ffff:192.0.2.1"), ratelimit.Message))
		require.Equal(t, 2, c.Rate("smtp", v4, ratelimit.Message))
		time.Sleep(20*time.Second + time.Millisecond)
		require.Zero(t, c.Rate("smtp", v4, ratelimit.Message))
		require.Equal(t, 1, c.Rate("smtp", v6, ratelimit.Message), "whose window began later")
		now, rate = c.Connect("smtp", v4)
		require.Equal(t, []int{2, 1}, []int{now, rate})
		c.Disconnect("smtp", v4)
		c.Disconnect("smtp", v4)
		c.Disconnect("smtp", v4)
		now, rate = c.Connect("smtp", v4)
		require.Equal(t, []int{1, 2}, []int{now, rate}, "the rate outlives the connections")
		c.Disconnect("smtp", v4)
		time.Sleep(3 * time.Minute)
		c.Connect("smtp", v6)
		require.Equal(t, 1, c.Known())
	})
}

// An IPv6 site has 2^64 addresses; counted as one they are one.
func TestBits6(t *testing.T) {
	c := ratelimit.Counters{Bits6: 64}
	c.Connect("smtp", v6)
	now, rate := c.Connect("smtp", netip.MustParseAddr("2001:db8::ffff:2"))
	require.Equal(t, []int{2, 2}, []int{now, rate})
	now, _ = c.Connect("smtp", v4)
	require.Equal(t, 1, now)
	c.Disconnect("smtp", netip.MustParseAddr("2001:db8::3"))
	now, _ = c.Connect("smtp", v6)
	require.Equal(t, 2, now)
}

// However many addresses come, memory is bounded, and those that have a connection are not forgotten.
func TestManyAddresses(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var c ratelimit.Counters
	c.Connect("smtp", v4)
	c.Add("smtp", v4, ratelimit.Auth)
	a := v6.As16()
	for n := range uint64(1 << 18) {
		binary.BigEndian.PutUint64(a[8:], n)
		c.Add("smtp", netip.AddrFrom16(a), ratelimit.Auth)
	}
	require.LessOrEqual(t, c.Known(), 1<<16+1)
	require.Equal(t, 1, c.Rate("smtp", v4, ratelimit.Auth))
	runtime.GC()
	runtime.ReadMemStats(&after)
	t.Logf("%d KiB", (after.HeapAlloc-before.HeapAlloc)>>10)
	require.Less(t, after.HeapAlloc-before.HeapAlloc, uint64(24<<20))
	runtime.KeepAlive(&c)
}

// Connections at once are what was opened and not closed, whatever else happens.
func TestConcurrencyModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := ratelimit.Counters{MaxIdle: 2}
		open := map[netip.Addr]int{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			a := netip.AddrFrom4([4]byte{192, 0, 2, byte(rapid.IntRange(1, 5).Draw(t, "addr"))})
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				open[a]++
				now, rate := c.Connect("smtp", a)
				require.Equal(t, open[a], now)
				require.GreaterOrEqual(t, rate, now)
			case 1:
				open[a] = max(0, open[a]-1)
				c.Disconnect("smtp", a)
			default:
				c.Add("smtp", a, ratelimit.Recipient)
			}
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	var c ratelimit.Counters
	b.ReportAllocs()
	for b.Loop() {
		c.Add("smtp", v4, ratelimit.Recipient)
	}
}
