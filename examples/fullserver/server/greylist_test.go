package server_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/server"
)

// comeBack has a stranger send until its mail is taken, and returns the answer to its first try, and the message.
func comeBack(t *testing.T, r *running) (first, message string) {
	t.Helper()
	try := func() string {
		m := r.dial("127.0.0.1:0/inet")
		defer m.c.Close()
		m.until("220 ")
		m.say("EHLO far.test", "250 ")
		m.say("MAIL FROM:<a@far.test>", "250 ")
		answer := m.say("RCPT TO:<alice@example.test>", "250 ", "450 ")
		if strings.HasPrefix(answer, "250 ") {
			m.say("RCPT TO:<bob@example.test>", "250 ", "450 ")
			m.say("DATA", "354 ")
			m.say("Subject: x\r\n\r\nx\r\n.", "250 ")
		}
		return answer
	}
	first = try()
	require.Contains(t, first, "450 ")
	require.Eventually(t, func() bool { return strings.HasPrefix(try(), "250 ") }, time.Minute, 100*time.Millisecond)
	i := r.dial("imap_listen")
	i.until("* OK")
	i.say("a LOGIN alice secret", "a OK")
	i.say("b SELECT INBOX", "b OK")
	return first, i.say("c FETCH 1 BODY[HEADER]", "c OK")
}

const greyMaster = "127.0.0.1:0 inet n - n - - smtpd -o mynetworks=192.0.2.1 -o smtpd_error_sleep_time=0\n"

// The greylist built in: a stranger comes back, and its message says how long that took. Users and exceptions don't have to.
func TestGreylist(t *testing.T) {
	r := withMaster(t, "greylist = yes\ngreylist_delay = 2s\n", greyMaster+`127.0.0.2:0 inet n - n - - smtpd -o mynetworks=192.0.2.1 -o greylist_exceptions=127.0.0.0/8
127.0.0.3:0 inet n - n - - smtpd
127.0.0.4:0 inet n - n - - smtpd -o mynetworks=192.0.2.1 -o smtpd_recipient_restrictions=reject
`)
	first, message := comeBack(t, r)
	require.Regexp(t, `450 4\.2\.0 <alice@example\.test>: Recipient address rejected: Greylisted, see http://postgrey\.schweikert\.ch/help/example\.test\.html`, first)
	require.Regexp(t, `X-Greylist: delayed [2-9]\d? seconds by fullserver at mail\.example\.test; \w{3}, \d\d`, message)
	r.logged(`postgrey\[\d+\]: action=greylist, reason=new, client_name=localhost, client_address=127.0.0.1, sender=a@far.test, recipient=alice@example.test\n`)
	r.logged(`postgrey\[\d+\]: action=pass, reason=triplet found, delay=\d+, client_name=localhost`)
	r.logged(`NOQUEUE: reject: RCPT from localhost\[127.0.0.1\]: 450 4.2.0 `)
	for _, key := range []string{"127.0.0.2:0/inet", "127.0.0.3:0/inet"} {
		m := r.dial(key)
		m.until("220 ")
		m.say("EHLO far.test", "250 ")
		m.say("MAIL FROM:<other@far.test>", "250 ")
		m.say("RCPT TO:<alice@example.test>", "250 ")
		m.say("QUIT", "221 ")
	}
	m := r.dial("127.0.0.1:0/inet")
	m.until("220 ")
	m.say("EHLO far.test", "250 ")
	m.say("MAIL FROM:<other@far.test>", "250 ")
	m.say("RCPT TO:<postmaster@example.test>", "250 ")
	m.say("RCPT TO:<nobody@example.test>", "550 5.1.1", "450 ")
	m.say("RCPT TO:<x@elsewhere.test>", "554 5.7.1", "450 ")
	m.say("QUIT", "221 ")
	m = r.dial("127.0.0.4:0/inet")
	m.until("220 ")
	m.say("EHLO far.test", "250 ")
	m.say("MAIL FROM:<other@far.test>", "250 ")
	m.say("RCPT TO:<alice@example.test>", "554 5.7.1", "450 ")
	m.say("QUIT", "221 ")
	r.end()
	st, err := os.Stat(filepath.Join(r.dir, "greylist"))
	require.NoError(t, err)
	require.Less(t, st.Size(), int64(2048))
}

// Debian's postgrey, as a policy server, does the same.
func TestPostgrey(t *testing.T) {
	if _, err := exec.LookPath("postgrey"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("postgrey is not there: run .ci/deps")
		}
		t.Skip("postgrey isn't installed")
	}
	if os.Getuid() != 0 {
		t.Skip("postgrey changes users, which needs root")
	}
	dir := t.TempDir()
	sock := filepath.Join(dir, "sock")
	cmd := exec.Command("postgrey", "--unix="+sock, "--delay=2", "--dbdir="+dir, "--user=root", "--group=root", "--hostname=mail.example.test")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	}()
	require.Eventually(t, func() bool { _, err := os.Stat(sock); return err == nil }, time.Minute, 20*time.Millisecond)
	r := withOptions(t, "", strings.TrimSuffix(greyMaster, "\n")+" -o { smtpd_recipient_restrictions = check_policy_service unix:"+sock+" }\n", server.Options{})
	first, message := comeBack(t, r)
	require.Contains(t, first, "450 4.2.0 <alice@example.test>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/example.test.html")
	require.Len(t, regexp.MustCompile(`X-Greylist: delayed \d+ seconds by postgrey-1\.37 at mail\.example\.test; `).FindAllString(message, -1), 1, message)
}
