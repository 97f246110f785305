package server_test

import (
	"bufio"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/smtp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// puppet is a content filter that answers as it is told, and remembers each line that it is told itself.
type puppet struct {
	addr    string
	mu      sync.Mutex
	answers map[string]string // by what a command begins with; "" hangs up. "." is for the end of the message
	told    []string
}

func newPuppet(t *testing.T) *puppet {
	p := &puppet{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.addr = l.Addr().String()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(30 * time.Second))
				p.talk(c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return p
}

// usualAnswers are those of a filter that has nothing against anything.
var usualAnswers = map[string]string{"hi": "220 filter", "EHLO": "250-filter\r\n250-XFORWARD NAME ADDR PROTO HELO PORT IDENT SOURCE\r\n250-DSN\r\n250-8BITMIME\r\n250-SIZE\r\n250 PIPELINING", "DATA": "354 go", ".": "250 2.0.0 Ok: done", "QUIT": "221 bye"}

func (p *puppet) answer(line string) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, answers := range []map[string]string{p.answers, usualAnswers} {
		for begin, a := range answers {
			if strings.HasPrefix(line, begin) {
				return a, a != ""
			}
		}
	}
	return "250 ok", true
}

func (p *puppet) note(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, line)
}

func (p *puppet) talk(c net.Conn) {
	p.note("connected")
	r := bufio.NewReader(c)
	say := func(line string) bool {
		a, ok := p.answer(line)
		if ok {
			_, err := fmt.Fprintf(c, "%s\r\n", a)
			ok = err == nil && !strings.HasPrefix(a, "421")
		}
		return ok
	}
	for ok := say("hi"); ok; {
		line, err := r.ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		if err != nil {
			p.note("lost")
			return
		}
		p.note(line)
		ok = say(line) && line != "QUIT"
		if a, _ := p.answer(line); line == "DATA" && strings.HasPrefix(a, "354") {
			for line = ""; line != "."; {
				if line, err = r.ReadString('\n'); err != nil {
					p.note("lost within the message")
					return
				}
				line = strings.TrimRight(line, "\r\n")
				p.note(line)
			}
			ok = say(".")
		}
	}
}

func (p *puppet) take() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	told := strings.Join(p.told, "\n") + "\n"
	p.told = nil
	return told
}

func proxyScenes() (out []scene) {
	add := func(name string, answers map[string]string, lines ...string) {
		if lines == nil {
			lines = usual
		}
		s := scene{name: name, answers: map[string][]string{}, lines: lines}
		for k, v := range answers {
			s.answers[k] = []string{v}
		}
		out = append(out, s)
	}
	add("all is well", nil)
	for _, cmd := range []string{"hi", "EHLO", "XFORWARD", "MAIL", "RCPT TO:<x@relay.test>", "RCPT", "DATA", ".", "QUIT"} {
		for _, a := range []string{"550 5.7.9 no", "450-4.7.9 one\r\n450 4.7.9 two", "421 4.7.9 go", "", "550 no code"} {
			add(cmd+" "+a, map[string]string{cmd: a})
		}
	}
	add("no XFORWARD", map[string]string{"EHLO": "250-filter\r\n250-SIZE\r\n250 DSN"})
	add("some XFORWARD", map[string]string{"EHLO": "250-filter\r\n250-SIZE\r\n250 XFORWARD NAME ADDR"})
	add("parameters", nil, "EHLO c.test", "MAIL FROM:<s@far.test> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=q", "RCPT TO:<x@relay.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;y@z.test", "DATA", text, "QUIT")
	add("null sender", nil, "EHLO c.test", "MAIL FROM:<>", "RCPT TO:<x@relay.test>", "DATA", text, "QUIT")
	add("refused before", nil, "EHLO c.test", "MAIL FROM:<s@far.test>", "RCPT TO:<x@elsewhere.test>", "RCPT TO:<nobody@relay.test>", "DATA", "QUIT")
	add("one of two refused before", nil, "EHLO c.test", "MAIL FROM:<s@far.test>", "RCPT TO:<x@elsewhere.test>", "RCPT TO:<x@relay.test>", "DATA", text, "QUIT")
	add("aliases", nil, "EHLO c.test", "MAIL FROM:<old@far.test>", "RCPT TO:<list@relay.test>", "DATA", text, "QUIT")
	add("RSET", nil, "EHLO c.test", "MAIL FROM:<a@far.test>", "RCPT TO:<x@relay.test>", "RSET", "MAIL FROM:<b@far.test>", "RCPT TO:<y@relay.test>", "QUIT")
	add("two messages", nil, "EHLO c.test", "MAIL FROM:<a@far.test>", "RCPT TO:<x@relay.test>", "DATA", text, "MAIL FROM:<b@far.test>", "RCPT TO:<x@relay.test>", "DATA", text, "QUIT")
	add("HELO", nil, "HELO c.test", "MAIL FROM:<a@far.test>", "RCPT TO:<x@relay.test>", "DATA", text, "QUIT")
	add("headless", nil, "EHLO c.test", "MAIL FROM:<a@far.test>", "RCPT TO:<x@relay.test>", "DATA", "hello\r\n.", "QUIT")
	add("white space first", nil, "EHLO c.test", "MAIL FROM:<a@far.test>", "RCPT TO:<x@relay.test>", "DATA", " hello\r\n.", "QUIT")
	add("dots", nil, "EHLO c.test", "MAIL FROM:<a@far.test>", "RCPT TO:<x@relay.test>", "DATA", "Subject: x\r\n\r\n..\r\n...x\r\n.", "QUIT")
	add("hold", nil, "EHLO c.test", "MAIL FROM:<hold@far.test>", "RCPT TO:<x@relay.test>", "DATA", text, "QUIT")
	add("discard", nil, "EHLO c.test", "MAIL FROM:<discard@far.test>", "RCPT TO:<x@relay.test>", "DATA", text, "QUIT")
	add("prepend", nil, "EHLO c.test", "MAIL FROM:<prepend@far.test>", "RCPT TO:<x@relay.test>", "DATA", text, "QUIT")
	add("end of data", nil, "EHLO c.test", "MAIL FROM:<eod@far.test>", "RCPT TO:<x@relay.test>", "DATA", text, "QUIT")
	add("data", nil, "EHLO c.test", "MAIL FROM:<data@far.test>", "RCPT TO:<x@relay.test>", "DATA", "QUIT")
	add("hangs up", nil, "EHLO c.test", "MAIL FROM:<a@far.test>", "RCPT TO:<x@relay.test>", "DATA")
	return out
}

var (
	dates    = regexp.MustCompile(`\w{3}, +\d.*`)
	ports    = regexp.MustCompile(`PORT=\d+`)
	software = regexp.MustCompile(`(by mail\.example\.test) \(.*\) with`)
	goodbyes = regexp.MustCompile(`(?m)^(QUIT|lost|lost within the message)\n`) // which come when the client has its answer, or not at all
)

// proxyOutcome is what a client is answered and the filter is told.
func proxyOutcome(t *testing.T, addr string, s *scene, p *puppet) (replies []string, told string) {
	t.Helper()
	p.mu.Lock()
	p.answers, p.told = map[string]string{}, nil
	for k, v := range s.answers {
		p.answers[k] = v[0]
	}
	p.mu.Unlock()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	replies = newTypist(t, c).scene(s)
	if s.name == "hangs up" {
		_, err = c.Write([]byte("Subject: x\r\n"))
		require.NoError(t, err)
	}
	c.Close()
	told = goodbyes.ReplaceAllString(p.take(), "")
	told = software.ReplaceAllString(ports.ReplaceAllString(dates.ReplaceAllString(told, "<date>"), "PORT=…"), "$1 with")
	return replies, told
}

const proxyMain = `compatibility_level = 3.6
myhostname = mail.example.test
mydestination =
relay_domains = relay.test
relay_recipient_maps = inline:{ {x@relay.test = ok}, {y@relay.test = ok}, {list@relay.test = ok} }
virtual_alias_maps = inline:{ {list@relay.test = x@relay.test, y@relay.test} }
canonical_maps = inline:{ {old@far.test = new@far.test} }
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_banner = $myhostname ESMTP
mynetworks = 192.0.2.0/24
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_sender_restrictions = check_sender_access inline:{ {hold@far.test = HOLD}, {discard@far.test = DISCARD}, {prepend@far.test = PREPEND X-Top: 1} }
smtpd_data_restrictions = check_sender_access inline:{ {data@far.test = REJECT} }
smtpd_end_of_data_restrictions = check_sender_access inline:{ {eod@far.test = REJECT} }
`

// proxyDiffers are scenes in which the client's answers, or what the filter is told, are others than with Postfix, and why.
var proxyDiffers = map[string]string{
	"EHLO 550 5.7.9 no":                   "who can't do EHLO is asked by HELO",
	"EHLO 450-4.7.9 one\r\n450 4.7.9 two": "who can't do EHLO is asked by HELO",
	"EHLO 550 no code":                    "who can't do EHLO is asked by HELO",
	"MAIL 550 no code":                    "RFC 2034 section 4: each reply has an enhanced code",
	"RCPT TO:<x@relay.test> 550 no code":  "RFC 2034 section 4: each reply has an enhanced code",
	"RCPT 550 no code":                    "RFC 2034 section 4: each reply has an enhanced code",
	"DATA 550 no code":                    "RFC 2034 section 4: each reply has an enhanced code",
	". 550 no code":                       "RFC 2034 section 4: each reply has an enhanced code",
	"headless":                            "the filter gets the empty line that the message lacks",
}

// proxyBrokenOff are scenes in which a message ends before its end: how much of it had gone on by then is chance. That it is not more
// than a part is not: no end may follow.
var proxyBrokenOff = []string{"end of data", "hangs up"}

// A content filter in front of the queue is told, and its answers go to the client, as with Debian's Postfix.
func TestProxyFilter(t *testing.T) {
	for name, option := range map[string]string{"at once": "", "speed_adjust": " -o smtpd_proxy_options=speed_adjust"} {
		t.Run(name, func(t *testing.T) {
			one, two := newPuppet(t), newPuppet(t)
			front := strings.Replace(freePort(t), "127.0.0.1:", "127.0.0.9:", 1)
			peers.PostfixWith(t, proxyMain, front+" inet n - n - - smtpd -o smtpd_proxy_filter="+one.addr+option+"\n", nil)
			r := withOptions(t, proxyMain+"smtpd_peername_lookup = no\nmail_auth_check = no\n", "127.0.0.9:0 inet n - n - - smtpd -o smtpd_proxy_filter="+two.addr+option+"\n", server.Options{})
			ours := r.s.Addrs("127.0.0.9:0/inet")[0].String()
			for _, s := range proxyScenes() {
				theirReplies, theirTold := proxyOutcome(t, front, &s, one)
				replies, told := proxyOutcome(t, ours, &s, two)
				if testing.Verbose() {
					t.Logf("%q\n%s\n%s", s.name, strings.Join(theirReplies, "\n"), theirTold)
				}
				if slices.Contains(proxyBrokenOff, s.name) {
					assert.NotRegexp(t, `(?m)^\.$`, told, "%q", s.name)
					theirTold, _, _ = strings.Cut(theirTold, "DATA\n")
					told, _, _ = strings.Cut(told, "DATA\n")
				}
				if proxyDiffers[s.name] != "" {
					assert.False(t, slices.Equal(theirReplies, replies) && theirTold == told, "%q is the same by now", s.name)
					continue
				}
				assert.Equal(t, theirReplies, replies, "%q", s.name)
				assert.Equal(t, theirTold, told, "%q", s.name)
			}
			at := regexp.QuoteMeta(two.addr)
			for _, line := range []string{
				`NOQUEUE: client=[^ ]+\[127\.0\.0\.1\]`,
				`proxy-accept: END-OF-MESSAGE: 250 2\.0\.0 Ok: done; from=<s@far\.test> to=<x@relay\.test> proto=ESMTP helo=<c\.test>`,
				`proxy-reject: END-OF-MESSAGE: 550 5\.7\.9 no; from=<s@far\.test> to=<x@relay\.test> proto=ESMTP helo=<c\.test>`,
				`proxy-reject: END-OF-MESSAGE: 451 4\.3\.0 Error: queue file write error; from=<s@far\.test> to=<x@relay\.test> proto=ESMTP helo=<c\.test>`,
				`warning: proxy ` + at + ` rejected "connection request": "550 5\.7\.9 no"`,
				`warning: proxy ` + at + ` rejected "XFORWARD": "550 5\.7\.9 no"`,
				`warning: proxy ` + at + ` rejected "MAIL FROM:<s@far\.test>": "550 5\.7\.9 no"`,
				`warning: proxy ` + at + ` rejected "RCPT TO:<x@relay\.test>": "550 5\.7\.9 no"`,
				`warning: proxy ` + at + ` rejected "DATA": "550 5\.7\.9 no"`,
				`warning: lost connection with proxy ` + at + `: .*`,
				`warning: with smtpd_proxy_filter specified, action HOLD is unavailable`,
			} {
				r.logged(`postfix/smtpd\[\d+\]: ` + line + `\n`)
			}
			require.NotRegexp(t, `reject: [^ ]+ from [^ ]+: (550 5\.7\.9 no|451 )|error: `, r.log())
		})
	}
}

// A message goes through a filter in front of the queue and from there into the mailbox: what the filter refuses nobody has taken, what it adds is there, the
// log behind it knows the client, and what was found out about the message in front of it still counts. A client that sends by BDAT is none the wiser.
func TestProxyFilterToTheMailbox(t *testing.T) {
	for _, option := range []string{"", " -o smtpd_proxy_options=speed_adjust"} {
		scan := newScanner(t)
		r := withMaster(t, "mail_auth_check = yes\n", "127.0.0.1:0 inet n - n - - smtpd -o smtpd_proxy_filter="+scan.addr+" -o mynetworks=192.0.2.0/24 -o smtpd_sender_restrictions="+option+`
127.0.0.2:0 inet n - n - - smtpd -o smtpd_authorized_xforward_hosts=127.0.0.0/8 -o receive_override_options=no_milters
`)
		scan.next = r.s.Addrs("127.0.0.2:0/inet")[0].String()
		send := func(subject string, options *smtp.ClientOptions) string {
			c, err := smtp.Dial(t.Context(), r.s.Addrs("127.0.0.1:0/inet")[0].String(), options)
			require.NoError(t, err)
			defer c.Quit(t.Context())
			env := &mail.Envelope{From: "s@far.test", Recipients: []mail.Recipient{{Address: "alice@example.test"}}}
			results, err := c.Send(t.Context(), env, strings.NewReader("From: s@far.test\r\nX-Junk-Reason: forged\r\n"+subject+"\r\n\r\nx\r\n"))
			if err != nil {
				return mail.ReplyOf(err).String()
			}
			return results[0].Reply.String()
		}
		require.Equal(t, "550 5.7.1 infected", send("X-Virus: 1", &smtp.ClientOptions{TLS: smtp.TLSNone}))
		require.Contains(t, send("Subject: one", &smtp.ClientOptions{TLS: smtp.TLSNone}), "250 2.0.0 Ok")
		require.Contains(t, send("Subject: two", &smtp.ClientOptions{TLS: smtp.TLSNone, NoChunking: true}), "250 2.0.0 Ok")
		text := r.inbox("alice", "secret", 2)
		require.Equal(t, 2, strings.Count(text, "X-Scanned: yes"), text)
		require.Equal(t, 2, strings.Count(text, "Authentication-Results: mail.example.test"), text)
		require.NotContains(t, text, "X-Virus")
		for _, told := range scan.take() {
			require.Contains(t, told, "helo=mail.example.test from=<s@far.test> to=[alice@example.test]")
		}
	}
}
