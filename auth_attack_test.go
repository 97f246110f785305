package mail_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

// Ten thousand guesses from as many addresses, in an hour: at one account few are looked at, and the user herself, where she has logged in
// before, and all others notice nothing.
func TestTenThousandGuesses(t *testing.T) {
	address := func(n int) string { return fmt.Sprintf("198.51.%d.%d", n>>8, n&255) }
	synctest.Test(t, func(t *testing.T) {
		g := &mail.AuthThrottle{}
		_, ok := attempt(t, g, "192.0.2.1", "alice", "right")
		require.True(t, ok)
		looked := 0
		done := make(chan bool, 10_000)
		for n := range 10_000 {
			go func() { _, ok := attempt(t, g, address(n), "alice", fmt.Sprint("guess", n)); done <- ok }()
			time.Sleep(360 * time.Millisecond)
			if n%1000 == 999 {
				for who, ip := range map[string]string{"alice": "192.0.2.1", "bob": "192.0.2.2", "carol": "192.0.2.3"} {
					wait, ok := attempt(t, g, ip, who, "right")
					require.True(t, ok, who)
					require.Zero(t, wait, who)
				}
			}
		}
		for range 10_000 {
			if <-done {
				looked++
			}
		}
		t.Logf("%d of 10,000 looked at", looked)
		require.Less(t, looked, 300, "one in 15 s is 240 an hour, and the first few")
	})
	// The same from few addresses at ten thousand accounts: an address gets no further.
	synctest.Test(t, func(t *testing.T) {
		g := &mail.AuthThrottle{}
		looked := 0
		done := make(chan bool, 10_000)
		for n := range 10_000 {
			go func() { _, ok := attempt(t, g, address(n%10), fmt.Sprint("user", n), "Summer2026!"); done <- ok }()
			time.Sleep(360 * time.Millisecond)
		}
		for range 10_000 {
			if <-done {
				looked++
			}
		}
		t.Logf("%d of 10,000 looked at", looked)
		require.Less(t, looked, 3000)
		for n := range 100 { // nobody is locked out by it
			wait, ok := attempt(t, g, "192.0.2.9", fmt.Sprint("user", n), "right")
			require.True(t, ok)
			require.Zero(t, wait)
		}
	})
}
