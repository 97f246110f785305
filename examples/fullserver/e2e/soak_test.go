//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/textproto"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSoak: the whole server with its clients for 20 seconds, or for -soak: senders over SMTP who come again until they have their 250 and sometimes hang up, readers
// over POP3 and IMAP with IDLE who delete what they have read, a foreign host with moods; and one fault after the other: SIGKILL, a full disk, a slow disk, a dead
// DNS. In the end what was sent is what was delivered and what was returned, and a second copy is only where a crash or a hang-up was.
func TestSoak(t *testing.T) {
	const senders, popUsers, imapUsers = 4, 2, 2
	disk, slow := slowable(t, 128)
	l := &ledger{sent: map[string]time.Time{}, lost: map[string]int{}, delivered: map[string][]copyOf{}, returned: map[string][]copyOf{}, seen: map[string]map[string]bool{}}
	far, dns := newFarHost(t, l), newSoakDNS(t)
	resolv := t.TempDir() + "/resolv.conf"
	require.NoError(t, os.WriteFile(resolv, []byte("nameserver "+strings.TrimSuffix(dns.addr, ":53")+"\noptions timeout:1 attempts:1\n"), 0o644))
	script := `mount --bind "$1" /etc/resolv.conf && shift && exec "$@"`
	if slow != nil {
		script = fmt.Sprintf("echo $$ > /sys/fs/cgroup/blkio/soak%d/cgroup.procs && ", os.Getpid()) + script
	}
	s := startIn(t, []string{"unshare", "-m", "sh", "-c", script, "sh", resolv}, popUsers+imapUsers,
		"data_directory", disk, "mail_location", "maildir:"+disk+"/mail/%d/%n", "relayhost", "far.test:"+port(far.addr), "pop3_uidl_format", "%f",
		"minimal_backoff_time", "1s", "maximal_backoff_time", "2s", "queue_run_delay", "1s", "smtpd_client_connection_rate_limit", "0", "auth_failure_delay", "0")

	ended, reading := make(chan struct{}), make(chan struct{})
	var sending, readers, faults sync.WaitGroup
	var number atomic.Int64
	began := time.Now()
	for range senders {
		sending.Go(func() {
			for !closed(ended) {
				l.send(s.smtp, number.Add(1), popUsers+imapUsers)
				time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond) // a sender's pace
			}
		})
	}
	for u := range popUsers + imapUsers {
		readers.Go(func() {
			for !closed(reading) {
				if u < popUsers {
					l.readPOP(s.pop3, u)
				} else {
					l.readIMAP(s.imap, u, reading)
				}
				time.Sleep(time.Duration(50+rand.IntN(200)) * time.Millisecond)
			}
		})
	}
	happened := map[string]int{}
	faults.Go(func() { // one after the other, each for a moment
		defer close(ended)
		enough := func() bool { // on a slow machine all of it takes longer
			return time.Since(began) > max(*soak, 20*time.Second) && len(happened) >= map[bool]int{true: 5, false: 4}[slow != nil] && number.Load() > 60
		}
		for n := rand.IntN(5); !enough(); n++ {
			time.Sleep(time.Duration(500+rand.IntN(1500)) * time.Millisecond)
			while := time.Duration(500+rand.IntN(2000)) * time.Millisecond
			name := []string{"kill", "full disk", "dead DNS", "foreign host breaks off", "slow disk"}[n%5]
			switch name {
			case "kill":
				l.crash(s, func() {})
			case "full disk":
				free, err := fillUp(disk)
				assert.NoError(t, err)
				time.Sleep(while)
				if rand.IntN(4) == 0 {
					l.crash(s, free)
				}
				free()
			case "dead DNS":
				dns.live(false)
				time.Sleep(2 * while)
				dns.live(true)
			case "foreign host breaks off":
				far.moody.Store(true)
				time.Sleep(2 * while)
				far.moody.Store(false)
			case "slow disk":
				if slow == nil {
					continue
				}
				slow(true)
				time.Sleep(2 * while)
				slow(false)
			}
			happened[name]++
			select {
			case <-s.done:
				if !t.Failed() {
					t.Errorf("the server ended after %s: %v", name, s.err)
				}
				return
			default:
			}
		}
	})
	faults.Wait()
	sending.Wait()
	wait := max(2*time.Minute, *soak/10)
	if !t.Failed() {
		eventually(t, wait, l.settled)
	}
	close(reading)
	readers.Wait()
	l.report(t, time.Since(began), happened)
}

// crash kills the server and starts it again, after something else perhaps.
func (l *ledger) crash(s *server, then func()) {
	l.mu.Lock()
	l.crashes = append(l.crashes, time.Now())
	l.mu.Unlock()
	s.kill()
	then()
	s.startAgain()
}

// fillUp leaves no room on a disk, whatever others do with it meanwhile.
func fillUp(dir string) (free func(), err error) {
	f, err := os.Create(dir + "/fill")
	if err != nil {
		return func() {}, err
	}
	block := make([]byte, 64<<10)
	for ; len(block) >= 512; block = block[:len(block)/2] {
		for err == nil {
			_, err = f.Write(block)
		}
		err = nil
	}
	_ = f.Close()
	return func() { _ = os.Remove(f.Name()) }, nil
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// send sends a message until it is answered 250.
func (l *ledger) send(addr string, n int64, users int) {
	key, from := fmt.Sprintf("key%08d", n), fmt.Sprintf("u%d@example.test", n%int64(users))
	to := []string{fmt.Sprintf("u%d@example.test", rand.IntN(users))}
	switch n % 5 {
	case 0:
		to = []string{"good@far.test"}
	case 1:
		to = []string{"bad@far.test"}
	case 2:
		to = append(to, "good@far.test", "bad@far.test")
	}
	first := time.Now()
	for {
		ok, unsure := try1(addr, key, from, to, int(n%40), rand.IntN(50) == 0)
		l.mu.Lock()
		for _, a := range to {
			if ok {
				l.sent[key+"/"+a] = first
			} else if unsure {
				l.lost[key+"/"+a]++
			}
		}
		l.mu.Unlock()
		if ok {
			return
		}
		time.Sleep(time.Duration(100+rand.IntN(200)) * time.Millisecond)
	}
}

// try1 tries once. unsure: all was sent, and the answer did not come.
func try1(addr, key, from string, to []string, lines int, hangUp bool) (ok, unsure bool) {
	nc, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return false, false
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(time.Minute))
	c := textproto.NewConn(nc)
	if _, _, err := c.ReadResponse(220); err != nil {
		return false, false
	}
	ask := func(want int, format string, args ...any) bool {
		if c.PrintfLine(format, args...) != nil {
			return false
		}
		_, _, err := c.ReadResponse(want)
		return err == nil
	}
	if !ask(250, "EHLO client.example.org") || !ask(250, "MAIL FROM:<%s>", from) {
		return false, false
	}
	for _, a := range to {
		if !ask(250, "RCPT TO:<%s>", a) {
			return false, false
		}
	}
	if hangUp && lines%2 == 0 || !ask(354, "DATA") {
		return false, false
	}
	w := c.DotWriter()
	fmt.Fprintf(w, "Subject: %s\n\n", key)
	for range lines {
		fmt.Fprintf(w, "%0100d\n", lines)
	}
	fmt.Fprintf(w, "\nend of %s\n", key)
	if w.Close() != nil || hangUp {
		return false, true
	}
	_, _, err = c.ReadResponse(250)
	var reply *textproto.Error
	return err == nil, err != nil && !errors.As(err, &reply)
}

// readPOP reads and deletes all that there is, once. A copy is known by its file's name.
func (l *ledger) readPOP(addr string, u int) {
	nc, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(time.Minute))
	c := textproto.NewConn(nc)
	ask := func(cmd string) (string, bool) {
		if cmd != "" && c.PrintfLine("%s", cmd) != nil {
			return "", false
		}
		line, err := c.ReadLine()
		return line, err == nil && strings.HasPrefix(line, "+OK")
	}
	for _, cmd := range []string{"", fmt.Sprintf("USER u%d@example.test", u), fmt.Sprintf("PASS secret%d", u), "UIDL"} {
		if _, ok := ask(cmd); !ok {
			return
		}
	}
	list, err := c.ReadDotLines()
	if err != nil {
		return
	}
	for _, line := range list {
		n, id, _ := strings.Cut(line, " ")
		if _, ok := ask("RETR " + n); !ok {
			return
		}
		b, err := c.ReadDotBytes()
		if err != nil {
			return
		}
		l.read(fmt.Sprintf("u%d", u), id, string(b))
		if _, ok := ask("DELE " + n); !ok {
			return
		}
	}
	ask("QUIT")
}

var (
	soakFetch = regexp.MustCompile(`(?m)^\* \d+ FETCH \(`)
	soakUID   = regexp.MustCompile(`UID (\d+)`)
	soakValid = regexp.MustCompile(`UIDVALIDITY (\d+)`)
)

// readIMAP waits for news with IDLE, reads and deletes them, until something breaks or the end.
func (l *ledger) readIMAP(addr string, u int, end chan struct{}) {
	y := newTypist(addr, fmt.Sprintf("u%d", u), fmt.Sprintf("secret%d", u))
	if y.c == nil {
		return
	}
	defer y.c.Close()
	_ = y.c.SetDeadline(time.Now().Add(time.Minute))
	valid := soakValid.FindStringSubmatch(y.do("SELECT INBOX"))
	if valid == nil {
		return
	}
	for y.ok && !closed(end) {
		_ = y.c.SetDeadline(time.Now().Add(time.Minute))
		text := y.do("UID FETCH 1:* (UID BODY.PEEK[])")
		if !y.ok {
			return
		}
		var uids []string
		at := soakFetch.FindAllStringIndex(text, -1)
		for i, begin := range at {
			stop := strings.LastIndex(text, "\nt ")
			if i+1 < len(at) {
				stop = at[i+1][0]
			}
			one := text[begin[0]:max(stop, begin[0])]
			uid := soakUID.FindStringSubmatch(one)
			if uid == nil || !strings.Contains(one, "BODY[]") {
				continue // a change of flags
			}
			l.read(fmt.Sprintf("u%d", u), valid[1]+" "+uid[1], one)
			uids = append(uids, uid[1])
		}
		if len(uids) > 0 {
			y.do("UID STORE " + strings.Join(uids, ",") + ` +FLAGS.SILENT (\Deleted)`)
			y.do("EXPUNGE")
			continue
		}
		if _, err := y.c.Write([]byte("t IDLE\r\n")); err != nil {
			return
		}
		_ = y.c.SetReadDeadline(time.Now().Add(2 * time.Second)) // so that the end is seen; what a deadline cuts is read by the next session
		for y.ok && !strings.HasSuffix(y.line(), " EXISTS") {
		}
		if !y.ok {
			return
		}
		_, _ = y.c.Write([]byte("DONE\r\n"))
		for y.ok && !strings.HasPrefix(y.line(), "t ") {
		}
	}
}

// settled says what is still missing of what was sent.
func (l *ledger) settled() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	missing, one := 0, ""
	for unit := range l.sent {
		if len(l.delivered[unit])+len(l.returned[unit]) == 0 {
			missing, one = missing+1, unit
		}
	}
	if missing > 0 {
		return fmt.Errorf("%d of %d are neither delivered nor returned, %s for one", missing, len(l.sent), one)
	}
	return nil
}

// mostCopies is how many copies of a message there can be that was queued so many times, by a sender who didn't see the answers, when the server was killed so
// many times. Whoever is killed after a delivery and before it is written down delivers again: each of the queue's messages once more a crash. A message that is
// returned is two of the queue's, one after the other: it is returned once more a crash, and each notification is delivered once more by each crash after it.
func mostCopies(queued, crashes int, returned bool) int {
	if returned {
		return queued * (crashes + 1) * (crashes + 2) / 2
	}
	return queued * (crashes + 1)
}

// report judges.
func (l *ledger) report(t *testing.T, lasted time.Duration, happened map[string]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delivered, returned, twice, unexplained := 0, 0, 0, 0
	for unit, first := range l.sent {
		d, r := l.delivered[unit], l.returned[unit]
		bad := strings.HasSuffix(unit, "/bad@far.test")
		switch {
		case len(d) > 0 && len(r) > 0:
			l.bad = append(l.bad, unit+" was delivered and returned")
		case len(d) > 0 && bad:
			l.bad = append(l.bad, unit+" was taken by nobody, and delivered")
		case len(d) > 0:
			delivered++
		case len(r) > 0:
			returned++
		}
		all := append(d, r...)
		if len(all) < 2 {
			continue
		}
		twice += len(all) - 1
		crashes := 0
		for _, c := range l.crashes {
			if c.After(first) && c.Before(all[len(all)-1].at) {
				crashes++
			}
		}
		if len(all) > mostCopies(1+l.lost[unit], crashes, len(r) > 0) {
			unexplained++
			l.bad = append(l.bad, fmt.Sprintf("%s has %d copies, %d answers were not seen and %d crashes were between: %v", unit, len(all), l.lost[unit], crashes, all))
		}
	}
	t.Logf("%v: %v; %d sent = %d delivered + %d returned; %d second copies, all after a crash or a reply that was not seen: %v",
		lasted.Round(time.Second), happened, len(l.sent), delivered, returned, twice, unexplained == 0)
	require.Empty(t, l.bad)
	require.Equal(t, len(l.sent), delivered+returned)
	for _, m := range []map[string][]copyOf{l.delivered, l.returned} {
		for unit := range m {
			if _, ok := l.sent[unit]; !ok {
				t.Errorf("%s came, and was never sent", unit)
			}
		}
	}
	require.Greater(t, delivered, 20)
	require.Greater(t, returned, 5)
}
