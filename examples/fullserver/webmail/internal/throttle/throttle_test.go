package throttle_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail/internal/throttle"
)

func TestThrottle(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	th := &throttle.Throttle{Now: func() time.Time { return now }}
	for range throttle.FreeName {
		require.Zero(t, th.Wait("alice", "a"))
	}
	require.Equal(t, time.Second, th.Wait("alice", "b"), "from wherever it comes")
	require.Zero(t, th.Wait("bob", "a"), "others behind the address are let in")
	now = now.Add(time.Second)
	require.Zero(t, th.Wait("alice", "a"))
	require.Equal(t, 2*time.Second, th.Wait("alice", "a"), "each failure doubles it")
	now = now.Add(2 * time.Second)
	require.Zero(t, th.Wait("alice", "a"))
	th.Success("alice", "a")
	require.Zero(t, th.Wait("alice", "a"))
	now = now.Add(2 * throttle.Forget)
	for i := range throttle.FreeAddress {
		require.Zero(t, th.Wait(fmt.Sprint("user", i), "c"))
	}
	require.Equal(t, time.Second, th.Wait("another", "c"), "many names from one address")
	for range 40 {
		if d := th.Wait("another", "c"); d > 0 {
			require.LessOrEqual(t, d, throttle.Longest)
			now = now.Add(d)
		}
	}
}

func TestMemory(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	th := &throttle.Throttle{Now: func() time.Time { return now }}
	for i := range throttle.Entries {
		th.Wait(fmt.Sprint(i), fmt.Sprint(i))
		now = now.Add(time.Millisecond)
	}
	require.Less(t, th.Len(), throttle.Entries+2)
}
