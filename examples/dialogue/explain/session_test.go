package explain

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// talk feeds lines that begin with "C: " and "S: ", and returns all notes.
func talk(t *testing.T, p Protocol, lines ...string) []Note {
	t.Helper()
	s := New(p)
	var out []Note
	for _, l := range lines {
		notes := s.Feed(Side(l[0]), []byte(l[3:]+"\r\n"))
		for _, n := range notes {
			m := MachineOf(p)
			require.True(t, m.Leads(n.Before.Server, n.After.Server), "%s: %s -> %s", l, n.Before.Server, n.After.Server)
		}
		out = append(out, notes...)
	}
	return out
}

func keys(messages []Message) string {
	var out []string
	for _, m := range messages {
		out = append(out, m.Key)
	}
	return strings.Join(out, " ")
}

// The exchange of the textbook: each line's meaning, the states of both, and where the message is.
func TestTextbook(t *testing.T) {
	notes := talk(t, SMTP, "S: 220 ubuntu.localdomain ESMTP Postfix (Ubuntu)", "C: helo trunghq.com", "S: 250 ubuntu.localdomain",
		"C: MAIL FROM:trunghq@ubuntu.localdomain", "S: 250 2.1.0 Ok", "C: RCPT TO:haquoctrung@gmail.com", "S: 250 2.1.5 Ok", "C: DATA",
		"S: 354 End data with <CR><LF>.<CR><LF>", "C: Subject:Thu gui thu tu telnet", "C: ", "C: Day la mot buc thu gui tu telnet", "C: .",
		"S: 250 2.0.0 Ok: queued as 913E010089F", "C: quit", "S: 221 2.0.0 Bye")
	want := []struct {
		says, mistakes, server, client string
		place                          Place
	}{
		{"smtp.reply.greeting.2", "", "greeted", "speaks", ""},
		{"smtp.cmd.HELO", "", "greeted", "waits", ""},
		{"smtp.reply.HELO.2", "", "ready", "speaks", ""},
		{"smtp.cmd.MAIL", "mistake.brackets", "ready", "waits", ""},
		{"smtp.reply.MAIL.2", "", "mail", "speaks", ""},
		{"smtp.cmd.RCPT", "mistake.brackets", "mail", "waits", ""},
		{"smtp.reply.RCPT.2", "", "rcpt", "speaks", ""},
		{"smtp.cmd.DATA", "", "rcpt", "waits", ""},
		{"smtp.reply.DATA.3", "", "data", "sends", ""},
		{"letter.field.subject", "", "data", "sends", "mua>mta"},
		{"letter.blank", "", "data", "sends", "mua>mta"},
		{"letter.body", "", "data", "sends", "mua>mta"},
		{"smtp.end letter.missing", "", "data", "waits", "mua>mta"},
		{"smtp.reply.end.2", "", "ready", "speaks", "queue"},
		{"smtp.cmd.QUIT", "", "ready", "waits", ""},
		{"smtp.reply.QUIT.2", "", "closed", "gone", ""},
	}
	require.Len(t, notes, len(want))
	for i, w := range want {
		n := notes[i]
		require.Equal(t, w.says, keys(n.Says), n.Text)
		require.Equal(t, w.mistakes, keys(n.Mistakes), n.Text)
		require.Equal(t, State{"smtp." + w.server, "client." + w.client}, n.After, n.Text)
		require.Equal(t, w.place, n.Place, n.Text)
		require.NotEmpty(t, n.Cites, n.Text)
	}
	require.Equal(t, "queued as 913E010089F", notes[13].Text[len("250 2.0.0 Ok: "):])
	var words []string
	for _, w := range notes[13].Words {
		words = append(words, w.Text+"="+w.Key)
	}
	require.Equal(t, []string{"250=smtp.code.250", "2=smtp.class.2", "5=smtp.digit.5", "2.0.0=enh.0.0", "2=enh.class.2", "913E010089F=word.queue-id"}, words)
}

const ready = "S: 220 x|C: EHLO c|S: 250 x|"

// What learners do wrong, and what they are told.
func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		p                Protocol
		dialogue, expect string
	}{
		{SMTP, "C: EHLO c", "mistake.early"},
		{SMTP, "S: 220 x|C: MAIL FROM:<a@b>", "mistake.hello-first"},
		{SMTP, "S: 220 x|C: EHLO", "mistake.hello-name"},
		{SMTP, "S: 220 x|C: HELO my computer", "mistake.hello-space"},
		{SMTP, "S: 220 x|C: LHLO c", "mistake.smtp-lhlo"},
		{LMTP, "S: 220 x|C: EHLO c", "mistake.lmtp-hello"},
		{SMTP, ready + "C: RCPT TO:<a@b>", "mistake.mail-first"},
		{SMTP, ready + "C: DATA", "mistake.mail-first"},
		{SMTP, ready + "C: MAIL FROM:<a@b>|S: 250 Ok|C: DATA", "mistake.rcpt-first"},
		{SMTP, ready + "C: MAIL FROM:<a@b>|S: 250 Ok|C: MAIL FROM:<a@b>", "mistake.nested-mail"},
		{SMTP, ready + "C: MAIL FROM:a@b", "mistake.brackets"},
		{SMTP, ready + "C: MAIL FROM: <a@b>", "mistake.space-colon"},
		{SMTP, ready + "C: MAIL FROM :<a@b>", "mistake.space-colon"},
		{SMTP, ready + "C: MAIL a@b", "mistake.from-to"},
		{SMTP, ready + "C: MAIL FROM:<a@b", "mistake.open-bracket"},
		{SMTP, ready + "C: MAIL FROM:An <a@b>", "mistake.display-name"},
		{SMTP, ready + "C: MAIL FROM:<an>", "mistake.no-at"},
		{SMTP, ready + "C: MAIL FROM:<a@b>|S: 250 Ok|C: RCPT TO:<>", "mistake.no-address"},
		{SMTP, ready + "C: MAILFROM:<a@b>", "mistake.missing-space"},
		{SMTP, ready + "C: MIAL FROM:<a@b>", "mistake.typo"},
		{SMTP, ready + "C: Subject: hello", "mistake.header-outside"},
		{SMTP, ready + "C: .", "mistake.dot-outside"},
		{SMTP, ready + "C: ", "mistake.empty-line"},
		{SMTP, ready + "C:  QUIT", "mistake.leading-space"},
		{SMTP, ready + "C: QUIT now", "mistake.no-arguments"},
		{SMTP, ready + "C: USER an", "mistake.is-pop3"},
		{SMTP, ready + "C: a1 LOGIN an secret", "mistake.is-imap"},
		{SMTP, ready + "C: GET / HTTP/1.1", "mistake.is-http"},
		{SMTP, ready + "C: \x16\x03\x01\x02", "mistake.is-tls"},
		{SMTP, ready + "C: xyzzyx", "mistake.unknown-command"},
		{SMTP, ready + "C: AUTH", "mistake.auth-mechanism"},
		{SMTP, ready + "C: AUTH PLAIN ???", "mistake.base64"},
		{SMTP, ready + "C: AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("an secret")), "mistake.plain"},
		{SMTP, ready + "C: BDAT many", "mistake.bdat"},
		{SMTP, ready + "C: VRFY", "mistake.argument"},
		{SMTP, ready + "C: MAIL FROM:<a@b>|S: 250 Ok|C: AUTH LOGIN", "mistake.auth-late"},
		{SMTP, ready + "C: DATA|C: Subject: x", "mistake.before-354"},
		{SMTP, ready + "C: EHLO x|C: QUIT", "mistake.not-pipelined"},
		{SMTP, ready + "C: QU\rIT", "mistake.bare-cr"},
		{SMTP, ready + "C: NOOP \x00", "mistake.nul"},
		{SMTP, "S: hello", "mistake.server-reply"},
		{POP3, "S: hello", "mistake.server-pop3"},
		{POP2, "S: hello", "mistake.server-pop2"},
		{IMAP, "S: hello", "mistake.server-imap"},
		{SMTP, data + "C: hello", "mistake.no-header"},
		{SMTP, data + "C: Subject: x|C: hello there", "mistake.no-blank-line"},
		{SMTP, data + "C: Subject: x|C: |C: . ", "mistake.dot-space"},
		{SMTP, data + "C: Subject: x|C: |C: .x", "mistake.dot-alone"},
		{SMTP, data + "C: Subject: x|C: |C: QUIT", "mistake.command-in-data"},
		{SMTP, data + "C: X: " + strings.Repeat("x", 1000), "mistake.text-line"},
		{POP3, "C: USER an", "mistake.early"},
		{POP3, "S: +OK|C: STAT", "mistake.pop3-login-first"},
		{POP3, "S: +OK|C: PASS secret", "mistake.pass-before-user"},
		{POP3, "S: +OK|C: USER", "mistake.argument"},
		{POP3, "S: +OK|C: EHLO c", "mistake.is-smtp"},
		{POP3, "S: +OK|C: a LIST \"\" *", "mistake.is-imap"},
		{POP3, "S: +OK|C: DELETE 1", "mistake.typo"},
		{POP3, "S: +OK|C: RETT 1", "mistake.typo"},
		{POP3, open3 + "C: USER an", "mistake.pop3-logged-in"},
		{POP3, open3 + "C: RETR", "mistake.number"},
		{POP3, open3 + "C: RETR one", "mistake.number"},
		{POP3, open3 + "C: TOP 1", "mistake.top-lines"},
		{POP2, "S: + POP2 x|C: READ", "mistake.pop2-order"},
		{POP2, "S: + POP2 x|C: HELO an", "mistake.pop2-helo"},
		{POP2, "S: + POP2 x|C: USER an", "mistake.is-pop3-not-pop2"},
		{IMAP, "S: * OK|C: LOGIN an secret", "mistake.no-tag"},
		{IMAP, "S: * OK|C: a1", "mistake.tag-alone"},
		{IMAP, "S: * OK|C: a1 SELECT INBOX", "mistake.imap-login-first"},
		{IMAP, "S: * OK|C: a1 LOGIN an", "mistake.imap-login-arguments"},
		{IMAP, open4 + "C: b FETCH 1 FLAGS", "mistake.imap-select-first"},
		{IMAP, open4 + "C: b LOGIN an secret", "mistake.imap-logged-in"},
		{IMAP, open4 + "C: b NOOP|C: b NOOP", "mistake.tag-twice"},
		{IMAP, open4 + "C: b IDLE|S: + idling|C: b NOOP", "mistake.imap-idle"},
		{IMAP, open4 + "C: b SLECT INBOX", "mistake.typo"},
		{IMAP, open4 + "C: EHLO c", "mistake.is-not-imap"},
		{IMAP, open4 + "C: b SELECT", "mistake.argument"},
	} {
		notes := talk(t, c.p, strings.Split(c.dialogue, "|")...)
		last := notes[len(notes)-1]
		require.Contains(t, strings.Fields(keys(last.Mistakes)), c.expect, "%s %s", c.p, c.dialogue)
		for _, l := range Langs {
			for _, m := range last.Mistakes {
				require.NotRegexp(t, `\{\d\}|^\[`, l.Text(m), c.dialogue)
			}
		}
	}
	s := New(SMTP)
	s.Feed(Server, []byte("220 x\r\n"))
	require.Equal(t, "mistake.bare-lf", keys(s.Feed(Client, []byte("EHLO c\n"))[0].Mistakes))
	require.Equal(t, "mistake.server-lf", keys(s.Feed(Server, []byte("250 x\n"))[0].Mistakes))
	require.Contains(t, keys(s.Feed(Client, []byte(strings.Repeat("x", MaxLine+10)+"\r\n"))[0].Mistakes), "mistake.too-long")
}

const (
	data  = ready + "C: MAIL FROM:<a@b>|S: 250 Ok|C: RCPT TO:<c@d>|S: 250 Ok|C: DATA|S: 354 go|"
	open3 = "S: +OK|C: USER an|S: +OK|C: PASS secret|S: +OK|"
	open4 = "S: * OK|C: a LOGIN an secret|S: a OK|"
)

// Nothing of a password is in a note, however it is sent, also where it doesn't belong, and where the server repeats it.
func TestPasswordsAreMasked(t *testing.T) {
	const secret = "s3cr3t-Geheim"
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	forms := []string{secret, b64(secret), b64("\x00an\x00" + secret), strings.TrimRight(b64("an\x00an\x00"+secret), "=")}
	for _, c := range []struct {
		p        Protocol
		dialogue string
	}{
		{POP3, "S: +OK|C: USER an|S: +OK|C: PASS " + secret + "|S: -ERR " + secret + " is wrong"},
		{POP3, "S: +OK|C: pass   " + secret},
		{POP3, "S: +OK|C:  PASS " + secret},
		{POP3, "S: +OK|C: APOP an " + secret},
		{POP3, "S: +OK|C: AUTH PLAIN " + b64("\x00an\x00"+secret)},
		{POP3, "S: +OK|C: AUTH PLAIN|S: + |C: " + b64("\x00an\x00"+secret)},
		{SMTP, ready + "C: AUTH PLAIN " + b64("\x00an\x00"+secret) + "|S: 535 no: " + b64("\x00an\x00"+secret)},
		{SMTP, ready + "C: AUTH LOGIN|S: 334 VXNlcm5hbWU6|C: " + b64("an") + "|S: 334 UGFzc3dvcmQ6|C: " + b64(secret)},
		{SMTP, ready + "C: AUTH LOGIN " + b64("an") + "|S: 334 UGFzc3dvcmQ6|C: " + b64(secret)},
		{SMTP, ready + "C: PASS " + secret + "|S: 500 what is PASS " + secret},
		{SMTP, ready + "C: a LOGIN an " + secret},
		{IMAP, "S: * OK|C: a LOGIN an " + secret},
		{IMAP, "S: * OK|C: a LOGIN an \"" + secret + "\"|S: a BAD \"" + secret + "\""},
		{IMAP, "S: * OK|C: LOGIN an " + secret},
		{IMAP, "S: * OK|C: a LOGIN \"a n\" \"" + secret + " more\""},
		{IMAP, "S: * OK|C: a LOGIN {2+}|C: an {13+}|C: " + secret},
		{IMAP, "S: * OK|C: a LOGIN {2}|S: +|C: an " + secret},
		{IMAP, "S: * OK|C: a LOGIN an {13}|S: +|C: " + secret},
		{IMAP, "S: * OK|C: a AUTHENTICATE PLAIN " + b64("\x00an\x00"+secret)},
		{IMAP, "S: * OK|C: a AUTHENTICATE PLAIN|S: + |C: " + b64("\x00an\x00"+secret)},
		{POP2, "S: + POP2 x|C: HELO an " + secret},
		{POP2, "S: + POP2 x|C: USER an|S: -|C: PASS " + secret},
	} {
		for _, n := range talk(t, c.p, strings.Split(c.dialogue, "|")...) {
			shown := n.Text
			for _, w := range n.Words {
				shown += " " + w.Text + " " + strings.Join(w.Args, " ")
			}
			for _, m := range append(append([]Message{}, n.Says...), n.Mistakes...) {
				shown += " " + strings.Join(m.Args, " ")
			}
			for _, form := range forms {
				require.NotContains(t, shown, form, c.dialogue)
			}
		}
	}
	long := New(POP3)
	long.Feed(Server, []byte("+OK\r\n"))
	for _, n := range long.Feed(Client, []byte("PASS "+strings.Repeat("x", MaxLine)+secret+"\r\n")) {
		require.NotContains(t, n.Text, secret)
	}
}

const acts = `[\x{00}-\x{1f}\x{7f}-\x{9f}\x{202e}\x{200b}]`

// What comes from the wire can't act on a terminal.
func TestNothingActsOnATerminal(t *testing.T) {
	for _, n := range talk(t, SMTP, "S: 220 \x1b]0;owned\x07 \u202eevil\xff\u200b", "C: EHLO \x9b31m") {
		require.NotRegexp(t, acts, n.Text)
		for _, w := range n.Words {
			require.NotRegexp(t, acts, w.Text)
		}
	}
}

// Literals are counted, in both directions, and a refused one is forgotten.
func TestLiterals(t *testing.T) {
	s := New(IMAP)
	s.Feed(Server, []byte("* PREAUTH\r\n"))
	notes := s.Feed(Client, []byte("a APPEND INBOX {20}\r\nSubject: x\r\n"))
	require.Equal(t, "client.waits", notes[0].After.Client)
	s.Feed(Server, []byte("+ go\r\n"))
	notes = append(notes, s.Feed(Client, []byte("\r\nbody\r\n\r\nb NOOP\r\n"))...)
	var kinds []string
	for _, n := range notes {
		kinds = append(kinds, string(n.Kind))
	}
	require.Equal(t, "command literal literal literal command command", strings.Join(kinds, " "))
	require.Equal(t, "imap.cmd.NOOP", keys(notes[5].Says))
	require.Equal(t, Place("mailbox"), s.Feed(Server, []byte("a OK\r\n"))[0].Place)
	s.Feed(Client, []byte("c APPEND INBOX {20000}\r\n"))
	s.Feed(Server, []byte("c NO [TOOBIG] no\r\n"))
	require.Equal(t, "imap.cmd.LOGOUT", keys(s.Feed(Client, []byte("d LOGOUT\r\n"))[0].Says))
	notes = s.Feed(Server, []byte("* 1 FETCH (BODY[] {6}\r\na\r\n.\r\n UID 4)\r\nd OK\r\n"))
	require.Equal(t, "imap.response-goes-on", keys(notes[3].Says))
	require.Equal(t, "imap.done.LOGOUT.OK", keys(notes[4].Says))
}

// BDAT's octets are counted, and LMTP answers for each recipient.
func TestChunksAndLMTP(t *testing.T) {
	s := New(LMTP)
	s.Feed(Server, []byte("220 x\r\n"))
	s.Feed(Client, []byte("LHLO c\r\n"))
	s.Feed(Server, []byte("250 x\r\n"))
	s.Feed(Client, []byte("MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 5 LAST\r\nQUIT\r"))
	s.Feed(Server, []byte("250 a\r\n250 b\r\n250 c\r\n"))
	require.Equal(t, "smtp.rcpt", s.State().Server)
	require.Equal(t, "smtp.cmd.NOOP smtp.pipelined", keys(s.Feed(Client, []byte("NOOP\r\n"))[0].Says))

	s = New(LMTP)
	s.Feed(Server, []byte("220 x\r\n"))
	s.Feed(Client, []byte("LHLO c\r\n"))
	s.Feed(Server, []byte("250 x\r\n"))
	s.Feed(Client, []byte("MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"))
	s.Feed(Server, []byte("250 a\r\n250 b\r\n250 c\r\n354 go\r\n"))
	s.Feed(Client, []byte("Subject: x\r\n\r\nx\r\n.\r\n"))
	notes := s.Feed(Server, []byte("250 2.0.0 one\r\n452 4.2.2 two\r\n"))
	require.Equal(t, "smtp.reply.lmtp-end.2", keys(notes[0].Says))
	require.Equal(t, "smtp.data", notes[0].After.Server)
	require.Equal(t, "smtp.reply.lmtp-end.4", keys(notes[1].Says))
	require.Equal(t, "smtp.ready", notes[1].After.Server)
}

// After STARTTLS nothing can be read, unless who feeds it stands at the end of TLS.
func TestEncryption(t *testing.T) {
	s := New(SMTP)
	s.Feed(Server, []byte("220 x\r\n"))
	s.Feed(Client, []byte("STARTTLS\r\n"))
	notes := s.Feed(Server, []byte("220 go\r\n\x16\x03\x01garbage"))
	require.Len(t, notes, 2)
	require.Equal(t, Encrypted, notes[1].Kind)
	require.True(t, s.Opaque())
	require.Equal(t, "tls.opaque", keys(s.Feed(Client, []byte("\x16\x03"))[0].Says))
	require.Empty(t, s.Feed(Client, []byte("\x16\x03")))
	s.Secured()
	require.False(t, s.Opaque())
	require.Equal(t, "smtp.greeted", s.State().Server)
	require.Equal(t, "smtp.cmd.EHLO", keys(s.Feed(Client, []byte("EHLO c\r\n"))[0].Says))
}
