package server_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest/nameserver"
)

var recordPostscreen = flag.Bool("record-postscreen", false, "write what Debian's postscreen says into testdata/postscreen.txt")

// screening is a section of testdata/postscreen.txt: parameters, what clients do, and what they and the log get for it.
type screening struct {
	head   []string          // comments and parameters, as they stand there
	params map[string]string // of main.cf
	steps  []string          // "client ADDR", "early …", "C: …", "C= …", "hangup", "wait"
	text   string            // all of it
	line   int
}

func readScreenings(t *testing.T) []*screening {
	t.Helper()
	text, err := os.ReadFile("testdata/postscreen.txt")
	require.NoError(t, err)
	var out []*screening
	for section := range strings.SplitSeq(string(text), "\n\n") {
		s := &screening{params: map[string]string{}, text: strings.TrimSpace(section) + "\n", line: 1 + strings.Count(string(text[:strings.Index(string(text), section)]), "\n")}
		for line := range strings.Lines(s.text) {
			line = strings.TrimSuffix(line, "\n")
			name, value, isParam := strings.Cut(line, " =")
			switch {
			case strings.HasPrefix(line, "S: "), strings.HasPrefix(line, "S."), strings.HasPrefix(line, "L: "):
			case len(s.steps) == 0 && strings.HasPrefix(line, "#"):
				s.head = append(s.head, line)
			case len(s.steps) == 0 && isParam && !strings.HasPrefix(line, "client "):
				s.head = append(s.head, line)
				s.params[name] = strings.TrimSpace(value)
			default:
				s.steps = append(s.steps, line)
			}
		}
		out = append(out, s)
	}
	return out
}

// play does what the clients do, and writes the section with what they got.
func (s *screening) play(addr string) string {
	var b strings.Builder
	for _, h := range s.head {
		fmt.Fprintln(&b, h)
	}
	var c net.Conn
	var r *bufio.Reader
	reply := func() bool {
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				fmt.Fprintln(&b, "S.")
				return false
			}
			line = strings.TrimRight(line, "\r\n")
			fmt.Fprintln(&b, "S: "+line)
			if len(line) < 4 || line[3] != '-' {
				return true
			}
		}
	}
	end := func() {
		if c != nil {
			for reply() {
			}
			c.Close()
			c = nil
		}
	}
	greeted := false
	greeting := func() {
		if !greeted && c != nil {
			greeted = true
			reply()
		}
	}
	for i, step := range s.steps {
		switch {
		case strings.HasPrefix(step, "client "):
			if beside := strings.HasSuffix(step, " beside"); !beside && c != nil {
				greeting()
				end()
			} else if c != nil {
				other := c
				defer other.Close()
			}
			fmt.Fprintln(&b, step)
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(strings.Fields(step)[1])}}
			var err error
			for until := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				if c, err = d.Dial("tcp", addr); err == nil || time.Now().After(until) {
					break
				}
			}
			if err != nil {
				return err.Error()
			}
			_ = c.SetDeadline(time.Now().Add(20 * time.Second))
			r, greeted = bufio.NewReader(c), false
		case strings.HasPrefix(step, "early "):
			fmt.Fprintln(&b, step)
			text, _ := strconv.Unquote(step[len("early 0 "):])
			_, _ = io.WriteString(c, text)
			for n := step[len("early ")] - '0'; n > 0; n-- {
				greeting()
				reply()
			}
		case step == "hangup":
			if !greeted && len(s.steps) > i+1 || strings.HasPrefix(s.steps[i-1], "C") {
				greeting()
			}
			fmt.Fprintln(&b, step)
			c.Close()
			c = nil
		case step == "wait":
			greeting()
			fmt.Fprintln(&b, step)
			reply()
		default:
			greeting()
			fmt.Fprintln(&b, step)
			text := strings.TrimPrefix(strings.TrimPrefix(step, "C:"), " ") + "\r\n"
			if strings.HasPrefix(step, "C= ") {
				text, _ = strconv.Unquote(step[3:])
			}
			_, _ = io.WriteString(c, text)
			for range strings.Count(text, "\n") {
				if !reply() {
					break
				}
			}
		}
	}
	greeting()
	end()
	return b.String()
}

var (
	screenPort = regexp.MustCompile(`\]:\d+`)
	screenTime = regexp.MustCompile(` after \d[\d.]* from`)
	spoolID    = regexp.MustCompile(`queued as \w+`)
)

// logLines adds what a log has of postscreen to a section.
func (s *screening) logLines(text, log, program string) string {
	var b strings.Builder
	b.WriteString(spoolID.ReplaceAllString(text, "queued as …"))
	for line := range strings.Lines(log) {
		i := strings.Index(line, " "+program+"[")
		if i < 0 {
			continue
		}
		_, rest, _ := strings.Cut(line[i:], "]: ")
		if rest = strings.TrimSpace(rest); strings.HasPrefix(rest, "cache ") || strings.HasPrefix(rest, "close database") {
			continue
		}
		rest = strings.Replace(rest, "to [127.0.0.78]", "to [127.0.0.1]", 1)
		if strings.HasPrefix(rest, "warning: psc_cache_update: ") { // the disk is slow
			continue
		}
		fmt.Fprintln(&b, "L: "+screenTime.ReplaceAllString(screenPort.ReplaceAllString(rest, "]:PORT"), " after T from"))
	}
	return b.String()
}

const blockLists = `41.0.0.127.bl.test A 127.0.0.2
42.0.0.127.bl.test A 127.0.0.2
42.0.0.127.more.test A 127.0.0.5
43.0.0.127.bl.test A 127.0.0.2
43.0.0.127.more.test A 127.0.0.3
43.0.0.127.white.test A 127.0.9.1
44.0.0.127.more.test A 127.0.0.99
`

// screenCommon are parameters of all sections.
const screenCommon = `myhostname = mx.example.test
smtpd_banner = $myhostname ESMTP
smtpd_client_connection_count_limit = 0
mynetworks = 127.0.0.1/32
`

// What testdata/postscreen.txt says is what Debian's postscreen says. With -record-postscreen it is written down anew.
func TestPostscreenSaysSo(t *testing.T) {
	t.Parallel() // it waits, mostly
	zone := mailauthtest.MustParse(blockLists)
	ns, err := nameserver.StartAt(zone, "127.0.0.78:53")
	if err != nil {
		t.Skip("somebody else has 127.0.0.78:53: " + err.Error()) // what postscreen said is compared all the same
	}
	defer ns.Close()
	all := readScreenings(t)
	master := "smtpd pass - - n - - smtpd\ndnsblog unix - - n - 0 dnsblog\ntlsproxy unix - - n - 0 tlsproxy\n"
	addrs := make([]string, len(all))
	var taken []net.Listener
	for i, s := range all {
		l, err := net.Listen("tcp", "127.0.0.78:0") // where no other test takes the port when it is free again
		require.NoError(t, err)
		taken, addrs[i] = append(taken, l), l.Addr().String()
		master += fmt.Sprintf("%s inet n - n - 1 postscreen\n -o syslog_name=postfix/%d -o postscreen_cache_map=btree:$D/data/cache%d\n", addrs[i], i, i)
		for k, v := range s.params {
			master += " -o { " + k + " = " + strings.ReplaceAll(v, "127.0.0.1,", "127.0.0.78,") + " }\n"
		}
	}
	for _, l := range taken {
		l.Close()
	}
	pf := peers.PostfixWith(t, "compatibility_level = 3.6\nlocal_recipient_maps =\nmydestination = example.test\ndisable_dns_lookups = yes\n"+screenCommon+"postscreen_greet_wait = 4s\n", master,
		map[string]string{"resolv.conf": "nameserver 127.0.0.78\noptions attempts:1 timeout:2\n"})
	got := make([]string, len(all))
	var wg sync.WaitGroup
	for i, s := range all {
		wg.Go(func() { got[i] = s.play(addrs[i]) })
	}
	wg.Wait()
	// postlogd writes what postscreen has said some time ago, and what it hasn't written when it is stopped is lost.
	logged := make([]string, len(all))
	complete := func() bool {
		log, err := os.ReadFile(filepath.Join(pf.Dir, "maillog"))
		require.NoError(t, err)
		whole := true
		for i, s := range all {
			logged[i] = s.logLines(got[i], string(log), fmt.Sprintf("postfix/%d/postscreen", i))
			whole = whole && strings.Count(logged[i], "\n") >= strings.Count(s.text, "\n")
		}
		return whole
	}
	for end := time.Now().Add(30 * time.Second); (*recordPostscreen || !complete()) && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	pf.Stop()
	complete()
	got = logged
	for i, s := range all {
		if !*recordPostscreen {
			require.Equal(t, s.text, got[i], "postscreen.txt, line %d", s.line)
		}
	}
	if *recordPostscreen {
		require.NoError(t, os.WriteFile("testdata/postscreen.txt", []byte(strings.Join(got, "\n")), 0o644))
	}
}

// resolver asks a name server of the test's.
func resolver(addr string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
}

// Clients and the log get here what they get with Debian's postscreen.
func TestPostscreen(t *testing.T) {
	t.Parallel() // it waits, mostly
	ns, err := nameserver.Start(mailauthtest.MustParse(blockLists))
	require.NoError(t, err)
	defer ns.Close()
	all := readScreenings(t)
	got := make([]string, len(all))
	var wg sync.WaitGroup
	servers := make([]*running, len(all))
	for i, s := range all {
		params := screenCommon + "postscreen_greet_wait = 2s\nsmtpd_tls_security_level = none\nmydestination = example.test\n"
		for k, v := range s.params {
			params += k + " = " + v + "\n"
		}
		r := withOptions(t, params, "127.0.0.1:0 inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n", server.Options{Lists: resolver(ns.Addr)})
		addr := r.s.Addrs("127.0.0.1:0/inet")[0].String()
		servers[i] = r
		wg.Go(func() { got[i] = s.play(addr) })
	}
	wg.Wait()
	for i, s := range all {
		servers[i].end()
		got[i] = s.logLines(got[i], servers[i].log(), "postfix/postscreen")
	}
	for i, s := range all {
		assert.Equal(t, likeOurs(s.text), likeOurs(got[i]), "postscreen.txt, line %d", s.line)
	}
}

// likeOurs leaves out what the server behind says of itself.
func likeOurs(text string) string {
	var b strings.Builder
	inEHLO, behind := []string{}, false
	flush := func() {
		for _, l := range inEHLO {
			if !behind {
				fmt.Fprintln(&b, l)
			}
		}
		inEHLO, behind = inEHLO[:0], false
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "S: 250-") || len(inEHLO) > 0 && strings.HasPrefix(line, "S: 250 ") {
			behind = behind || line == "S: 250-PIPELINING"
			if inEHLO = append(inEHLO, line); line[6] == ' ' {
				flush()
			}
			continue
		}
		fmt.Fprintln(&b, line)
	}
	flush()
	out := b.String()
	if i := strings.Index(out, "L: "); i >= 0 && strings.Contains(out, " beside\n") { // what two clients do at once has no order
		lines := strings.SplitAfter(out[i:], "\n")
		slices.Sort(lines)
		out = out[:i] + strings.Join(lines, "")
	}
	return out
}
