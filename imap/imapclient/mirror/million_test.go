package mirror_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imapclient/mirror"
)

// onDisk stands for a cache whose messages are elsewhere: it holds their UIDs alone.
type onDisk struct {
	state mirror.State
	uids  mail.UIDSet
	news  int
}

func (c *onDisk) State(context.Context) (mirror.State, error)                    { return c.state, nil }
func (c *onDisk) UIDs(context.Context) (mail.UIDSet, error)                      { return c.uids, nil }
func (*onDisk) Changed(context.Context, mail.UID, int) ([]mirror.Message, error) { return nil, nil }

func (c *onDisk) Apply(_ context.Context, b *mirror.Batch) (done mirror.Applied, err error) {
	for i := range b.News {
		c.uids.Add(b.News[i].UID)
	}
	if c.news += len(b.News); b.State != nil {
		c.state = *b.State
	}
	return done, nil
}

// TestMemoryOfAMillion mirrors a mailbox of a million messages, anew and by difference, and looks at what is held in memory meanwhile:
// on each side of a gap that every thousandth UID is, so that UIDs are a thousand ranges.
func TestMemoryOfAMillion(t *testing.T) {
	messages := 1_000_000
	if testing.Short() {
		messages = 100_000
	}
	client, server := net.Pipe()
	go serveMillion(server, messages)
	c, err := imapclient.NewClient(t.Context(), client, &imapclient.Options{ServerName: "million", TLS: imapclient.TLSNone})
	require.NoError(t, err)
	defer c.Close()
	cache := &onDisk{}
	most, before, calls := uint64(0), heap(), 0
	m := &mirror.Mirror{Mailbox: "INBOX", Cache: cache, Progress: func(mirror.Progress) {
		if calls++; calls%100 == 0 {
			most = max(most, heap())
		}
	}}
	for _, method := range []mirror.Method{mirror.StartedAnew, mirror.Difference} {
		res, err := m.Sync(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, method, res.Method)
		require.Equal(t, messages, cache.uids.Count())
	}
	require.Equal(t, 2*messages, cache.news)
	t.Logf("%d messages: %d KiB at most", messages, (most-before)>>10)
	require.Less(t, most-before, uint64(4<<20))
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// serveMillion is a server without extensions.
func serveMillion(conn net.Conn, messages int) {
	defer conn.Close()
	w := bufio.NewWriterSize(conn, 64<<10)
	r := bufio.NewReader(conn)
	fmt.Fprint(w, "* PREAUTH [CAPABILITY IMAP4rev1 UIDPLUS] hello\r\n")
	for w.Flush() == nil {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		tag, command, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(command, "SELECT"):
			fmt.Fprintf(w, "* %d EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT %d] x\r\n", messages, 2*messages)
		case strings.HasPrefix(command, "UID FETCH"):
			for i := range messages {
				fmt.Fprintf(w, "* %d FETCH (UID %d FLAGS (\\Seen $work))\r\n", i+1, i+i/1000+1)
			}
		}
		fmt.Fprintf(w, "%s OK done\r\n", tag)
	}
}
