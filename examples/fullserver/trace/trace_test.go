package trace_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/trace"
)

func run(t *testing.T, args ...string) (int, string, string) {
	var out, errs bytes.Buffer
	status := trace.Run(args, "", "en_US.UTF-8", &out, &errs)
	return status, out.String(), errs.String()
}

const postfix, ours = "testdata/postfix.log", "testdata/ours.log"

// What Postfix's lines and ours tell, by each word that leads to them.
func TestStories(t *testing.T) {
	const delivered = `Message 4Bx1Yz2tRNz9rX <abc@example.org>, from lan@example.org, 2914 octets
  Nov 27 09:00:01  came from mail.example.org[192.0.2.7], who logged in as lan@example.net
  Nov 27 09:00:01  was taken into the queue, for 2 recipients
  Nov 27 09:00:02  an@mx.example.net (it was addressed to office@example.net): put into the mailbox after 0.3 s
  Nov 27 09:00:03  b@far.example: handed to mx.far.example[198.51.100.3]:25 after 1.5 s, which said: 250 2.0.0 Ok: queued as 77F
  Nov 27 09:00:03  is done and has left the queue
`
	const waiting = `Message 4Bx1Z02tRNz9rY <late@example.net>, from an@example.net, 512 octets
  Nov 27 09:06:00  came from localhost[127.0.0.1]
  Nov 27 09:06:00  was taken into the queue, for 1 recipients
  Nov 27 09:06:30  b@slow.example: could not be delivered yet, by none: connect to mx.slow.example[198.51.100.4]:25: Connection timed out
    (and 1 times more, until Nov 27 09:17:00)
  Still waits for b@slow.example.
`
	const refused = `  Nov 27 09:05:00  a message from <spam@bad.example> unknown[203.0.113.9] for x@elsewhere.example was refused: 554 5.7.1 <x@elsewhere.example>: Relay access denied
`
	for word, want := range map[string]string{
		"4bx1yz2trnz9rx": delivered, "<abc@example.org>": delivered, "abc@example.org": delivered, "B@far.example": delivered, "office@example.net": delivered,
		"192.0.2.7": delivered, "lan@example.net": delivered, "@far.example": delivered,
		"b@slow.example": waiting, "x@elsewhere.example": refused, "203.0.113.9": refused, "spam@bad.example": refused,
	} {
		status, out, errs := run(t, "-log", postfix, word)
		require.Zero(t, status, errs)
		require.Equal(t, want, out, word)
	}
	status, out, _ := run(t, "-log", postfix, "nobody@example.org")
	require.Equal(t, 1, status)
	require.Equal(t, "There is nothing about nobody@example.org in testdata/postfix.log.\n", out)
	for _, args := range [][]string{{}, {"a", "b"}, {"-l", "xx", "a"}, {"-n", "0", "a"}, {"a"}} {
		status, _, errs := run(t, args...)
		require.Equal(t, 2, status)
		require.NotEmpty(t, errs)
	}
}

// A message that fails in the end comes with the report about it.
func TestReport(t *testing.T) {
	status, out, _ := run(t, "-log", ours, "far@else.test")
	require.Zero(t, status)
	require.Equal(t, `Message 699608549D9B799 <20261127031711.000991@vm>, from u0@example.test, 409 octets
  Nov 27 03:17:11  came from localhost[127.0.0.1]
  Nov 27 03:17:11  was taken into the queue, for 1 recipients
  Nov 27 03:17:11  far@else.test: could not be delivered yet, by none: connect to 127.0.0.1[127.0.0.1]:1: Connection refused
  Nov 27 03:17:11  u0@example.test: put into the mailbox after 0.03 s
  Nov 27 03:17:12  far@else.test: could not be delivered yet, by none: connect to 127.0.0.1[127.0.0.1]:1: Connection refused
    (and 2 times more, until Nov 27 03:17:14)
  Nov 27 03:17:14  has waited as long as mail may wait: it is given up
  Nov 27 03:17:14  its sender is told by the message 719D78549D9B79A
  Nov 27 03:17:14  is done and has left the queue

Message 719D78549D9B79A, from nobody (a report), 2014 octets
  It is the report about the message 699608549D9B799.
  Nov 27 03:17:14  was taken into the queue, for 1 recipients
  Nov 27 03:17:14  u0@example.test: put into the mailbox after 0.01 s
  Nov 27 03:17:14  is done and has left the queue
`, out)
	status, out, _ = run(t, "-log", ours, "20261127031711.001039@vm")
	require.Zero(t, status)
	require.Equal(t, "Message 0ACE19DFD6AC74 <20261127031711.001039@vm>\n  Nov 27 03:17:12  u0@example.test: saved mail to INBOX\n", out)
}

func TestVietnamese(t *testing.T) {
	var out, errs bytes.Buffer
	require.Zero(t, trace.Run([]string{"-log", postfix, "b@slow.example"}, "", "vi_VN.UTF-8", &out, &errs), errs.String())
	require.Equal(t, `Thư 4Bx1Z02tRNz9rY <late@example.net>, của an@example.net, 512 byte
  Nov 27 09:06:00  đến từ localhost[127.0.0.1]
  Nov 27 09:06:00  được nhận vào hàng đợi, cho 1 người nhận
  Nov 27 09:06:30  b@slow.example: chưa giao được, qua none: connect to mx.slow.example[198.51.100.4]:25: Connection timed out
    (và thêm 1 lần như thế, đến Nov 27 09:17:00)
  Vẫn đang đợi giao cho b@slow.example.
`, out.String())
}

// The logs that logrotate has put aside are read before the present one, so that a story which began in one of them is whole.
func TestRotated(t *testing.T) {
	text, err := os.ReadFile(postfix)
	require.NoError(t, err)
	lines := strings.SplitAfter(string(text), "\n")
	log := filepath.Join(t.TempDir(), "mail.log")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err = z.Write([]byte(strings.Join(lines[:2], "")))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for name, text := range map[string]string{".10.gz": packed.String(), ".9": strings.Join(lines[2:4], ""), ".1": strings.Join(lines[4:6], ""), "": strings.Join(lines[6:], ""), ".bak": "x"} {
		require.NoError(t, os.WriteFile(log+name, []byte(text), 0o600))
	}
	var out, errs bytes.Buffer
	require.Zero(t, trace.Run([]string{"abc@example.org"}, log, "", &out, &errs), errs.String())
	require.Equal(t, 6, strings.Count(out.String(), "\n"), out.String())
	out.Reset()
	require.Zero(t, trace.Run([]string{"-n", "1", "@example.org"}, log, "", &out, &errs), errs.String())
	require.NotContains(t, out.String(), "left out")
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{postfix, ours} {
		text, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_ = trace.Read(bytes.NewReader(text), func(s *trace.Story) bool {
			s.Tell(&bytes.Buffer{}, "en")
			s.Tell(&bytes.Buffer{}, "vi")
			return true
		})
	})
}

func BenchmarkRead(b *testing.B) {
	text, err := os.ReadFile(postfix)
	require.NoError(b, err)
	text = bytes.Repeat(text, 1000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		_ = trace.Read(bytes.NewReader(text), func(*trace.Story) bool { return true })
	}
}
