package queue_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

func readerOf(s string) io.Reader { return strings.NewReader(s) }

const letter = "From: a@example.org\r\nSubject: Thu\r\n\r\nXin chao\r\n"

// start runs a queue over s until the test ends.
func start(t testing.TB, q *queue.Queue) *queue.Queue {
	t.Helper()
	require.NoError(t, q.Start())
	t.Cleanup(func() { require.NoError(t, q.Shutdown(context.Background())) })
	return q
}

func TestDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		var ev events
		q := start(t, &queue.Queue{
			Dir: "/spool", FS: newDisk(t), Trace: ev.trace,
			Transports: map[string]*queue.Transport{"smtp": s.transport()},
		})
		id := send(t, q, "a@example.org", letter, "b@example.net", "c@example.com")
		require.Regexp(t, `^[0-9A-F]{6,}$`, id)
		synctest.Wait()
		got := s.all()
		require.Len(t, got, 2)
		for _, d := range got {
			require.Equal(t, letter, d.body)
			require.Equal(t, "a@example.org", d.from)
		}
		require.Len(t, ev.lines(), 4)
		require.Equal(t, id+": from=<a@example.org>, size=47, nrcpt=2 (queue active)", ev.lines()[0])
		require.Equal(t, id+": removed", ev.lines()[3])
		require.Contains(t, strings.Join(ev.lines(), "\n"),
			id+": to=<b@example.net>, relay=mx.example.net[192.0.2.1]:25, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 OK)")
	})
}
