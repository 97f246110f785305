package imapserver_test

import (
	"bufio"
	"compress/flate"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver"
)

// packed is the client's side of COMPRESS, by the standard library.
type packed struct {
	*peer
	w *flate.Writer
}

func (p *peer) compress() *packed {
	p.Helper()
	require.Empty(p, p.do("z COMPRESS DEFLATE"))
	w, err := flate.NewWriter(p.Conn, flate.BestCompression)
	require.NoError(p, err)
	p.r = bufio.NewReader(flate.NewReader(p.r))
	return &packed{p, w}
}

// do sends a command and returns the untagged lines.
func (p *packed) do(command string) (lines []string, status string) {
	p.Helper()
	_, err := io.WriteString(p.w, command+"\r\n")
	require.NoError(p, err)
	require.NoError(p, p.w.Flush())
	tag, _, _ := strings.Cut(command, " ")
	for {
		l := p.line()
		if strings.HasPrefix(l, tag+" ") {
			return lines, l
		}
		lines = append(lines, l)
	}
}

// RFC 4978 section 3.
func TestCompress(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple, strings.Repeat("Subject: x\n\n"+simple, 500))
	p := f.login("INBOX")
	_, status := p.try("a COMPRESS LZW")
	require.Equal(t, "a BAD Only DEFLATE is known", status)
	q := p.compress()
	_, status = q.do("a NOOP")
	require.Equal(t, "a OK NOOP completed.", status)
	lines, _ := q.do("b FETCH 1:2 (UID BODY.PEEK[])")
	require.Contains(t, strings.Join(lines, "\n"), "Hello Joe")
	// "BAD: … or COMPRESS already active."
	_, status = q.do("c COMPRESS DEFLATE")
	require.Equal(t, "c BAD [COMPRESSIONACTIVE] DEFLATE is active already", status)
	// A change made elsewhere interrupts IDLE, compressed.
	_, err := io.WriteString(q.w, "d IDLE\r\n")
	require.NoError(t, err)
	require.NoError(t, q.w.Flush())
	require.Equal(t, "+ idling", q.line())
	f.add("INBOX", simple)
	require.Equal(t, "* 3 EXISTS", q.line())
	require.Equal(t, "* 3 RECENT", q.line())
	_, err = io.WriteString(q.w, "DONE\r\n")
	require.NoError(t, err)
	require.NoError(t, q.w.Flush())
	require.Equal(t, "d OK IDLE completed.", q.line())
	_, status = q.do("e LOGOUT")
	require.Equal(t, "e OK LOGOUT completed.", status)
	q.closed()
}

// "The client MUST NOT send any further commands until it has seen the result of COMPRESS."
func TestCompressPipelined(t *testing.T) {
	f := newFixture(t, nil)
	p := f.login("")
	p.send("a COMPRESS DEFLATE\r\nb NOOP\r\n")
	require.Contains(t, p.line(), "a BAD ")
	require.Equal(t, "b OK NOOP completed.", p.line())
}

func TestCompressTakenAway(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Without = []imap.Capability{imap.CapCompress} })
	p := f.login("")
	require.NotContains(t, p.do("a CAPABILITY")[0], "COMPRESS")
	_, status := p.try("b COMPRESS DEFLATE")
	require.Equal(t, "b BAD Unknown command", status)
	q := newFixture(t, nil).dial()
	q.line()
	_, status = q.try("a COMPRESS DEFLATE")
	require.Equal(t, "a BAD Log in first", status)
}

// What is decompressed passes the same limits: a line that grows out of little is dropped, and memory stays small.
func TestCompressBomb(t *testing.T) {
	f := newFixture(t, nil)
	q := f.login("").compress()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	sent := make(chan error, 1)
	go func() {
		zeros := strings.Repeat("x", 1<<20)
		_, err := io.WriteString(q.w, "a NOOP ")
		for range 16 {
			if err == nil {
				_, err = io.WriteString(q.w, zeros)
			}
		}
		if err == nil {
			_, err = io.WriteString(q.w, "\r\n")
		}
		if err == nil {
			err = q.w.Flush()
		}
		sent <- err
	}()
	require.Equal(t, "a BAD [TOOBIG] Command line too long", q.line())
	require.NoError(t, <-sent)
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(4<<20))
	_, status := q.do("b NOOP")
	require.Equal(t, "b OK NOOP completed.", status)
}

// Rubbish ends the session.
func TestCompressRubbish(t *testing.T) {
	f := newFixture(t, nil)
	q := f.login("").compress()
	q.send("\xff\xff\xff\xffb NOOP\r\n")
	_, err := io.Copy(io.Discard, q.Conn)
	require.NoError(t, err)
}
