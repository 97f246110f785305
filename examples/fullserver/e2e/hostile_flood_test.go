//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// memory returns how many KiB of memory the server has ever had in use, 0 where that can't be found out.
func (s *server) memory() int {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(b)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

// TestHostileFlood: who sends without an end, or without reading what is answered, gets no more of the server's memory than a
// buffer, before login as after; and meanwhile others are served.
func TestHostileFlood(t *testing.T) {
	s := start(t, 1)
	line := bytes.Repeat([]byte("x"), 1<<20)
	many := func(cmd string) []byte { return bytes.Repeat([]byte(cmd), 1<<20/len(cmd)) }
	for _, x := range []struct {
		addr, first string
		flood       []byte
	}{
		{s.smtp, "", line}, {s.submission, "", line}, {s.lmtp, "", line}, {s.imap, "", line}, {s.pop3, "", line},
		{s.smtp, "", many("NOOP\r\n")}, {s.smtp, "", many("EHLO x\r\n")}, {s.smtp, "", many("NONSENSE\r\n")}, {s.lmtp, "", many("HELP\r\n")},
		{s.smtp, "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<u0@example.test>\r\n", many("BDAT 0\r\n")},
		{s.smtp, "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<u0@example.test>\r\n", many("BDAT 1\r\nx")},
		{s.smtp, "EHLO x\r\n", many("BDAT 99999999999\r\n")},
		{s.smtp, "EHLO x\r\nMAIL FROM:<>\r\n", many("RCPT TO:<u0@example.test>\r\n")},
		{s.smtp, "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<u0@example.test>\r\nDATA\r\n", line},
		{s.imap, "", many("a CAPABILITY\r\n")}, {s.imap, "a LOGIN {4097+}\r\n", line}, {s.imap, "a LOGIN {99999999999999999999+}\r\n", line},
		{s.imap, "a LOGIN {4096+}\r\n", many("x {4096+}\r\n")}, {s.imap, "a LOGIN ", many("((((((((")}, {s.imap, "a AUTHENTICATE PLAIN\r\n", line},
		{s.imap, "a LOGIN u0 secret0\r\n", many("b CAPABILITY\r\n")}, {s.imap, "a LOGIN u0 secret0\r\nb SELECT INBOX\r\nc SEARCH ", many("NOT ")},
		{s.imap, "a LOGIN u0 secret0\r\nb SELECT INBOX\r\nc FETCH 1 ", many("(")}, {s.imap, "a LOGIN u0 secret0\r\nb SELECT INBOX\r\nc UID FETCH ", many("1:*,")},
		{s.imap, "a LOGIN u0 secret0\r\nb IDLE\r\n", line}, {s.imap, "a LOGIN u0 secret0\r\nb APPEND INBOX {9000000+}\r\n", line},
		{s.pop3, "", many("CAPA\r\n")}, {s.pop3, "AUTH PLAIN\r\n", line}, {s.pop3, "USER u0\r\nPASS secret0\r\n", many("UIDL\r\n")},
	} {
		c, err := net.Dial("tcp", x.addr)
		require.NoError(t, err)
		defer c.Close() // all of them stay to the end
		c.SetDeadline(time.Now().Add(200 * time.Millisecond))
		c.Write([]byte(x.first))
		for range 16 {
			if _, err := c.Write(x.flood); err != nil {
				break
			}
		}
	}
	began := time.Now()
	require.Regexp(t, `^250 `, post(t, s, "Subject: x\r\n\r\nx", "u0@example.test"))
	require.Contains(t, newTypist(s.imap, "u0", "secret0").do("SELECT INBOX"), "* 1 EXISTS")
	require.Less(t, time.Since(began), 10*time.Second)
	require.Less(t, s.memory(), 150<<10, "KiB")
}

// TestHostileIdle: connections that say nothing cost little, and no service is denied by those of another.
func TestHostileIdle(t *testing.T) {
	s := start(t, 1, "default_process_limit", "150")
	before := s.memory()
	for _, addr := range []string{s.smtp, s.imap, s.pop3} {
		var all []*dialogue
		for range 200 {
			all = append(all, dial(t, addr)) // closed at the end of the test
		}
		told := 0
		for _, d := range all {
			if regexp.MustCompile(`^(421 4\.7\.0 |\* BYE \[UNAVAILABLE\]|-ERR \[SYS/TEMP\])`).MatchString(d.line()) {
				told++
			}
		}
		require.InDelta(t, 50, told, 3, "more than are allowed are told so")
	}
	d := dial(t, s.submission)
	require.Regexp(t, `^220 `, d.line())
	require.Less(t, s.memory()-before, 40<<10, "KiB")
}

// TestHostileMessages: messages made to be hard to read are stored as they are and read in bounded time: a hundred thousand
// parts, deep nesting, endless headers, comments, parameters and encoded words.
func TestHostileMessages(t *testing.T) {
	s := start(t, 1)
	y := newTypist(s.imap, "u0", "secret0")
	var nested, params strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&nested, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
		fmt.Fprintf(&params, ";\r\n a%d*%d*=utf-8''%%41", i, i)
	}
	rep := strings.Repeat
	bombs := []string{
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + rep("--b\r\n\r\nx\r\n", 100_000) + "--b--\r\n",
		nested.String(),
		rep("Content-Type: message/rfc822\r\n\r\n", 50_000),
		"Content-Type: text/plain" + params.String() + "\r\n\r\nx",
		"To: " + rep("(", 1_000_000) + "\r\n\r\nx",
		"To: " + rep("\"", 1_000_001) + "\r\n\r\nx",
		"To: " + rep("a@b,\r\n ", 200_000) + "c@d\r\n\r\nx",
		"From: " + rep("a:b;", 200_000) + "\r\n\r\nx",
		"Subject: " + rep("=?utf-8?q?a?= ", 100_000) + "\r\n\r\nx",
		"References: " + rep("<a@b>\r\n ", 200_000) + "\r\n\r\nx",
		rep("a:b\r\n", 500_000) + "\r\nx",
		"Content-Type: multipart/mixed; boundary=\"" + rep("-", 70) + "\"\r\n\r\n" + rep("-", 3_000_000),
		"Content-Type: text/plain; charset=utf-8\r\n\r\n" + rep("a\u0301\u0302\u0303", 300_000),
		"\r\n" + rep("\r\n", 1_000_000),
	}
	for i, b := range bombs {
		require.Contains(t, y.do("APPEND INBOX", b), "t OK", "%d", i)
	}
	require.Contains(t, y.do("SELECT INBOX"), fmt.Sprintf("* %d EXISTS", len(bombs)))
	for _, c := range []string{"FETCH 1:* (ENVELOPE BODYSTRUCTURE RFC822.SIZE)", "FETCH 1:* (BODY[1]<0.10> BODY[1.1.1.1]<0.10> BODY[HEADER.FIELDS (To)]<0.10>)",
		"SEARCH TEXT nowhere", "SEARCH OR FROM nowhere SUBJECT nowhere", "SEARCH HEADER To nowhere"} {
		began := time.Now()
		y.c.SetDeadline(began.Add(30 * time.Second))
		require.Contains(t, y.do(c), "t OK", c)
		require.Less(t, time.Since(began), 20*time.Second, c) // a second, on a machine that has nothing else to do
	}
	for i, b := range bombs[:4] {
		out := y.do(fmt.Sprintf("FETCH %d BODY.PEEK[]", i+1))
		require.Contains(t, out, fmt.Sprintf("{%d}", len(b)))
	}
	require.Less(t, s.memory(), 200<<10, "KiB")
}
