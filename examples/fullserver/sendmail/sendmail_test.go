package sendmail_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/sendmail"
	"github.com/buuta/mail/smtp/smtptest"
	"github.com/stretchr/testify/require"
)

// call runs sendmail on a machine whose server is srv, as the user an.
func call(t *testing.T, srv *smtptest.Server, stdin string, words ...string) (status int, stdout, stderr string, queue []string) {
	t.Helper()
	var out, errs strings.Builder
	_, port, err := net.SplitHostPort(srv.Addr())
	require.NoError(t, err)
	e := &sendmail.Env{
		Settings: &config.Settings{MyHostname: "host.example.test", MyOrigin: "example.test"}, At: config.Address{Network: "tcp", Address: "0.0.0.0:" + port},
		User: "an", FullName: "Nguyễn An", Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs,
		Queue: func(name string, args ...string) int {
			queue = append([]string{name}, args...)
			return 0
		},
	}
	status = e.Run(t.Context(), words)
	return status, out.String(), errs.String(), queue
}

func TestDeliver(t *testing.T) {
	for name, c := range map[string]struct {
		words, stdin string
		from         string
		to           []string
		data         string
	}{
		"plain":         {"binh@b.test root", "Subject: hi\n\nxin chào\n", "an@example.test", []string{"binh@b.test", "root@example.test"}, "From: =?utf-8?b?Tmd1eeG7hW4gQW4=?= <an@example.test>\r\nSubject: hi\r\n\r\nxin chào\r\n"},
		"from":          {"-f chi@c.test -F Chi binh@b.test", "To: binh@b.test\n\nx\n", "chi@c.test", []string{"binh@b.test"}, "From: Chi <chi@c.test>\r\nTo: binh@b.test\r\n\r\nx\r\n"},
		"null sender":   {"-f <> binh@b.test", "From: x@y.test\n\nx\n", "", []string{"binh@b.test"}, "From: x@y.test\r\n\r\nx\r\n"},
		"-t":            {"-t", "From: a@a.test\nTo: B <b@b.test>,\n c@c.test\nCc: undisclosed:;\nBcc: d@d.test\nSubject: s\n\nx\n", "an@example.test", []string{"b@b.test", "c@c.test", "d@d.test"}, "From: a@a.test\r\nTo: B <b@b.test>,\r\n c@c.test\r\nCc: undisclosed:;\r\nSubject: s\r\n\r\nx\r\n"},
		"-t and words":  {"-t e@e.test b@b.test", "From: a@a.test\nTo: b@b.test\n\nx\n", "an@example.test", []string{"e@e.test", "b@b.test"}, "From: a@a.test\r\nTo: b@b.test\r\n\r\nx\r\n"},
		"resent":        {"-t", "From: a@a.test\nTo: b@b.test\nResent-To: r@r.test\nResent-Bcc: s@s.test\n\nx\n", "an@example.test", []string{"r@r.test", "s@s.test"}, "From: a@a.test\r\nTo: b@b.test\r\nResent-To: r@r.test\r\n\r\nx\r\n"},
		"Bcc stays":     {"b@b.test", "From: a@a.test\nBcc: c@c.test\n\nx\n", "an@example.test", []string{"b@b.test"}, "From: a@a.test\r\nBcc: c@c.test\r\n\r\nx\r\n"},
		"no header":     {"b@b.test", "just text\nmore\n", "an@example.test", []string{"b@b.test"}, "From: =?utf-8?b?Tmd1eeG7hW4gQW4=?= <an@example.test>\r\n\r\njust text\r\nmore\r\n"},
		"mbox line":     {"b@b.test", "From a@a.test Thu Nov 26 10:00:00 2026\nFrom: a@a.test\n\nx\n", "an@example.test", []string{"b@b.test"}, "From: a@a.test\r\n\r\nx\r\n"},
		"dot":           {"b@b.test", "From: a@a.test\n\none\n.\ntwo\n", "an@example.test", []string{"b@b.test"}, "From: a@a.test\r\n\r\none\r\n"},
		"-i":            {"-i b@b.test", "From: a@a.test\n\none\n.\ntwo\n", "an@example.test", []string{"b@b.test"}, "From: a@a.test\r\n\r\none\r\n.\r\ntwo\r\n"},
		"-oi -t":        {"-oi -t", "From: a@a.test\nTo: b@b.test\n\n.\n", "an@example.test", []string{"b@b.test"}, "From: a@a.test\r\nTo: b@b.test\r\n\r\n.\r\n"},
		"-ti":           {"-ti", "From: a@a.test\nTo: b@b.test\n\n.\n", "an@example.test", []string{"b@b.test"}, "From: a@a.test\r\nTo: b@b.test\r\n\r\n.\r\n"},
		"PHP's":         {"-t -i -fwww@c.test", "To: b@b.test\r\nSubject: s\r\nFrom: w@c.test\r\n\r\nx\r\n", "www@c.test", []string{"b@b.test"}, "To: b@b.test\r\nSubject: s\r\nFrom: w@c.test\r\n\r\nx\r\n"},
		"cron's":        {"-FCronDaemon -i -B8BITMIME -oem root", "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@vm> x\n\nout\n", "an@example.test", []string{"root@example.test"}, "From: root (Cron Daemon)\r\nTo: root\r\nSubject: Cron <root@vm> x\r\n\r\nout\r\n"},
		"no line end":   {"b@b.test", "From: a@a.test\n\nlast", "an@example.test", []string{"b@b.test"}, "From: a@a.test\r\n\r\nlast\r\n"},
		"header alone":  {"b@b.test", "From: a@a.test\n", "an@example.test", []string{"b@b.test"}, "From: a@a.test\r\n\r\n"},
		"long line":     {"b@b.test", "From: a@a.test\n\n" + strings.Repeat("x", 5000) + "\r\ny\r\n", "an@example.test", []string{"b@b.test"}, "From: a@a.test\r\n\r\n" + strings.Repeat("x", 5000) + "\r\ny\r\n"},
		"CR at a break": {"b@b.test", "From: a@a.test\n\n" + strings.Repeat("x", 4095) + "\r\ny\r\n", "an@example.test", []string{"b@b.test"}, "From: a@a.test\r\n\r\n" + strings.Repeat("x", 4095) + "\r\ny\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := smtptest.NewServer(t)
			status, out, errs, _ := call(t, srv, c.stdin, strings.Fields(c.words)...)
			require.Equal(t, []any{0, "", ""}, []any{status, out, errs})
			got := srv.Messages()
			require.Len(t, got, 1)
			require.Equal(t, c.from, got[0].From)
			var to []string
			for _, r := range got[0].Recipients {
				to = append(to, r.Address)
			}
			require.Equal(t, c.to, to)
			require.Equal(t, c.data, string(got[0].Data))
			require.Equal(t, "host.example.test", got[0].Hello)
		})
	}
}

// RFC 3461's options come along.
func TestNotify(t *testing.T) {
	srv := smtptest.NewServer(t)
	status, _, errs, _ := call(t, srv, "From: a@a.test\n\nx\n", "-N", "success,delay", "-R", "hdrs", "-V", "env 1", "b@b.test")
	require.Zero(t, status, errs)
	m := srv.Messages()[0]
	require.Equal(t, mail.NotifySuccess|mail.NotifyDelay, m.Recipients[0].Options.Notify)
	require.Equal(t, mail.ReturnHeaders, m.Options.Return)
	require.Equal(t, "env 1", m.Options.EnvelopeID)
}

// One recipient that is refused is a reason to send to none, so that a second try makes no doubles. Statuses are those that callers know.
func TestRefused(t *testing.T) {
	srv := smtptest.NewServer(t)
	srv.Fail(smtptest.Fault{Stage: smtptest.Recipient, Address: "none@b.test", Reply: mail.NewReply(550, mail.EnhancedCode{5, 1, 1}, "User unknown")})
	srv.Fail(smtptest.Fault{Stage: smtptest.Recipient, Address: "late@b.test", Reply: mail.NewReply(450, mail.EnhancedCode{4, 2, 0}, "later")})
	for _, c := range []struct {
		words, stdin string
		status       int
		says         string
	}{
		{"good@b.test none@b.test", "x\n", 67, "sendmail: fatal: none@b.test: 550 5.1.1 User unknown\n"},
		{"late@b.test", "x\n", 75, "sendmail: fatal: late@b.test: 450 4.2.0 later\n"},
		{"", "To: b@b.test\n\nx\n", 64, "sendmail: fatal: Recipient addresses must be specified on the command line or via the -t option\n"},
		{"-t", "Subject: x\n\nx\n", 64, "sendmail: fatal: Recipient addresses must be specified on the command line or via the -t option\n"},
		{"-t", "To: " + strings.Repeat("a@b.test, ", 200000), 65, "sendmail: fatal: the header is longer than 1048576 octets\n"},
		{"-y b@b.test", "", 64, "sendmail: fatal: -y is not a flag of sendmail\n"},
		{"-N never,delay b@b.test", "", 64, "sendmail: fatal: -N never,delay: never stands alone\n"},
		{"-f", "", 64, "sendmail: fatal: -f needs a value\n"},
		{"-bd", "", 64, "sendmail: fatal: -bd: the server is started with \"fullserver -c main.cf\"\n"},
	} {
		status, _, errs, _ := call(t, srv, c.stdin, strings.Fields(c.words)...)
		require.Equal(t, c.says, errs, c.words)
		require.Equal(t, c.status, status, c.words)
	}
	require.Empty(t, srv.Messages())
}

func TestOtherModes(t *testing.T) {
	srv := smtptest.NewServer(t)
	for words, want := range map[string]string{"-bp": "mailq", "-q": "postqueue -f", "-qRexample.org": "postqueue -s example.org", "-qIABC123": "postqueue -i ABC123", "-bi": ""} {
		status, _, _, queue := call(t, srv, "", words)
		require.Zero(t, status)
		require.Equal(t, want, strings.Join(queue, " "))
	}
	srv.Fail(smtptest.Fault{Stage: smtptest.Recipient, Address: "none@b.test", Times: 1, Reply: mail.NewReply(550, mail.EnhancedCode{5, 1, 1}, "User unknown")})
	status, out, _, _ := call(t, srv, "", "-bv", "good@b.test", "none@b.test")
	require.Equal(t, 67, status)
	require.Equal(t, "good@b.test... deliverable\nnone@b.test... 550 5.1.1 User unknown\n", out)
}

// With -bs the caller speaks SMTP with the server.
func TestSpeak(t *testing.T) {
	srv := smtptest.NewServer(t)
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	_, port, err := net.SplitHostPort(srv.Addr())
	require.NoError(t, err)
	e := &sendmail.Env{Settings: &config.Settings{}, At: config.Address{Network: "tcp", Address: ":" + port}, Stdin: in, Stdout: out, Stderr: io.Discard}
	status := make(chan int)
	go func() { status <- e.Run(t.Context(), []string{"-bs"}) }()
	replies := bufio.NewReader(fromServer)
	for _, step := range [][2]string{{"", "220 "}, {"EHLO c.test", "250 "}, {"MAIL FROM:<a@a.test>", "250 "}, {"RCPT TO:<b@b.test>", "250 "}, {"DATA", "354 "}, {"Subject: s\r\n\r\nx\r\n.", "250 "}, {"QUIT", "221 "}} {
		if step[0] != "" {
			_, err := io.WriteString(toServer, step[0]+"\r\n")
			require.NoError(t, err)
		}
		for line := ""; !strings.HasPrefix(line, step[1]); {
			line, err = replies.ReadString('\n')
			require.NoError(t, err)
		}
	}
	require.Zero(t, <-status)
	require.NoError(t, in.Close())
	require.Equal(t, "Subject: s\r\n\r\nx\r\n", string(srv.Messages()[0].Data))
}

// Without a server the caller is to try again.
func TestNoServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	var errs strings.Builder
	e := &sendmail.Env{Settings: &config.Settings{MyHostname: "h.test", MyOrigin: "h.test"}, At: config.Address{Network: "tcp", Address: l.Addr().String()}, User: "an", Stdin: strings.NewReader("x\n"), Stderr: &errs}
	require.Equal(t, 75, e.Run(context.Background(), []string{"b@b.test"}))
	require.Contains(t, errs.String(), "sendmail: fatal: the server at "+l.Addr().String()+" can't be reached: ")
}
