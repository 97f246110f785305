package mail_test

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

// What is known of an address and an account can be looked at, and each forgotten without the other.
func TestThrottleForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &mail.AuthThrottle{Free: 2}
		from := &net.TCPAddr{IP: net.ParseIP("192.0.2.7"), Port: 1}
		require.Zero(t, g.Address(from))
		require.Zero(t, g.Account("alice"))
		g.ForgetAddress(from)
		g.ForgetAccount("alice")
		for _, p := range []string{"a", "b", "c", "d"} {
			settled, err := g.Admit(t.Context(), &mail.AuthRequest{Username: "Alice", Password: p, Remote: from})
			require.NoError(t, err)
			settled(mail.ErrAuthFailed)
		}
		require.Equal(t, mail.Throttled{Failures: 4, Wait: 2 * time.Second}, g.Address(&net.TCPAddr{IP: net.ParseIP("::ffff:192.0.2.7")}))
		require.Equal(t, mail.Throttled{Failures: 4, Wait: 2 * time.Second}, g.Account("alice"))
		require.Zero(t, g.Account("bob"))
		g.ForgetAddress(from)
		require.Zero(t, g.Address(from))
		require.Equal(t, 4, g.Account("ALICE").Failures)
		g.ForgetAccount("ALICE")
		began := time.Now()
		settled, err := g.Admit(t.Context(), &mail.AuthRequest{Username: "alice", Password: "e", Remote: from})
		require.NoError(t, err)
		require.Zero(t, time.Since(began), "it waits for nothing")
		settled(nil)
	})
}
