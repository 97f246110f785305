package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buuta/mail/internal/peers"
	"github.com/stretchr/testify/require"
)

// both is a main.cf for Postfix and for us.
const both = `compatibility_level = 3.6
myhostname = mail.example.test
mydomain = example.test
mydestination = localhost, mail.example.test
virtual_mailbox_domains = example.test
virtual_alias_domains = alias.test
virtual_alias_maps = inline:{ {info@alias.test = alice@example.test}, {two@alias.test = alice@example.test bob@example.test}, {loop@alias.test = loop@alias2.test}, {loop@alias2.test = loop@alias.test} }
relay_domains = relay.test
relay_recipient_maps = inline:{ {carol@relay.test = x} }
relocated_maps = inline:{ {moved@example.test = new@far.test} }
transport_maps = inline:{ {closed.test = error:5.7.1 closed}, {later.test = retry:4.4.1 later}, {relay.test = discard:} }
mynetworks = 192.0.2.0/24
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_banner = $myhostname ESMTP
recipient_delimiter = +
alias_maps = inline:{ {list = alice@example.test} }
message_size_limit = 20000
smtpd_recipient_limit = 5
smtpd_hard_error_limit = 1000
smtpd_client_connection_count_limit = 0
smtpd_soft_error_limit = 1000
body_checks = regexp:{ {/buy now/ REJECT} }
`

// dialogues are what clients say, a command or a message in a line each; "|" divides them.
func dialogues() []string {
	hello := "EHLO c.test|"
	from := hello + "MAIL FROM:<s@far.test>|"
	data := from + "RCPT TO:<alice@example.test>|DATA|"
	var out []string
	add := func(before string, lines ...string) {
		for _, l := range lines {
			out = append(out, before+l)
		}
	}
	add("", "HELO c.test", "EHLO c.test", "HELO", "EHLO", "HELO  c.test", "HELO c.test d.test", "helo c.test", "NOOP", "NOOP x", "RSET", "RSET x", "QUIT", "QUIT x", "HELP", "FOO", "", " ", "FOO BAR", "EXPN x", "TURN", "VRFY", "VRFY alice@example.test",
		"VRFY nobody@example.test", "VRFY x@far.test", "VRFY <alice@example.test>", "STARTTLS", "AUTH PLAIN", "DATA", "BDAT 0", "ETRN far.test", "ETRN", "GET / HTTP/1.0", "CONNECT x", "POST /", "Subject: x", "mail from:<a@b.test>", "RCPT TO:<alice@example.test>",
		"MAIL FROM:<s@far.test>", "EHLO [127.0.0.1]", "HELO a_b", "HELO -", "EHLO "+strings.Repeat("x", 300), "XCLIENT ADDR=1.2.3.4", "XFORWARD NAME=x")
	add(hello, "EHLO d.test", "HELO d.test", "MAIL", "MAIL FROM", "MAIL FROM:", "MAIL FROM:<>", "MAIL FROM:<s@far.test>", "MAIL FROM: <s@far.test>", "MAIL FROM:s@far.test", "MAIL FROM:<s@far.test", "MAIL FROM:s@far.test>", "MAIL FROM:<s>", "MAIL FROM:<s@>", "MAIL FROM:<@far.test>",
		"MAIL FROM:<s@@far.test>", "MAIL FROM:<s@far..test>", "MAIL FROM:<s@far.test.>", "MAIL FROM:<s far@far.test>", `MAIL FROM:<"s far"@far.test>`, "MAIL FROM:<@a.test:s@far.test>", "MAIL FROM:<s@[127.0.0.1]>", "MAIL FROM:<s@[nonsense]>", "MAIL FROM:<s@127.0.0.1>",
		"MAIL TO:<s@far.test>", "MAIL FROM <s@far.test>", "MAIL FROM:<s@far.test> SIZE=100", "MAIL FROM:<s@far.test> SIZE=100000000", "MAIL FROM:<s@far.test> SIZE=x", "MAIL FROM:<s@far.test> SIZE=", "MAIL FROM:<s@far.test> BODY=8BITMIME", "MAIL FROM:<s@far.test> BODY=7BIT",
		"MAIL FROM:<s@far.test> BODY=x", "MAIL FROM:<s@far.test> FOO=bar", "MAIL FROM:<s@far.test> RET=FULL", "MAIL FROM:<s@far.test> RET=x", "MAIL FROM:<s@far.test> ENVID=abc", "MAIL FROM:<s@far.test> SMTPUTF8", "MAIL FROM:<ü@far.test>", "MAIL FROM:<ü@far.test> SMTPUTF8",
		"MAIL FROM:<s@far.test> AUTH=<>", "MAIL FROM:<s@far.test>|MAIL FROM:<t@far.test>", "MAIL FROM:<s@far.test>|HELO x.test|RCPT TO:<alice@example.test>", "MAIL FROM:<s@far.test>|RSET|RCPT TO:<alice@example.test>", "RCPT TO:<alice@example.test>", "DATA", "BDAT 3 LAST\r\nx\r\n",
		"MAIL FROM:<"+strings.Repeat("x", 64)+"@far.test>", "MAIL FROM:<"+strings.Repeat("x", 300)+"@far.test>", "MAIL FROM:<s@"+strings.Repeat("x", 64)+".test>", "VRFY carol@relay.test", "VRFY info@alias.test")
	for _, to := range []string{"alice@example.test", "ALICE@EXAMPLE.TEST", "alice+x@example.test", "nobody@example.test", "moved@example.test", "info@alias.test", "none@alias.test", "two@alias.test", "carol@relay.test", "dave@relay.test", "x@far.test", "x%far.test@example.test",
		"x%far.test@localhost", "far.test!x@localhost", `"x@far.test"@localhost`, "@example.test:x@far.test", "@far.test:alice@example.test", "alice", "postmaster", "Postmaster@example.test", "list@localhost", "list+a@localhost", "nobody@localhost", "alice@[127.0.0.1]", "nobody@[127.0.0.1]",
		"x@[192.0.2.1]", "x@[nonsense]", "alice@example.test.", "alice@@example.test", "@example.test", "alice@", "", "x@closed.test", "x@later.test", "-x@example.test", `"alice"@example.test`, "alice@example..test", "ali ce@example.test", "x@127.0.0.1", "x@nodot", "alice@example.test> FOO=bar <",
		"ü@example.test"} {
		add(from, "RCPT TO:<"+to+">")
	}
	add(from, "RCPT", "RCPT TO", "RCPT TO:", "RCPT TO:alice@example.test", "RCPT FROM:<alice@example.test>", "RCPT TO:<alice@example.test> NOTIFY=NEVER", "RCPT TO:<alice@example.test> NOTIFY=x", "RCPT TO:<alice@example.test> NOTIFY=NEVER,SUCCESS", "RCPT TO:<alice@example.test> ORCPT=rfc822;a@b.test",
		"RCPT TO:<alice@example.test> ORCPT=x", "RCPT TO:<alice@example.test> FOO", "DATA", "DATA x", "RCPT TO:<x@far.test>|DATA", strings.Repeat("RCPT TO:<alice@example.test>|", 7)+"DATA")
	add(data, "Subject: x\r\n\r\nx\r\n.", ".", "Subject: spam\r\n\r\nx\r\n.", "Subject: gone\r\n\r\nx\r\n.", "Subject: x\r\n\r\nbuy now\r\n.", strings.Repeat("x\r\n", 10000)+".", strings.Repeat("Received: from x\r\n", 60)+"\r\nx\r\n.", "Subject: x\r\n\r\nx\r\n.|MAIL FROM:<>|RCPT TO:<bob@example.test>|DATA|x\r\n.|QUIT",
		"..\r\n.\r\nx", strings.Repeat("x", 5000)+"\r\n.")
	add(from, "RCPT TO:<loop@alias.test>|DATA|x\r\n.", "RCPT TO:<alice@example.test>|BDAT 3 LAST\r\nx\r\n", "RCPT TO:<alice@example.test>|BDAT 3\r\nx\r\n|BDAT 0 LAST", "RCPT TO:<alice@example.test>|BDAT x", "RCPT TO:<alice@example.test>|BDAT", "RCPT TO:<alice@example.test>|BDAT 3\r\nx\r\n|DATA", "RCPT TO:<alice@example.test>|BDAT 3\r\nx\r\n|MAIL FROM:<>")
	return out
}

// different are dialogues whose replies differ on purpose, and why.
func different() map[string]string {
	out := map[string]string{}
	because := func(why string, list ...string) {
		for _, d := range list {
			out[d] = why
		}
	}
	hello, from, rcpt := "EHLO c.test|", "EHLO c.test|MAIL FROM:<s@far.test>|", "EHLO c.test|MAIL FROM:<s@far.test>|RCPT TO:<alice@example.test>|"
	because("RFC 2034 section 4 wants an enhanced code in every reply but those to HELO and EHLO that say yes", "HELO", "EHLO", "ETRN")
	because("RFC 5321 section 4.1.1.1: one domain, of at most 255 octets", "HELO c.test d.test", "EHLO "+strings.Repeat("x", 300))
	because("RFC 5321 section 4.1.1.10: QUIT has no argument", "QUIT x")
	because("RFC 5321 section 4.1.1.8: servers should answer HELP", "HELP")
	because("an empty line is no command", "", " ")
	because("RFC 5321 section 3.5.3: 502 says that the command is known", "EXPN x")
	because("what is missing first is told first", "DATA", hello+"DATA", hello+"BDAT 3 LAST\r\nx\r\n", "BDAT 0", from+"DATA", from+"DATA x")
	because("who may not, is told so; Postfix knows no destination whose mail it keeps", "ETRN far.test")
	because("the path is missing, and that is what is wrong with the address", hello+"MAIL FROM:", from+"RCPT TO:")
	because("RFC 5321 section 4.1.2: no such address", hello+"MAIL FROM:s@far.test>", hello+"MAIL FROM:<@far.test>", hello+"MAIL FROM:<s@@far.test>", hello+"MAIL FROM:<s@far.test.>",
		from+"RCPT TO:<alice@example.test.>", from+"RCPT TO:<alice@@example.test>", from+"RCPT TO:<@example.test>")
	because("parameters that are wrong are all told in one form, by name", hello+"MAIL FROM:<s@far.test> SIZE=x", hello+"MAIL FROM:<s@far.test> SIZE=", hello+"MAIL FROM:<s@far.test> BODY=x", hello+"MAIL FROM:<s@far.test> FOO=bar",
		from+"RCPT TO:<alice@example.test> FOO=bar <>", from+"RCPT TO:<alice@example.test> NOTIFY=x", from+"RCPT TO:<alice@example.test> NOTIFY=NEVER,SUCCESS", from+"RCPT TO:<alice@example.test> ORCPT=x")
	because("RFC 6531 section 3.4: without SMTPUTF8 such an address isn't sent", hello+"MAIL FROM:<ü@far.test>", from+"RCPT TO:<ü@example.test>")
	because("RFC 4954 section 5: AUTH= is for sessions that were offered AUTH", hello+"MAIL FROM:<s@far.test> AUTH=<>")
	because("a loop is told to who names it, before the message is sent for nothing", from+"RCPT TO:<loop@alias.test>|DATA|x\r\n.")
	because("RFC 3030 section 2: a wrong BDAT is 501", rcpt+"BDAT x", rcpt+"BDAT")
	because("the address, without brackets", "VRFY <alice@example.test>")
	because("one reply for all that RFC 3030 section 3 forbids between chunks", rcpt+"BDAT 3\r\nx\r\n|DATA", rcpt+"BDAT 3\r\nx\r\n|MAIL FROM:<>")
	return out
}

// speak has a dialogue with a server and returns the replies, without what is never the same: queue ids, and the list of EHLO.
func speak(addr, dialogue string) []string {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return []string{err.Error()}
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return []string{err.Error()}
	}
	r := bufio.NewReader(c)
	reply := func() (string, bool) {
		for {
			l, err := r.ReadString('\n')
			if err != nil {
				return "(closed)", false
			}
			if len(l) < 4 || l[3] != '-' {
				return id.ReplaceAllString(strings.TrimRight(l, "\r\n"), "queued as ID"), true
			}
		}
	}
	first, _ := reply()
	out := []string{first}
	for l := range strings.SplitSeq(dialogue, "|") {
		end := "\r\n"
		if strings.HasPrefix(l, "BDAT ") && strings.Contains(l, "\r\n") {
			end = "" // the chunk itself
		}
		if _, err := io.WriteString(c, l+end); err != nil {
			break
		}
		s, ok := reply()
		if strings.HasPrefix(l, "EHLO") && strings.HasPrefix(s, "250") {
			s = "250 (list)"
		}
		out = append(out, s)
		if !ok || strings.HasPrefix(l, "DATA") && !strings.HasPrefix(s, "354") {
			break
		}
	}
	return out
}

var id = regexp.MustCompile(`queued as [0-9A-Za-z]+`)

// TestDialoguesArePostfixs: the same main.cf, the same words: code, enhanced code and text of the replies are Postfix's.
func TestDialoguesArePostfixs(t *testing.T) {
	m := peers.Postfix(t, both+"header_checks = regexp:{ {/^Subject: spam/ REJECT no spam}, {/^Subject: gone/ DISCARD}, {/./ HOLD} }\nvirtual_mailbox_maps = inline:{ {alice@example.test = x}, {bob@example.test = x}, {postmaster@example.test = x} }\nlocal_recipient_maps = $alias_maps, inline:{ {postmaster = x}, {alice = x}, {bob = x} }\n", nil)
	var params []string
	for line := range strings.Lines(both) {
		params = append(params, strings.TrimSuffix(line, "\n"))
	}
	r := start(t, append(params, "header_checks=regexp:{ {/^Subject: spam/ REJECT no spam}, {/^Subject: gone/ DISCARD} }", "smtpd_sasl_auth_enable=no", "smtpd_tls_security_level=none")...)
	ours := r.s.Addrs("smtp_listen")[0].String()
	differ, all, different := 0, dialogues(), different()
	replies := make([][2][]string, len(all))
	var wg sync.WaitGroup
	turn := make(chan struct{}, 8)
	for i, d := range all {
		turn <- struct{}{}
		wg.Go(func() {
			replies[i] = [2][]string{speak(m.SMTP, d), speak(ours, d)}
			<-turn
		})
	}
	wg.Wait()
	for i, d := range all {
		a, b := replies[i][0], replies[i][1]
		if fmt.Sprint(a) == fmt.Sprint(b) {
			require.Empty(t, different[d], "%q is no different by now", d)
			continue
		}
		if different[d] != "" {
			continue
		}
		differ++
		for i := range max(len(a), len(b)) {
			x, y := "", ""
			if i < len(a) {
				x = a[i]
			}
			if i < len(b) {
				y = b[i]
			}
			if x != y {
				t.Errorf("%.120q, reply %d:\n  Postfix %s\n  here    %s", d, i, x, y)
				break
			}
		}
	}
	t.Logf("%d of %d differ", differ, len(all))
	require.GreaterOrEqual(t, len(all), 150)
}
