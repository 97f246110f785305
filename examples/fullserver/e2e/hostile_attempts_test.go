package e2e

import (
	"bufio"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestHostileSmuggling: what ends a message for some servers and not for others ends none here but CRLF.CRLF (RFC 5321 section 4.1.1.4), and a message
// that has such places in it goes to another server as one message whose every CR stands before an LF.
func TestHostileSmuggling(t *testing.T) {
	next := newListener(t)
	s := start(t, 1, "relayhost", bracketed(next.addr), "minimal_backoff_time", "1s", "maximal_backoff_time", "1s", "queue_run_delay", "1s")
	ends := []string{"\n.\n", "\n.\r\n", "\r.\r", "\r.\n", "\r\n.\n", "\n.\r", "\r\n.\r", "\r.\r\n", "\r\n\x00.\r\n", "\n\x00.\n", "\r\r\n.\r\r\n"}
	for i, end := range ends {
		for _, to := range []string{"u0@example.test", "far@elsewhere.test"} {
			d := dial(t, s.smtp)
			d.smtp("")
			d.smtp("EHLO client.example.org")
			d.smtp("MAIL FROM:<a@example.org>")
			require.Regexp(t, `^250 `, d.smtp("RCPT TO:<"+to+">"))
			d.smtp("DATA")
			inner := "MAIL FROM:<admin@example.test>\r\nRCPT TO:<u0@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx"
			d.send(fmt.Sprintf("Subject: outer %d\r\n\r\nx%s%s\r\n.\r\n", i, end, inner))
			require.Regexp(t, `^(250|5\d\d) `, d.smtp(""), "%q", end)
			// One reply to all of it: a second would be that of a command from inside.
			require.Regexp(t, `^221 `, d.smtp("QUIT"), "%q", end)
		}
	}
	eventually(t, time.Minute, func() error {
		return match(`^Mail queue is empty`, run(t, nil, binary, append(s.args[:len(s.args):len(s.args)], "mailq")...))
	})
	for _, m := range s.maildir("u0") {
		require.Regexp(t, `(?m)^Subject: outer \d+\r?$`, string(m))
		require.NotRegexp(t, `(?m)\ASubject: smuggled`, string(m))
	}
	raw := next.all()
	require.NotEmpty(t, raw)
	for _, session := range raw {
		require.NotRegexp(t, "\r[^\n]|[^\r]\n", session, "bare CR or LF on the wire")
		require.Equal(t, strings.Count(session, "\r\nSubject: outer "), strings.Count(session, "\r\n.\r\n"), "an end for each message, and no other: %q", session)
	}
}

// listener is a foreign server that keeps all octets it gets.
type listener struct {
	addr string
	mu   sync.Mutex
	got  []*strings.Builder // by session
}

func newListener(t *testing.T) *listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	n := &listener{addr: l.Addr().String()}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go n.serve(c)
		}
	}()
	return n
}

func (n *listener) serve(c net.Conn) {
	defer c.Close()
	fmt.Fprint(c, "220 next.test ESMTP\r\n")
	all := new(strings.Builder)
	n.mu.Lock()
	n.got = append(n.got, all)
	n.mu.Unlock()
	data := false
	for r := bufio.NewReader(c); ; {
		line, err := r.ReadString('\n')
		n.mu.Lock()
		all.WriteString(line)
		n.mu.Unlock()
		if err != nil {
			return
		}
		switch {
		case data && line == ".\r\n":
			data = false
			fmt.Fprint(c, "250 2.0.0 ok\r\n")
		case data:
		case strings.HasPrefix(line, "DATA"):
			data = true
			fmt.Fprint(c, "354 go on\r\n")
		default:
			fmt.Fprint(c, "250 2.0.0 ok\r\n")
		}
	}
}

func (n *listener) all() (out []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, b := range n.got {
		out = append(out, b.String())
	}
	return out
}

// TestHostileStartTLS: what a man in the middle puts behind STARTTLS is not answered inside TLS (RFC 3207 section 4.2: "discard any knowledge obtained from
// the client … prior to the TLS negotiation"), and what was said before counts no more.
func TestHostileStartTLS(t *testing.T) {
	s := start(t, 1, elsewhere...)
	for _, c := range []struct{ addr, greeting, before, start, injected, ask, want string }{
		{s.smtp, "220", "EHLO evil.example\r\n", "STARTTLS\r\n", "EHLO evil.example\r\nMAIL FROM:<evil@example.org>\r\n", "RCPT TO:<u0@example.test>\r\n", `^503 5\.5\.1 `},
		{s.submission, "220", "EHLO evil.example\r\n", "STARTTLS\r\n", "EHLO evil.example\r\n", "MAIL FROM:<evil@example.org>\r\n", `^5(03|30) `},
		{s.imap, "* OK", "", "a STARTTLS\r\n", "b LOGIN u0@example.test secret0\r\n", "c SELECT INBOX\r\n", `^c (BAD|NO) `},
		{s.pop3, "+OK", "", "STLS\r\n", "USER u0@example.test\r\n", "PASS secret0\r\n", `^-ERR `},
	} {
		for _, together := range []bool{true, false} {
			d := dial(t, c.addr)
			require.True(t, strings.HasPrefix(d.line(), c.greeting))
			if c.before != "" {
				d.smtp(strings.TrimSuffix(c.before, "\r\n"))
			}
			if together { // in one packet with STARTTLS
				d.send(c.start + c.injected)
			} else {
				d.send(c.start)
			}
			// A server may refuse the whole, and then never speaks TLS to this client; or it has forgotten what came behind.
			if first := d.line(); !strings.HasPrefix(first, "220") && !strings.HasPrefix(first, "a OK") && !strings.HasPrefix(first, "+OK") {
				require.True(t, together, first)
				continue
			}
			if together {
				if !d.tryTLS() {
					continue // the plaintext was taken for a handshake, which failed
				}
			} else {
				d.startTLS()
			}
			d.send(c.ask)
			require.Regexp(t, c.want, d.line(), "%s together %v", c.start, together)
		}
	}
}

// tryTLS is startTLS where it may fail.
func (d *dialogue) tryTLS() bool {
	_ = d.c.SetDeadline(time.Now().Add(5 * time.Second))
	c := clientTLS(d.c)
	if c.Handshake() != nil {
		return false
	}
	d.c, d.r = c, bufio.NewReader(c)
	return true
}

// TestHostileHeaders: nothing that a client says in an envelope begins a line of its own in a message: the Received, Return-Path and Delivered-To fields,
// and the reports that quote addresses and identifiers.
func TestHostileHeaders(t *testing.T) {
	s := start(t, 2, "smtpd_error_sleep_time", "0", "relayhost", "[127.0.0.1]:1", "maximal_queue_lifetime", "0", "bounce_queue_lifetime", "0")
	evil := []string{"x\rEvil: 1", "x\nEvil: 1", "x\x00Evil: 1", "x\u2028Evil: 1", "x\u0085Evil: 1", `"x\` + "\r" + `Evil: 1"`, `"x` + "\n" + ` Evil: 1"`}
	for _, e := range evil {
		d := s.greeted()
		for _, c := range []string{"EHLO " + e, "HELO " + e, "EHLO client.example.org", "MAIL FROM:<" + e + "@example.org> SMTPUTF8", "MAIL FROM:<a@example.org> ENVID=" + e, "MAIL FROM:<u1@example.test> RET=HDRS ENVID=x+0D+0AEvil:+201 AUTH=x+0D+0AEvil:+201",
			"RCPT TO:<u0@example.test> ORCPT=rfc822;" + e, "RCPT TO:<u0@example.test> ORCPT=rfc822;x+0D+0AEvil:+201@example.test NOTIFY=SUCCESS,FAILURE",
			"RCPT TO:<far@elsewhere.test> ORCPT=utf-8;x\\x{0D}\\x{0A}Evil:\\x{20}1@example.test NOTIFY=FAILURE", "RCPT TO:<far2@elsewhere.test> ORCPT=rfc822;y+0AEvil:+201 NOTIFY=FAILURE", "RCPT TO:<u0@example.test>"} {
			d.send(c + "\r\n")
			if d.drain() == "" { // it has had enough of this client
				d = s.greeted()
			}
		}
		d.send("DATA\r\n")
		if strings.HasPrefix(d.drain(), "354") {
			d.send("Subject: harmless\r\n\r\nx\r\n.\r\n")
			require.Regexp(t, `^250 `, d.drain())
		}
	}
	eventually(t, time.Minute, func() error {
		if n := s.count(2); n < 2 {
			return fmt.Errorf("%d messages", n)
		}
		return match(`Mail queue is empty`, run(t, nil, binary, append(s.args[:len(s.args):len(s.args)], "mailq")...))
	})
	for user := range 2 {
		for name, m := range s.maildir(fmt.Sprintf("u%d", user)) {
			require.NotRegexp(t, `(?mi)^Evil:|\rEvil:[^\n]*\r?$`, string(m), name)
			head, _, _ := strings.Cut(string(m), "\n\n")
			require.NotContains(t, strings.ReplaceAll(head, "\r\n", "\n"), "\r", name)
		}
	}
}

// drain reads until nothing more comes for a moment, since a command with line ends in it is answered more than once, and returns the last line; "" where
// the server has gone.
func (d *dialogue) drain() string {
	d.t.Helper()
	var all []string
	wait := 10 * time.Second
	for {
		_ = d.c.SetReadDeadline(time.Now().Add(wait))
		line, err := d.r.ReadString('\n')
		if err != nil {
			break
		}
		all = append(all, strings.TrimRight(line, "\r\n"))
		if len(line) > 3 && line[3] != '-' {
			wait = 20 * time.Millisecond
		}
	}
	_ = d.c.SetReadDeadline(time.Now().Add(time.Minute))
	if len(all) == 0 || strings.HasPrefix(all[len(all)-1], "421") {
		return ""
	}
	return all[len(all)-1]
}

// greeted is a session that has said EHLO and who sends.
func (s *server) greeted() *dialogue {
	d := dial(s.t, s.smtp)
	d.smtp("")
	d.smtp("EHLO client.example.org")
	d.smtp("MAIL FROM:<u1@example.test>")
	return d
}

// TestHostilePaths: no name leads out of a user's own folder: not of a mailbox, a user, an extension or a script.
func TestHostilePaths(t *testing.T) {
	s := start(t, 2, "recipient_delimiter", "+")
	before := tree(t, s.dir, "mail/example.test")
	y := newTypist(s.imap, "u0", "secret0")
	y.do("SELECT INBOX")
	names := []string{"../u1", "../../escaped", "..", ".", "a/../../escaped", "a/..", "/etc/escaped", "~/x", "~u1/x", "a//b", "....//x", "..\\x", "a\x00b", "%2e%2e/x", "&AC4ALg-/x", "&AC8-etc", "INBOX/../../escaped", "cur", "new", "tmp", "a/cur", "a/./b", strings.Repeat("../", 30) + "tmp/escaped", "x\n", "\u2025/x", "\uff0e\uff0e/x"}
	for _, name := range names {
		for _, c := range []string{"CREATE ", "RENAME INBOX ", "SUBSCRIBE ", "DELETE ", "SELECT ", "STATUS ", "APPEND ", "SETQUOTA ", "GETMETADATA ", "LIST ", "MYRIGHTS ", "COPY 1 "} {
			line, more := fmt.Sprintf("%s{%d+}", c, len(name)), ""
			switch c {
			case "STATUS ":
				more = " (MESSAGES)"
			case "APPEND ":
				more = " {1+}\r\nx"
			case "GETMETADATA ":
				more = " /private/comment"
			case "LIST ":
				more = " *"
			}
			y.c.SetDeadline(time.Now().Add(20 * time.Second))
			fmt.Fprintf(y.c, "t %s\r\n%s%s\r\n", line, name, more)
			for {
				l := y.line()
				require.NotEmpty(t, l, "%q closed the connection", c+name)
				if strings.HasPrefix(l, "t ") {
					break
				}
			}
		}
	}
	for _, to := range []string{"../u1@example.test", "u0+../../escaped@example.test", "u0+/etc/escaped@example.test", "u0+..@example.test", `"u0/../u1"@example.test`, "u0@../example.test", "../../escaped@example.test"} {
		d := dial(t, s.smtp)
		d.smtp("")
		d.smtp("EHLO client.example.org")
		d.smtp("MAIL FROM:<a@example.org>")
		d.send("RCPT TO:<" + to + ">\r\n")
		if strings.HasPrefix(d.drain(), "250") {
			d.smtp("DATA")
			d.smtp("Subject: x\r\n\r\nx\r\n.")
		}
	}
	for _, user := range []string{"../u1@example.test", "u0@example.test/../u1"} {
		d := dial(t, s.pop3)
		d.line()
		d.pop3("USER " + user)
		require.Regexp(t, `^-ERR`, d.pop3("PASS secret0"))
	}
	inside := regexp.MustCompile(`^mail/example\.test/u[01](/|$)`)
	for path := range tree(t, s.dir, ".") {
		if strings.HasPrefix(path, "mail/example.test/") {
			require.Regexp(t, inside, path)
		}
	}
	for path := range tree(t, s.dir, "mail/example.test/u1") {
		require.True(t, before[path] || regexp.MustCompile(`^mail/example\.test/u1(/(cur|new|tmp|dovecot[^/]*|maildir[^/]*|subscriptions|\.lock[^/]*))?$`).MatchString(path), "%s was made in another's mailbox", path)
	}
	for _, p := range []string{filepath.Dir(s.dir) + "/escaped", s.dir + "/escaped", s.dir + "/mail/escaped", s.dir + "/mail/example.test/escaped", "/tmp/escaped", "/etc/escaped"} {
		_, err := os.Lstat(p)
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
}

// tree are the paths below a folder, relative to root.
func tree(t *testing.T, root, below string) map[string]bool {
	out := map[string]bool{}
	err := filepath.WalkDir(filepath.Join(root, below), func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			rel, _ := filepath.Rel(root, path)
			out[rel] = true
		}
		return nil
	})
	require.NoError(t, err)
	return out
}

// TestHostileSender: who logs in sends as the addresses that are theirs and as no other, in every spelling (reject_sender_login_mismatch is on for users).
func TestHostileSender(t *testing.T) {
	s := start(t, 2, append(elsewhere, "recipient_delimiter", "+", "smtpd_error_sleep_time", "0")...)
	d := dial(t, s.submission)
	d.smtp("")
	d.smtp("EHLO client.example.org")
	require.Regexp(t, `^235 `, d.smtp("AUTH PLAIN AHUwQGV4YW1wbGUudGVzdABzZWNyZXQw")) // u0@example.test, secret0
	for _, from := range []string{"u1@example.test", "U1@EXAMPLE.TEST", `"u1"@example.test`, "root@mail.example.test", "boss@elsewhere.test", "u1+x@example.test", "u1", "@example.test:u1@example.test", "u0@example.test.evil.test", `"u0@example.test"@evil.test`, "u0%example.test@evil.test"} {
		d.send("MAIL FROM:<" + from + ">\r\n")
		if !strings.HasPrefix(d.drain(), "250") {
			continue
		}
		require.Regexp(t, `^5\d\d `, d.smtp("RCPT TO:<u1@example.test>"), from)
		d.smtp("RSET")
	}
	for _, from := range []string{"u0@example.test", "u0+news@example.test", "U0@Example.TEST"} {
		require.Regexp(t, `^250 `, d.smtp("MAIL FROM:<"+from+">"))
		require.Regexp(t, `^250 `, d.smtp("RCPT TO:<u1@example.test>"), from)
		d.smtp("RSET")
	}
}
