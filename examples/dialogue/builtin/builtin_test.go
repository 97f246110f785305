package builtin

import (
	"bufio"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/dialogue/explain"
)

// journal keeps the lines of the log.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}

func (j *journal) wait(t *testing.T, expr string) string {
	t.Helper()
	re := regexp.MustCompile(expr)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if found := re.FindString(j.text()); found != "" {
			return found
		}
	}
	require.Fail(t, "not in the log", "%s\n%s", expr, j.text())
	return ""
}

// say sends lines one by one, each after the answer to the one before, and returns all that the server said.
func say(t *testing.T, addr string, lines ...string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	r := bufio.NewReader(c)
	var all strings.Builder
	for _, l := range append([]string{""}, lines...) {
		if l != "" {
			_, err := c.Write([]byte(strings.ReplaceAll(l, "\n", "\r\n") + "\r\n"))
			require.NoError(t, err)
		}
		for {
			answer, err := r.ReadString('\n')
			require.NoError(t, err, "after %q:\n%s", l, all.String())
			all.WriteString(strings.TrimRight(answer, "\r\n") + "\n")
			if len(answer) < 4 || answer[3] != '-' {
				break
			}
		}
	}
	return all.String()
}

// The exchange of the textbook comes out to the letter, with its lines in the log, and the message comes to its recipient over both servers;
// one that can't be delivered comes back.
func TestWorld(t *testing.T) {
	var log journal
	w, err := Start(log.add)
	require.NoError(t, err)
	defer func() { require.NoError(t, w.Close()) }()
	out := say(t, w.Addr(explain.SMTP), "helo trunghq.com", "MAIL FROM:trunghq@ubuntu.localdomain", "RCPT TO:haquoctrung@gmail.com", "DATA",
		"Subject:Thu gui thu tu telnet\n\nDay la mot buc thu gui tu telnet\n.", "quit")
	require.Regexp(t, `^220 ubuntu\.localdomain ESMTP Postfix \(Ubuntu\)
250 ubuntu\.localdomain
250 2\.1\.0 Ok
250 2\.1\.5 Ok
354 End data with <CR><LF>\.<CR><LF>
250 2\.0\.0 Ok: queued as [0-9A-F]{6,}
221 2\.0\.0 Bye
$`, out)
	id := regexp.MustCompile(`queued as ([0-9A-F]+)`).FindStringSubmatch(out)[1]
	log.wait(t, `postfix/smtpd\[\d+\]: disconnect from localhost\[127\.0\.0\.1\]`)
	sent := log.wait(t, `postfix/smtp\[\d+\]: `+id+`: to=<haquoctrung@gmail\.com>, relay=gmail-smtp-in\.l\.google\.com\[209\.85\.222\.80\]:25, delay=[\d.]+, delays=[\d./]+, (tls=\S+, )?dsn=2\.0\.0, status=sent \(250 2\.0\.0 Ok: (\d+ bytes )?queued as [0-9A-F]+\)`)
	require.NotEmpty(t, sent)
	log.wait(t, `postfix/virtual\[\d+\]: \S+ to=<haquoctrung@gmail\.com>, .*status=sent \(delivered to maildir\)`)
	require.Contains(t, say(t, w.Addr(explain.POP3), "USER "+Receiver, "PASS "+Password, "STAT", "QUIT"), "+OK 1 ")
	require.Regexp(t, `(?m)^#1`, say(t, w.Addr(explain.POP2), "HELO "+Receiver+" "+Password, "QUIT"))

	say(t, w.Addr(explain.SMTP), "helo trunghq.com", "MAIL FROM:<"+Sender+">", "RCPT TO:<nobody@gmail.com>", "DATA", "Subject: x\n\nx\n.", "quit")
	log.wait(t, `to=<nobody@gmail\.com>.* dsn=5\.1\.1, status=bounced`)
	log.wait(t, `postfix/lmtp\[\d+\]: \S+: to=<trunghq@ubuntu\.localdomain>, .*status=sent`)
	require.Contains(t, say(t, w.Addr(explain.POP3), "USER "+Sender, "PASS "+Password, "STAT", "QUIT"), "+OK 1 ")
}
