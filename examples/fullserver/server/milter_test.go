package server_test

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/smtp/milter/miltertest"
	"github.com/buuta/mail/smtp/smtptest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scene is a milter with answers, and a client's dialogue.
type scene struct {
	name    string
	answers map[string][]string
	lines   []string // "" stands for nothing said; the last reply of each is compared
	nowhere bool     // what is taken reaches nobody
}

const text = "Date: Thu, 26 Nov 2026 22:40:55 +0000\r\nFrom: s@far.test\r\nMessage-Id: <x@far.test>\r\nSubject: x\r\n y\r\nX-Old:1\r\nX-Old: 2\r\n\r\nhello\r\n."

var usual = []string{"EHLO c.test", "MAIL FROM:<s@far.test> SIZE=100", "RCPT TO:<x@relay.test>", "RCPT TO:<y@relay.test>", "DATA", text, "QUIT"}

func scenes() []scene {
	u := miltertest.Uint
	var out []scene
	add := func(name string, answers map[string][]string, lines ...string) {
		if lines == nil {
			lines = usual
		}
		out = append(out, scene{name: name, answers: answers, lines: lines})
	}
	add("all is well", nil)
	for _, cmd := range []string{"C", "H", "M", "R<x@relay.test>", "R", "T", "L", "N", "B", "E"} {
		for _, answer := range []string{"r", "t", "a", "d", "y550 5.7.9 no\x00", "y421 4.7.9 go\x00", "y450-4.7.9 one\r\n450 4.7.9 two\x00", ""} {
			add(cmd+" "+answer, map[string][]string{cmd: {answer}})
		}
	}
	for i := range out {
		out[i].nowhere = strings.HasSuffix(out[i].name, " d") && out[i].name[0] != 'C' && out[i].name[0] != 'H'
	}
	add("add header", map[string][]string{"E": {"hX-New\x00v\x00", "c"}})
	add("insert at 0", map[string][]string{"E": {"i" + u(0) + "X-New\x00v\x00", "c"}})
	add("insert at 1", map[string][]string{"E": {"i" + u(1) + "X-New\x00v\x00", "c"}})
	add("insert at 2", map[string][]string{"E": {"i" + u(2) + "X-New\x00v\n\tw\x00", "c"}})
	add("insert at 99", map[string][]string{"E": {"i" + u(99) + "X-New\x00v\x00", "c"}})
	add("change", map[string][]string{"E": {"m" + u(2) + "X-Old\x00v\x00", "c"}})
	add("change one that isn't there", map[string][]string{"E": {"m" + u(1) + "X-None\x00v\x00", "c"}})
	add("remove", map[string][]string{"E": {"m" + u(1) + "X-Old\x00\x00", "c"}})
	add("body", map[string][]string{"E": {"bnew\r\n", "bbody\r\n", "c"}})
	add("recipients", map[string][]string{"E": {"+<z@relay.test>\x00", "-<y@relay.test>\x00", "c"}})
	add("all recipients away", map[string][]string{"E": {"-<x@relay.test>\x00", "-<y@relay.test>\x00", "c"}})
	out[len(out)-1].nowhere = true
	add("sender", map[string][]string{"E": {"e<t@far.test>\x00", "c"}})
	add("null sender", map[string][]string{"E": {"e<>\x00", "a"}})
	add("many", map[string][]string{"E": {"hA\x00 1\x00", "p", "hB\x002\x00", "m" + u(1) + "Subject\x00z\x00", "bx\r\n", "+q@relay.test\x00", "a"}})
	add("unknown", map[string][]string{"U": {"y550 5.7.9 no\x00"}}, "EHLO c.test", "FOO", "QUIT")
	add("two messages", map[string][]string{"M<a@far.test>": {"a"}}, "EHLO c.test", "MAIL FROM:<a@far.test>", "RCPT TO:<x@relay.test>", "DATA", text, "MAIL FROM:<b@far.test>", "RCPT TO:<x@relay.test>", "RSET", "MAIL FROM:<c@far.test>", "RCPT TO:<nobody@elsewhere.test>", "QUIT")
	return out
}

func (m *typist) scene(s *scene) (replies []string) {
	m.t.Helper()
	line := func() bool {
		var all []string
		for {
			l, err := m.r.ReadString('\n')
			if err != nil {
				replies = append(replies, "closed")
				return false
			}
			l = strings.TrimRight(l, "\r\n")
			all = append(all, l)
			if len(l) < 4 || l[3] != '-' {
				break
			}
		}
		if strings.HasPrefix(all[0], "250-mail.example.test") { // what is offered is compared elsewhere
			all = []string{"250 hello"}
		}
		replies = append(replies, strings.Join(all, "|"))
		return true
	}
	if !line() {
		return
	}
	for _, l := range s.lines {
		if l == text && !strings.HasPrefix(replies[len(replies)-1], "354") {
			continue
		}
		if _, err := m.c.Write([]byte(l + "\r\n")); err != nil {
			replies = append(replies, "closed")
			return
		}
		if !line() {
			return
		}
	}
	return
}

// outcome is what a client and the next server see, and what the milter is told.
func outcome(t *testing.T, addr string, s *scene, mil *miltertest.Server, f *smtptest.Server) (replies []string, told, message string) {
	t.Helper()
	mil.SetAnswers(s.answers)
	mil.Told()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	n := len(f.Messages())
	replies = newTypist(t, c).scene(s)
	c.Close()
	taken := 0
	for i, r := range replies {
		replies[i] = strings.ReplaceAll(ids.ReplaceAllString(r, "queued as …"), "need RCPT command", "need MAIL command") // of DATA before MAIL
		if strings.Contains(replies[i], "queued as") {
			taken++
		}
	}
	if taken > 0 && !s.nowhere {
		sent(t, f, n+1)
	}
	for _, m := range f.Messages()[n:] {
		text := received.ReplaceAllString(strings.ReplaceAll(string(m.Data), "\r\n", "\n"), "<R>")
		to := recipients([]*smtptest.Message{m})
		slices.Sort(to)
		message += fmt.Sprintf("from=<%s> to=%v\n%s", m.From, to, text)
	}
	var list []string
	for _, l := range mil.Told() {
		switch l[0] {
		case 'D', 'A', 'Q': // of macros see TestMilterMacros; of the end of messages and sessions a milter is told more than once
			continue
		case 'C':
			l = port.ReplaceAllString(l, "|4…|")
		}
		list = append(list, l)
	}
	return replies, strings.Join(list, "\n"), message
}

var (
	ids      = regexp.MustCompile(`queued as [0-9A-Za-z]+`)
	received = regexp.MustCompile(`Received: .*\n(\t.*\n)*`)
	port     = regexp.MustCompile(`\|4\d+\|`)
)

// differs are scenes in which our replies are others than Postfix's, and why.
var differs = map[string]string{
	"C y421 4.7.9 go\x00": "Postfix has words of its own",
	"C r":                 "Postfix greets with 554 and goes on all the same",
	"C y550 5.7.9 no\x00": "Postfix greets with 554 and goes on all the same",
}

// What a milter says and does at each step has the effect that it has in Debian's Postfix: the replies, what the next server gets, and what the milter is told.
func TestMilters(t *testing.T) {
	mil := miltertest.NewServer(t)
	f := smtptest.NewServer(t)
	hop := "[" + strings.ReplaceAll(f.Addr(), ":", "]:")
	params := "compatibility_level = 3.6\nmyhostname = mail.example.test\nmydestination =\nrelay_domains = relay.test\nrelayhost = " + hop + "\ntransport_maps = inline:{ {* = smtp:" + hop + "} }\nsmtpd_milters = inet:" + mil.Addr() +
		"\nmilter_default_action = tempfail\nsmtpd_client_connection_count_limit = 0\nsmtpd_error_sleep_time = 0\nsmtpd_banner = $myhostname ESMTP\nalways_add_missing_headers = no\nlocal_header_rewrite_clients = static:none\nmynetworks = 192.0.2.0/24\nsmtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n"
	pf := peers.Postfix(t, strings.ReplaceAll(params, "static:none", "")+"header_checks =\nreceive_override_options = \n", nil)
	dir := t.TempDir()
	users(t, dir, "alice:{PLAIN}secret\n")
	r := &running{t: t, dir: dir}
	var own []string
	for line := range strings.Lines(params) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " =")
		if name != "always_add_missing_headers" && name != "local_header_rewrite_clients" {
			own = append(own, name+"="+strings.TrimSpace(value))
		}
	}
	r.run(append(own, "data_directory="+dir, "maillog_file="+dir+"/mail.log", "mail_auth_check=no", "smtp_listen=127.0.0.1:0", "smtpd_peername_lookup=no")...)
	addr := r.s.Addrs("smtp_listen")[0].String()
	outcome(t, pf.SMTP, &scene{lines: []string{"QUIT"}}, mil, f) // what looked whether it has started has been told of by then
	for _, s := range scenes() {
		theirs, theirTold, theirMessage := outcome(t, pf.SMTP, &s, mil, f)
		ours, told, message := outcome(t, addr, &s, mil, f)
		if why := differs[s.name]; why != "" {
			require.NotEqual(t, theirs, ours, "%s: is the same by now", s.name)
		} else {
			assert.Equal(t, theirs, ours, "%q", s.name)
		}
		assert.Equal(t, theirMessage, message, "%q", s.name)
		assert.Equal(t, theirTold, told, "%q", s.name)
	}
	r.logged(`postfix/smtpd\[\d+\]: NOQUEUE: milter-reject: MAIL from [^ ]+\[127\.0\.0\.1\]: 550 5\.7\.1 Command rejected; proto=ESMTP helo=<c\.test>\n`)
	r.logged(`postfix/cleanup\[\d+\]: [0-9A-F]+: milter-reject: END-OF-MESSAGE from [^ ]+\[127\.0\.0\.1\]: 5\.7\.1 Command rejected; from=<s@far\.test> to=<x@relay\.test> proto=ESMTP helo=<c\.test>\n`)
	r.logged(`postfix/cleanup\[\d+\]: [0-9A-F]+: milter-discard: END-OF-MESSAGE from [^ ]+\[127\.0\.0\.1\]: milter triggers DISCARD action; from=<s@far\.test> to=<x@relay\.test> proto=ESMTP helo=<c\.test>\n`)
}

// The macros that a milter is told at each step are those that Debian's Postfix tells, i among them: the queue id, which is known from the second recipient
// on, and is the one that the client is told in the end.
func TestMilterMacros(t *testing.T) {
	mil := miltertest.NewServer(t)
	f := smtptest.NewServer(t)
	hop := "[" + strings.ReplaceAll(f.Addr(), ":", "]:")
	params := "compatibility_level = 3.6\nmyhostname = mail.example.test\nmydestination =\nrelay_domains = relay.test\nrelayhost = " + hop + "\ntransport_maps = inline:{ {* = smtp:" + hop + "} }\n" +
		"smtpd_milters = inet:" + mil.Addr() + "\nmilter_macro_v = x\nmynetworks = 192.0.2.0/24\nsmtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\nsmtpd_banner = $myhostname ESMTP\n"
	pf := peers.Postfix(t, params+"header_checks =\n", nil)
	outcome(t, pf.SMTP, &scene{lines: []string{"QUIT"}}, mil, f)
	r := withMaster(t, params+"virtual_mailbox_domains =\n", "127.0.0.1:0 inet n - n - - smtpd -o smtpd_peername_lookup=no -o mail_auth_check=no\n")
	play := func(addr string, answers map[string][]string) string {
		mil.SetAnswers(answers)
		mil.Told()
		c, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
		replies := newTypist(t, c).scene(&scene{lines: []string{"EHLO c.test", "MAIL FROM:<s@far.test> SIZE=100", "RCPT TO:<x@elsewhere.test>", "RCPT TO:<x@relay.test>", "RCPT TO:<y@relay.test>", "DATA", text, "MAIL FROM:<s@far.test>", "RCPT TO:<x@relay.test>", "RSET", "MAIL FROM:<t@far.test>", "QUIT"}})
		_, id, _ := strings.Cut(strings.Join(replies, "\n"), "queued as ")
		id, _, _ = strings.Cut(id, "\n")
		require.NotEmpty(t, id, "%v", replies)
		var out []string
		for _, l := range mil.Told() {
			if l[0] != 'D' || l[1] == 'L' || l[1] == 'B' { // Postfix tells i again with each field and piece of the body
				continue
			}
			names := strings.Split(strings.TrimSuffix(l[2:], "|"), "|")
			var pairs []string
			for i := 0; i+1 < len(names); i += 2 {
				pairs = append(pairs, names[i]+"="+names[i+1])
			}
			slices.Sort(pairs)
			out = append(out, l[1:2]+" "+strings.ReplaceAll(strings.Join(pairs, " "), id, "<id>"))
		}
		return strings.Join(out, "\n")
	}
	for _, answers := range []map[string][]string{nil, {"E": {"+<z@relay.test>\x00", "e<t@far.test>\x00", "c"}}} {
		require.Equal(t, play(pf.SMTP, answers), play(r.s.Addrs("127.0.0.1:0/inet")[0].String(), answers))
	}
}

// smtpd_milter_maps gives a client milters of its own, or none, by its address, as with Debian's Postfix.
func TestMilterMaps(t *testing.T) {
	usualOne, own := miltertest.NewServer(t), miltertest.NewServer(t)
	usualOne.SetAnswers(map[string][]string{"M": {"y550 5.7.9 usual\x00"}})
	own.SetAnswers(map[string][]string{"M": {"y550 5.7.9 own\x00"}})
	params := "compatibility_level = 3.6\nmyhostname = mail.example.test\nmydestination = example.test\nlocal_recipient_maps =\nmynetworks = 192.0.2.0/24\nsmtpd_banner = $myhostname ESMTP\nnon_smtpd_milters = $smtpd_milters\n" +
		"smtpd_milters = inet:" + usualOne.Addr() + "\nsmtpd_milter_maps = inline:{ {127.0.0.41 = disable}, {127.0.0.42 = inet:" + own.Addr() + "}, {127.0.0.43 = { inet:" + own.Addr() + ", default_action=accept }} }\n"
	pf := peers.Postfix(t, params, nil)
	r := withMaster(t, params, "127.0.0.1:0 inet n - n - - smtpd -o smtpd_peername_lookup=no -o smtpd_sender_restrictions=\n127.0.0.2:0 inet n - n - - smtpd -o receive_override_options=no_milters -o smtpd_sender_restrictions=\n")
	say := func(from, addr string) string {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err := d.DialContext(t.Context(), "tcp", addr)
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
		return strings.Join(newTypist(t, c).scene(&scene{lines: []string{"EHLO c.test", "MAIL FROM:<s@example.test>", "QUIT"}}), "\n")
	}
	for i, want := range []string{"usual", "2.1.0 Ok", "own", "own"} {
		from := fmt.Sprintf("127.0.0.%d", 40+i)
		theirs, ours := say(from, pf.SMTP), say(from, r.s.Addrs("127.0.0.1:0/inet")[0].String())
		require.Contains(t, theirs, want, from)
		require.Equal(t, theirs, ours, from)
	}
	require.Contains(t, say("127.0.0.42", r.s.Addrs("127.0.0.2:0/inet")[0].String()), "2.1.0 Ok")
	_, err := config.Load(config.Options{Overrides: []string{"smtpd_milters=inet:127.0.0.1:1", "non_smtpd_milters=inet:127.0.0.1:2"}})
	require.ErrorContains(t, err, "non_smtpd_milters: mail that programs of this machine send comes by SMTP here")
}
