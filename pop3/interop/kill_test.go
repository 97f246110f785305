package interop_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/idle"
	"github.com/buuta/mail/maildir"
)

// "[The server] removes all messages marked as deleted": killed in the middle of it, when it is asked the next time all of them are
// there or none, and none when it had answered (RFC 1939 section 6).
func TestKilledDuringQuit(t *testing.T) {
	const messages, deleted = 120, 80
	letters := make([]string, messages)
	for i := range letters {
		letters[i] = fmt.Sprintf("Subject: %d\r\n\r\nHello.\r\n", i)
	}
	rnd := rand.New(rand.NewPCG(11, 12))
	counts := map[int]int{}
	took := 5 * time.Millisecond
	for round := range 24 {
		dir := inbox(t, letters).(*maildir.Store).Path
		server := idle.Start(t, dir)
		conn, err := net.Dial("tcp", server.Addr)
		require.NoError(t, err)
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		r := bufio.NewReader(conn)
		var all strings.Builder
		all.WriteString("USER user1\r\nPASS secret\r\n")
		for i := range deleted {
			fmt.Fprintf(&all, "DELE %d\r\n", i+1)
		}
		_, err = io.WriteString(conn, all.String())
		require.NoError(t, err)
		for range 3 + deleted { // with the greeting
			line, err := r.ReadString('\n')
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(line, "+OK"), line)
		}
		began := time.Now()
		_, err = io.WriteString(conn, "QUIT\r\n")
		require.NoError(t, err)
		answered := make(chan bool, 1)
		go func() {
			line, _ := r.ReadString('\n')
			answered <- strings.HasPrefix(line, "+OK")
		}()
		var ok bool
		if round == 0 { // how long it takes
			ok = <-answered
			took = time.Since(began)
		} else {
			time.Sleep(time.Duration(rnd.Int64N(int64(took)*5/4)) >> (3 * (round % 3))) // the moment is what is at random, more often an early one
		}
		server.Kill()
		if round > 0 {
			ok = <-answered
		}
		conn.Close()

		left := countLeft(t, dir)
		counts[left]++
		require.Contains(t, []int{messages, messages - deleted}, left, "killed after %v", time.Since(began))
		require.True(t, !ok || left == messages-deleted, "the answer was that they are gone")
		require.Equal(t, left, countLeft(t, dir), "and so it stays")
	}
	t.Log("messages left, how often:", counts, "QUIT took", took)
}

// countLeft opens a Maildir anew and counts its messages.
func countLeft(t *testing.T, dir string) (n int) {
	t.Helper()
	a, err := (&maildir.Store{Path: dir, NoSync: true}).Account(context.Background(), "user1")
	require.NoError(t, err)
	defer a.Close()
	box, err := a.Open(t.Context(), "INBOX")
	require.NoError(t, err)
	defer box.Close()
	for _, err := range box.Messages(t.Context(), mail.AllUIDs(), 0) {
		require.NoError(t, err)
		n++
	}
	return n
}
