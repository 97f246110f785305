package queuecmd_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/queuecmd"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// A pause is the same thing whether the server runs or not, and outlives either.
func TestPause(t *testing.T) {
	q, _, dir := spooled(t, 2)
	data := filepath.Dir(dir)
	do := func(status int, stdout, stderr string, words ...string) {
		t.Helper()
		var out, errs strings.Builder
		got := queuecmd.Run(t.Context(), data, dir, "queue", words, strings.NewReader(""), &out, &errs)
		require.Equal(t, []any{status, stdout, stderr}, []any{got, out.String(), errs.String()}, words)
	}
	l, err := queuecmd.Listen(data + "/control")
	require.NoError(t, err)
	srv := &http.Server{Handler: queuecmd.Handler(q)}
	served := make(chan error)
	go func() { served <- srv.Serve(l) }()

	do(0, "", "", "paused")
	do(0, "", "queue: b.test: paused\nqueue: a.test: paused\n", "pause", "B.test", "a.test")
	do(0, "", "", "pause", "b.test")
	do(0, "a.test\nb.test\n", "", "paused")
	do(0, "", "queue: a.test: resumed, 0 messages due\n", "resume", "A.test")
	do(0, "", "", "resume", "a.test")
	require.Equal(t, []string{"b.test"}, q.Paused())
	const usage = "queue: fatal: usage: queue pause domain... | queue resume domain... | queue paused | queue bounce queue_id...\n"
	for _, words := range []string{"", "pause", "resume", "bounce", "paused b.test", "stop b.test"} {
		do(1, "", usage, strings.Fields(words)...)
	}
	for _, bad := range []string{"", "-f", "@b.test", "x@b.test", "b test", "b\ntest", ".b.test", strings.Repeat("b", 256)} {
		status, _, errs := run(q, "", "queue", "pause", "c.test", bad)
		require.Equal(t, 69, status)
		require.Contains(t, errs, "is not a domain", bad)
		require.Equal(t, []string{"b.test"}, q.Paused(), "nothing is done by halves")
	}
	require.NoError(t, srv.Close())
	<-served
	require.NoError(t, q.Close())

	do(0, "b.test\n", "", "paused")
	do(0, "", "queue: c.test: paused\n", "pause", "c.test")
	do(1, "", "queue: fatal: invalid queue id: \"../x\"\n", "bounce", "../x")
	do(0, "", "queue: Bounced: 0 messages\n", "bounce", "4ABCDEFGHZ")
	do(0, "", "queue: b.test: resumed, 0 messages due\n", "resume", "b.test") // what has not been tried is due already
	again := &queue.Queue{Dir: dir, Transports: q.Transports}
	require.NoError(t, again.Start())
	require.Equal(t, []string{"c.test"}, again.Paused())
	require.NoError(t, again.Close())
}
