package imapserver_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/maildir"
)

// benchClient reads answers without allocating.
type benchClient struct {
	b *testing.B
	c net.Conn
	r *bufio.Reader
}

// newBench serves a mailbox of n messages of about 6 kB to a client that has it selected.
func newBench(b *testing.B, n int) *benchClient {
	return newBenchOn(b, imaptest.NewStore(), n, benchMessage)
}

// newBenchOn is newBench with a store and messages of its own.
func newBenchOn(b *testing.B, store mail.Store, n int, message func(int) string) *benchClient {
	b.Helper()
	account, err := store.Account(context.Background(), "alice")
	require.NoError(b, err)
	box, err := account.Open(context.Background(), "INBOX")
	require.NoError(b, err)
	tx, err := box.Append(context.Background())
	require.NoError(b, err)
	for i := range n {
		require.NoError(b, tx.Add(context.Background(), strings.NewReader(message(i)), nil))
	}
	_, err = tx.Commit(context.Background())
	require.NoError(b, err)
	srv := &imapserver.Server{Store: store, Authenticator: imaptest.Users{"alice": "secret"},
		AllowPlaintext: (*imapserver.Conn).FromThisMachine}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	go func() { _ = srv.Serve(l) }()
	b.Cleanup(func() { _ = srv.Shutdown(context.Background()) })
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(b, err)
	b.Cleanup(func() { _ = c.Close() })
	bc := &benchClient{b, c, bufio.NewReaderSize(c, 256<<10)}
	bc.do("a LOGIN alice secret\r\n")
	bc.do("a SELECT INBOX\r\n")
	return bc
}

func benchMessage(i int) string {
	return fmt.Sprintf("Return-Path: <sender%d@example.test>\r\nReceived: from a.example.test by b.example.test; Mon, 7 Feb 2026 21:52:25 +0700\r\n"+
		"Date: Mon, 7 Feb 2026 21:52:25 +0700\r\nFrom: \"Sender %d\" <sender%d@example.test>\r\nTo: alice@example.test, bob@example.test\r\n"+
		"Cc: \"Carol C.\" <carol@example.test>\r\nSubject: Message number %d about something\r\nMessage-ID: <%d@example.test>\r\n"+
		"In-Reply-To: <x%d@example.test>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"=_b\"\r\n\r\n"+
		"--=_b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s--=_b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n%s--=_b--\r\n",
		i, i, i, i, i, i, strings.Repeat("A line of text that is not long.\r\n", 80), strings.Repeat("<p>A line of text that is not long.\r\n", 75))
}

// do sends a command with the tag "a" and reads to its end.
func (c *benchClient) do(command string) {
	if _, err := io.WriteString(c.c, command); err != nil {
		c.b.Fatal(err)
	}
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			c.b.Fatal(err)
		}
		if len(line) > 2 && line[0] == 'a' && line[1] == ' ' {
			if line[2] != 'O' {
				c.b.Fatalf("%s", line)
			}
			return
		}
		if n := len(line); n > 4 && line[n-3] == '}' {
			size := 0
			for i := n - 4; i >= 0 && line[i] != '{'; i-- {
				if line[i] < '0' || line[i] > '9' {
					size = -1
					break
				}
			}
			if size == 0 {
				_, _ = fmt.Sscanf(string(line[strings.LastIndexByte(string(line), '{')+1:n-3]), "%d", &size)
				_, _ = c.r.Discard(size)
			}
		}
	}
}

// BenchmarkFetch gives the time and the allocations of server and client for one message.
func BenchmarkFetch(b *testing.B) {
	const n = 1000
	for _, items := range []string{"FLAGS", "ENVELOPE", "BODYSTRUCTURE", "BODY.PEEK[]", "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)",
		"BODY.PEEK[HEADER.FIELDS (From To Subject Date)]"} {
		b.Run(strings.ReplaceAll(items, " ", "_"), func(b *testing.B) {
			c := newBench(b, n)
			c.do("a FETCH 1:* " + items + "\r\n")
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += n {
				c.do("a FETCH 1:* " + items + "\r\n")
			}
		})
	}
}

// BenchmarkFetchMaildir is BenchmarkFetch over files of 2 kB.
func BenchmarkFetchMaildir(b *testing.B) {
	const n = 4000
	short := func(i int) string { return benchMessage(i)[:2048] }
	for _, items := range []string{"FLAGS", "BODY.PEEK[]", "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"} {
		b.Run(strings.ReplaceAll(items, " ", "_"), func(b *testing.B) {
			c := newBenchOn(b, &maildir.Store{Path: b.TempDir() + "/%u", NoSync: true}, n, short)
			c.do("a FETCH 1:* " + items + "\r\n")
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += n {
				c.do("a FETCH 1:* " + items + "\r\n")
			}
		})
	}
}

func BenchmarkNoop(b *testing.B) {
	c := newBench(b, 100)
	b.ReportAllocs()
	for b.Loop() {
		c.do("a NOOP\r\n")
	}
}

func BenchmarkAppend(b *testing.B) {
	c := newBench(b, 0)
	m := benchMessage(1)
	command := fmt.Sprintf("a APPEND Trash {%d+}\r\n%s\r\n", len(m), m)
	c.do("a CREATE Trash\r\n")
	b.SetBytes(int64(len(m)))
	b.ReportAllocs()
	for b.Loop() {
		c.do(command)
	}
}

func BenchmarkSearchText(b *testing.B) {
	c := newBench(b, 1000)
	b.SetBytes(int64(len(benchMessage(1))) * 1000)
	b.ReportAllocs()
	for b.Loop() {
		c.do("a SEARCH TEXT \"not to be found\"\r\n")
	}
}

func BenchmarkStore(b *testing.B) {
	c := newBench(b, 1000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.do([]string{"a STORE 7 +FLAGS (\\Seen)\r\n", "a STORE 7 -FLAGS (\\Seen)\r\n"}[i%2])
	}
}

// BenchmarkStoreAll changes a flag of all messages of a Maildir of 4,000 by one command; an operation is one message.
func BenchmarkStoreAll(b *testing.B) {
	const n = 4000
	for _, silent := range []string{"", ".SILENT"} {
		b.Run("FLAGS"+silent, func(b *testing.B) {
			c := newBenchOn(b, &maildir.Store{Path: b.TempDir() + "/%u"}, n, func(i int) string { return benchMessage(i)[:2048] })
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i*n < b.N; i++ {
				c.do([]string{"a STORE 1:* +FLAGS", "a STORE 1:* -FLAGS"}[i%2] + silent + " (\\Flagged)\r\n")
			}
		})
	}
}

// BenchmarkIdleConnection gives what a connection costs that has fetched a mailbox and is in IDLE, both ends and their
// goroutines counted.
func BenchmarkIdleConnection(b *testing.B) {
	c := newBench(b, 1000)
	idleMemory(b, c.c.RemoteAddr().String(), "FETCH 1:* ENVELOPE")
}

// BenchmarkIdleNotify gives the memory of a connection that waits with NOTIFY for whatever happens in 400 mailboxes, client
// included.
func BenchmarkIdleNotify(b *testing.B) {
	const boxes = 400
	c := newBench(b, 10)
	for i := range boxes - 1 {
		c.do("a CREATE Lists/list" + strconv.Itoa(i) + "\r\n")
	}
	idleMemory(b, c.c.RemoteAddr().String(),
		"NOTIFY SET (selected (MessageNew MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))")
}

// idleMemory gives the memory of a connection in IDLE that has done a command before.
func idleMemory(b *testing.B, addr, command string) {
	const conns = 200
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		var list []net.Conn
		for range conns {
			nc, err := net.Dial("tcp", addr)
			require.NoError(b, err)
			bc := &benchClient{b, nc, bufio.NewReaderSize(nc, 64<<10)}
			bc.do("a LOGIN alice secret\r\n")
			bc.do("a SELECT INBOX\r\n")
			bc.do("a " + command + "\r\n")
			_, err = nc.Write([]byte("a IDLE\r\n"))
			require.NoError(b, err)
			_, err = bc.r.ReadSlice('\n')
			require.NoError(b, err)
			list = append(list, nc)
		}
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc+after.StackInuse-before.StackInuse)/conns, "B/conn")
		for _, nc := range list {
			_ = nc.Close()
		}
	}
}

// BenchmarkSort gives the time of one SORT or THREAD of 20,000 messages.
func BenchmarkSort(b *testing.B) {
	for _, command := range []string{"SORT (DATE) UTF-8 ALL", "SORT (SUBJECT) UTF-8 ALL", "SORT (ARRIVAL) UTF-8 ALL",
		"SORT RETURN (PARTIAL 1:50) (REVERSE DATE) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL", "THREAD ORDEREDSUBJECT UTF-8 ALL",
		"SEARCH RETURN (PARTIAL -1:-50) UNSEEN", "SEARCH UNSEEN"} {
		b.Run(strings.ReplaceAll(command, " ", "_"), func(b *testing.B) {
			c := newBench(b, 20_000)
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				c.do("a " + command + "\r\n")
			}
		})
	}
}

// BenchmarkIdleDelivery gives the median of the time from a delivery that is done to the EXISTS that a client in IDLE reads.
func BenchmarkIdleDelivery(b *testing.B) {
	store := &maildir.Store{Path: b.TempDir() + "/%u", NoSync: true}
	c := newBenchOn(b, store, 100, benchMessage)
	account, err := store.Account(context.Background(), "alice")
	require.NoError(b, err)
	defer account.Close()
	box, err := account.Open(context.Background(), "INBOX")
	require.NoError(b, err)
	defer box.Close()
	_, err = c.c.Write([]byte("a IDLE\r\n"))
	require.NoError(b, err)
	_, err = c.r.ReadSlice('\n')
	require.NoError(b, err)
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		tx, err := box.Append(context.Background())
		require.NoError(b, err)
		require.NoError(b, tx.Add(context.Background(), strings.NewReader(benchMessage(i)), nil))
		_, err = tx.Commit(context.Background())
		require.NoError(b, err)
		from := time.Now()
		for {
			l, err := c.r.ReadSlice('\n')
			require.NoError(b, err)
			if bytes.HasSuffix(l, []byte(" EXISTS\r\n")) {
				break
			}
		}
		took = append(took, time.Since(from))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/median")
}

// BenchmarkConversation searches a Maildir of 100,000 for a conversation of 101, in the ways that clients do.
func BenchmarkConversation(b *testing.B) {
	const n = 100_000
	c := newBenchOn(b, &maildir.Store{Path: b.TempDir() + "/%u", NoSync: true}, n, func(i int) string {
		refs := ""
		if i%1000 == 0 {
			refs = "In-Reply-To: <b1@example.test>\r\nReferences: <b1@example.test>\r\n"
		}
		return fmt.Sprintf("From: Sender %d <s%d@example.test>\r\nTo: alice@example.test\r\nSubject: Message number %d\r\nDate: Mon, 02 Mar 2026 10:00:00 +0700\r\n"+
			"Message-ID: <b%d@example.test>\r\n%s\r\nHello, this is number %d.\r\n%s", i, i%500, i, i, refs, i, strings.Repeat("A line of text as people write it.\r\n", 10))
	})
	for _, key := range []string{`HEADER Message-ID "<b1@example.test>"`, `HEADER References "<b1@example.test>"`, "THREADID TVWrUSlCEtqCgLyyhG3LN"} {
		b.Run(strings.ReplaceAll(key, " ", "_"), func(b *testing.B) {
			c.do("a SEARCH " + key + "\r\n")
			b.ReportAllocs()
			for b.Loop() {
				c.do("a SEARCH " + key + "\r\n")
			}
		})
	}
}
