package mail_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

func from(ip string) net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), 40000))
}

// attempt logs in: the password of everybody is "right". looked says whether it was looked at.
func attempt(t *testing.T, g mail.AuthGuard, ip, user, password string) (waited time.Duration, looked bool) {
	t.Helper()
	start := time.Now()
	settled, err := g.Admit(t.Context(), &mail.AuthRequest{Username: user, Password: password, Remote: from(ip)})
	if err != nil {
		require.ErrorIs(t, err, mail.ErrTooManyAttempts)
		return 0, false
	}
	if password == "right" {
		settled(nil)
	} else {
		settled(fmt.Errorf("%w: no", mail.ErrAuthFailed))
	}
	return time.Since(start), true
}

func TestAuthThrottle(t *testing.T) {
	t.Run("one address", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &mail.AuthThrottle{}
			var waits []int
			for i := range 12 {
				w, ok := attempt(t, g, "192.0.2.1", fmt.Sprint("user", i), "guess")
				require.True(t, ok)
				waits = append(waits, int(w/time.Second))
			}
			require.Equal(t, []int{0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 15, 15}, waits)
			// Others don't notice, not even those in the next network.
			w, _ := attempt(t, g, "192.0.2.2", "anna", "right")
			require.Zero(t, w)
			// It is forgotten in time.
			time.Sleep(45 * time.Minute)
			w, _ = attempt(t, g, "192.0.2.1", "user", "guess")
			require.Zero(t, w)
		})
	})
	t.Run("many at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &mail.AuthThrottle{}
			for i := range 20 {
				attempt(t, g, "192.0.2.1", "anna", fmt.Sprint(i))
			}
			var seen, refused atomic.Int32
			var all sync.WaitGroup
			for i := range 50 {
				all.Go(func() {
					if _, ok := attempt(t, g, "192.0.2.1", "bao", fmt.Sprint("guess", i)); ok {
						seen.Add(1)
					} else {
						refused.Add(1)
					}
				})
			}
			all.Wait()
			require.LessOrEqual(t, int(seen.Load()), 3, "two fit into the half minute that an attempt waits at most")
			require.EqualValues(t, 50, seen.Load()+refused.Load())
		})
	})
	t.Run("one account from many addresses", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &mail.AuthThrottle{}
			_, ok := attempt(t, g, "198.51.100.7", "Anna", "right") // her own telephone
			require.True(t, ok)
			seen := 0
			start := time.Now()
			for i := range 1000 {
				if _, ok := attempt(t, g, fmt.Sprintf("10.0.%d.%d", i/250, i%250), "anna", fmt.Sprint("guess", i)); ok {
					seen++
				}
			}
			require.Less(t, float64(seen), 20+time.Since(start).Seconds()/14, "no more than one in 15 seconds")
			w, ok := attempt(t, g, "198.51.100.7", "anna", "right")
			require.True(t, ok)
			require.Zero(t, w, "whom the address is known of doesn't wait")
			w, ok = attempt(t, g, "10.0.0.1", "bao", "right")
			require.True(t, ok)
			require.Zero(t, w)
		})
	})
	t.Run("a known address has its own failures", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &mail.AuthThrottle{}
			attempt(t, g, "192.0.2.1", "anna", "right")
			for i := range 8 {
				attempt(t, g, "192.0.2.1", "anna", fmt.Sprint(i))
			}
			w, _ := attempt(t, g, "192.0.2.1", "anna", "9")
			require.NotZero(t, w)
			w, _ = attempt(t, g, "192.0.2.1", "bao", "right")
			require.Zero(t, w, "who shares the address doesn't wait")
		})
	})
	t.Run("the old password of a telephone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &mail.AuthThrottle{}
			for range 100 {
				w, ok := attempt(t, g, "192.0.2.1", "anna", "old")
				require.True(t, ok)
				require.Zero(t, w)
			}
		})
	})
	t.Run("what says nothing about the password", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &mail.AuthThrottle{}
			for range 100 {
				settled, err := g.Admit(t.Context(), &mail.AuthRequest{Username: "anna", Remote: from("192.0.2.1")})
				require.NoError(t, err)
				settled(errors.New("the database is down"))
				settled(mail.ErrAuthFailed) // once is enough
			}
			w, _ := attempt(t, g, "192.0.2.1", "anna", "right")
			require.Zero(t, w)
		})
	})
	t.Run("a network of IPv6", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &mail.AuthThrottle{}
			for i := range 10 {
				attempt(t, g, fmt.Sprintf("2001:db8::%x", i), fmt.Sprint(i), "guess")
			}
			w, _ := attempt(t, g, "2001:db8::ff", "anna", "right")
			require.NotZero(t, w)
			w, _ = attempt(t, g, "2001:db8:0:1::1", "bao", "right")
			require.Zero(t, w)
			for i := range 10 {
				attempt(t, g, fmt.Sprintf("::ffff:192.0.2.%d", i), fmt.Sprint("x", i), "guess")
			}
			w, _ = attempt(t, g, "192.0.2.99", "bao", "right")
			require.Zero(t, w, "IPv4 in IPv6 is IPv4")
		})
	})
	t.Run("patience ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &mail.AuthThrottle{}
			for i := range 12 {
				attempt(t, g, "192.0.2.1", "anna", fmt.Sprint(i))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			_, err := g.Admit(ctx, &mail.AuthRequest{Username: "anna", Remote: from("192.0.2.1")})
			var too *mail.TooManyAttemptsError
			require.ErrorAs(t, err, &too)
			require.Equal(t, 15*time.Second, too.Wait)
			require.Equal(t, "too many failed logins: try again in 15s", err.Error())
			require.Zero(t, time.Since(start), "what is in vain is not waited for")
			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(2*time.Second, cancel)
			_, err = g.Admit(ctx, &mail.AuthRequest{Username: "anna", Remote: from("192.0.2.1")})
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, 2*time.Second, time.Since(start))
		})
	})
	t.Run("shutting down", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &mail.AuthThrottle{}
			for i := range 12 {
				attempt(t, g, "192.0.2.1", "anna", fmt.Sprint(i))
			}
			start := time.Now()
			time.AfterFunc(time.Second, func() { g.Stop(); g.Stop() })
			_, ok := attempt(t, g, "192.0.2.1", "anna", "guess")
			require.False(t, ok)
			require.Equal(t, time.Second, time.Since(start))
			_, ok = attempt(t, g, "192.0.2.1", "anna", "guess")
			require.False(t, ok)
			_, ok = attempt(t, g, "192.0.2.2", "bao", "right")
			require.True(t, ok)
			require.Equal(t, time.Second, time.Since(start))
		})
	})
	t.Run("who is exempt", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := &mail.AuthThrottle{Exempt: func(a netip.Addr) bool { return a.IsLoopback() }}
			for i := range 50 {
				w, ok := attempt(t, g, "::1", "anna", fmt.Sprint(i))
				require.True(t, ok)
				require.Zero(t, w)
			}
			_, err := g.Admit(t.Context(), &mail.AuthRequest{Username: "anna", Remote: &net.UnixAddr{Name: "x"}})
			require.NoError(t, err)
			_, err = g.Admit(t.Context(), &mail.AuthRequest{Username: "anna"})
			require.NoError(t, err)
		})
	})
}

// However many names and addresses somebody makes up, the memory is bounded.
func TestAuthThrottleMemory(t *testing.T) {
	g := &mail.AuthThrottle{}
	before := heap()
	for i := range 300_000 {
		a := from(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255))
		settled, err := g.Admit(t.Context(), &mail.AuthRequest{Username: fmt.Sprint("user", i), Password: "guess", Remote: a})
		require.NoError(t, err)
		settled(mail.ErrAuthFailed)
	}
	used := heap() - before
	t.Logf("%d KiB", used>>10)
	require.Less(t, used, int64(20<<20))
	runtime.KeepAlive(g)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// One guard for the servers of all protocols: smtp.Server, imapserver.Server and pop3.Server have a field Guard.
func ExampleAuthThrottle() {
	guard := &mail.AuthThrottle{Free: 2, MaxWait: time.Millisecond}
	for _, password := range []string{"123456", "password", "qwerty", "letmein"} {
		settled, err := guard.Admit(context.Background(), &mail.AuthRequest{Username: "anna", Password: password, Remote: from("192.0.2.1")})
		if err != nil {
			fmt.Println(password, "is not looked at:", errors.Is(err, mail.ErrTooManyAttempts))
			continue
		}
		settled(mail.ErrAuthFailed) // what the Authenticator said
		fmt.Println(password, "is wrong")
	}
	// Output:
	// 123456 is wrong
	// password is wrong
	// qwerty is wrong
	// letmein is not looked at: true
}
