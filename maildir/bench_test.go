package maildir_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir"
	"github.com/stretchr/testify/require"
)

func benchMailbox(b *testing.B, s *maildir.Store) mail.Mailbox {
	b.Helper()
	a, err := s.Account(b.Context(), "u")
	require.NoError(b, err)
	m, err := a.Open(b.Context(), "INBOX")
	require.NoError(b, err)
	b.Cleanup(func() { m.Close(); a.Close() })
	return m
}

func appendOne(ctx context.Context, m mail.Mailbox, content string) error {
	a, err := m.Append(ctx)
	if err != nil {
		return err
	}
	defer a.Abort()
	if err := a.Add(ctx, strings.NewReader(content), nil); err != nil {
		return err
	}
	_, err = a.Commit(ctx)
	return err
}

func message(size int) string {
	head := "From: a@example.test\r\nTo: b@example.test\r\nSubject: benchmark\r\nMessage-ID: <1@example.test>\r\nDate: Fri, 1 May 2026 12:00:00 +0000\r\n\r\n"
	return head + strings.Repeat("The quick brown fox jumps over the lazy dog, and again.\r\n", (size-len(head))/57)
}

// BenchmarkAppend is durable appends of 4 KiB into one mailbox.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 8, 20, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			m := benchMailbox(b, &maildir.Store{Path: b.TempDir()})
			content := message(4096)
			b.ReportAllocs()
			b.SetBytes(int64(len(content)))
			var n atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range writers {
				wg.Go(func() {
					for n.Add(1) <= int64(b.N) {
						if err := appendOne(b.Context(), m, content); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// BenchmarkDisk is what the disk itself does of an append: create, write, sync, rename, sync the folder.
func BenchmarkDisk(b *testing.B) {
	for _, writers := range []int{1, 8, 20, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			dir := b.TempDir()
			require.NoError(b, os.Mkdir(dir+"/tmp", 0o700))
			require.NoError(b, os.Mkdir(dir+"/new", 0o700))
			content := []byte(message(4096))
			var n atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range writers {
				wg.Go(func() {
					for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
						name := fmt.Sprint(i)
						f, err := os.Create(dir + "/tmp/" + name)
						if err == nil {
							_, err = f.Write(content)
						}
						if err == nil {
							err = f.Sync()
						}
						f.Close()
						if err == nil {
							err = os.Rename(dir+"/tmp/"+name, dir+"/new/"+name)
						}
						if err == nil {
							var d *os.File
							if d, err = os.Open(dir + "/new"); err == nil {
								err = d.Sync()
								d.Close()
							}
						}
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// many makes a mailbox of n messages and returns where it is.
func many(b *testing.B, n int) string {
	b.Helper()
	dir := b.TempDir()
	m := benchMailbox(b, &maildir.Store{Path: dir, NoSync: true})
	for done := 0; done < n; {
		a, err := m.Append(b.Context())
		require.NoError(b, err)
		for range min(1000, n-done) {
			require.NoError(b, a.Add(b.Context(), strings.NewReader("Subject: x\r\n\r\nx\r\n"), nil))
			done++
		}
		_, err = a.Commit(b.Context())
		require.NoError(b, err)
	}
	return dir
}

// BenchmarkOpen opens a mailbox of 10,000 messages that is not in memory: with its index, and without.
func BenchmarkOpen(b *testing.B) {
	dir := many(b, 10000)
	for _, name := range []string{"index", "rebuild"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if name == "rebuild" {
					require.NoError(b, os.Remove(dir+"/buuta.index.log"))
				}
				s := &maildir.Store{Path: dir}
				a, err := s.Account(b.Context(), "u")
				require.NoError(b, err)
				m, err := a.Open(b.Context(), "INBOX")
				require.NoError(b, err)
				st, err := m.State(b.Context())
				require.NoError(b, err)
				require.Equal(b, uint32(10000), st.Messages)
				m.Close()
				a.Close()
			}
		})
	}
}

// BenchmarkFlagList lists UIDs and flags of 10,000 messages.
func BenchmarkFlagList(b *testing.B) {
	m := benchMailbox(b, &maildir.Store{Path: many(b, 10000)})
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range m.Messages(b.Context(), mail.AllUIDs(), mail.FieldFlags) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		require.Equal(b, 10000, n)
	}
	b.ReportMetric(float64(b.N)*10000/b.Elapsed().Seconds()/1e6, "Mmsg/s")
}

// BenchmarkSetFlags changes a flag of one message in 10,000, durably.
func BenchmarkSetFlags(b *testing.B) {
	m := benchMailbox(b, &maildir.Store{Path: many(b, 10000)})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		op := mail.FlagOp(i % 2)
		if _, err := m.SetFlags(b.Context(), mail.UIDSetOf(mail.UID(1+i/2%10000)), mail.FlagChange{Op: op, Flags: mail.NewFlags(`\Seen`)}); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkSetFlagsAll changes a flag of all messages of a mailbox of 20,000 by one command; ns/message is what counts.
func BenchmarkSetFlagsAll(b *testing.B) {
	const n = 20000
	m := benchMailbox(b, &maildir.Store{Path: many(b, n)})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := m.SetFlags(b.Context(), mail.AllUIDs(), mail.FlagChange{Op: mail.FlagOp(i % 2), Flags: mail.NewFlags(`\Seen`)}); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/message")
}

// BenchmarkPoll asks an unchanged mailbox of 10,000 for its changes.
func BenchmarkPoll(b *testing.B) {
	m := benchMailbox(b, &maildir.Store{Path: many(b, 10000)})
	st, err := m.State(b.Context())
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Changes(b.Context(), st.HighestModSeq); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemory is what an open mailbox of 10,000 messages holds.
func BenchmarkMemory(b *testing.B) {
	dir := many(b, 10000)
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		m := benchMailbox(b, &maildir.Store{Path: dir})
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/10000, "B/message")
		runtime.KeepAlive(m)
	}
}

// BenchmarkDeliver files a message as a delivery does: the account and its INBOX are opened and closed each time. Nothing is
// synced, so that what is seen is the work.
func BenchmarkDeliver(b *testing.B) {
	s := &maildir.Store{Path: many(b, 1000), NoSync: true}
	content := message(4096)
	b.ReportAllocs()
	for b.Loop() {
		a, err := s.Account(b.Context(), "u")
		if err != nil {
			b.Fatal(err)
		}
		m, err := a.Open(b.Context(), "INBOX")
		if err != nil {
			b.Fatal(err)
		}
		if err := appendOne(b.Context(), m, content); err != nil {
			b.Fatal(err)
		}
		m.Close()
		a.Close()
	}
}

// foreign makes a mailbox of n messages of 2 KiB as another program delivers them, and returns where it is.
func foreign(b *testing.B, n int, end string) string {
	b.Helper()
	dir := b.TempDir()
	for _, d := range []string{"/cur", "/new", "/tmp"} {
		require.NoError(b, os.Mkdir(dir+d, 0o700))
	}
	content := "Return-Path: <s@example.test>\r\nReceived: from a.example.test by b.example.test; Mon, 7 Feb 2026 21:52:25 +0700\r\nSubject: first\r\n" +
		"Content-Type: multipart/alternative; boundary=\"=_b\"\r\n" + strings.Replace(message(200), "\r\n\r\n", "\r\n\r\n--=_b\r\n\r\n", 1) +
		strings.Repeat("The quick brown fox jumps over the lazy dog, and again.\r\n", 12) +
		"--=_b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + strings.Repeat("<p>The quick brown fox jumps over the lazy dog.\r\n", 12) + "--=_b--\r\n"
	for i := range n {
		name := fmt.Sprintf("%s/cur/%d.M%06dP7Q%d.host%s:2,S", dir, 1761234567+i/100, i*7919%1000000, i, end)
		require.NoError(b, os.WriteFile(name, []byte(content), 0o600))
	}
	return dir
}

// BenchmarkFirstIndexes is the structure indexes of messages that another program has delivered, asked for for the first time.
func BenchmarkFirstIndexes(b *testing.B) {
	const n = 4000
	dir := foreign(b, n, "")
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		_ = os.Remove(dir + "/buuta.index.log")
		_ = os.Remove(dir + "/buuta.index.cache")
		s := &maildir.Store{Path: dir}
		a, err := s.Account(b.Context(), "u")
		require.NoError(b, err)
		m, err := a.Open(b.Context(), "INBOX")
		require.NoError(b, err)
		_, err = m.State(b.Context())
		require.NoError(b, err)
		b.StartTimer()
		got := 0
		for msg, err := range m.Messages(b.Context(), mail.AllUIDs(), mail.FieldIndex) {
			if err != nil || msg.Index == nil {
				b.Fatal(err)
			}
			got++
		}
		b.StopTimer()
		require.Equal(b, n, got)
		m.Close()
		a.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "msg/s")
}
