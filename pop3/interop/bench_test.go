package interop_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/pop3"
)

// BenchmarkFirstByte is the time from the connection to the first octet of a message in a maildrop of 100,000, whose index nobody has in
// memory.
func BenchmarkFirstByte(b *testing.B) {
	const messages = 100_000
	dir := b.TempDir()
	a, err := (&maildir.Store{Path: dir, NoSync: true}).Account(context.Background(), "user1")
	require.NoError(b, err)
	box, err := a.Open(b.Context(), "INBOX")
	require.NoError(b, err)
	for done := 0; done < messages; {
		ap, err := box.Append(b.Context())
		require.NoError(b, err)
		for range 1000 {
			done++
			require.NoError(b, ap.Add(b.Context(), strings.NewReader(fmt.Sprintf("Subject: %d\r\n\r\nHello.\r\n", done)), nil))
		}
		_, err = ap.Commit(b.Context())
		require.NoError(b, err)
	}
	require.NoError(b, box.Close())
	require.NoError(b, a.Close())
	time.Sleep(3 * time.Second) // folders that have just changed are looked at again, which an old maildrop's are not
	for b.Loop() {
		b.StopTimer()
		s := &pop3.Server{Store: &maildir.Store{Path: dir}, Authenticator: passwords{}, AllowPlaintext: func(*pop3.Conn) bool { return true }}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(b, err)
		go func() { _ = s.Serve(l) }()
		b.StartTimer()
		c, err := net.Dial("tcp", l.Addr().String())
		require.NoError(b, err)
		require.NoError(b, converse(c, "", "USER user1", "PASS secret", "RETR 99999"))
		b.StopTimer()
		_, _ = io.WriteString(c, "QUIT\r\n")
		_, _ = io.Copy(io.Discard, c)
		c.Close()
		s.Close()
		b.StartTimer()
	}
}
