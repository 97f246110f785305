package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// pty opens a terminal: who sits at it, and what a program has of it.
func pty(t *testing.T) (person, program *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	t.Cleanup(func() { master.Close() })
	unlock, number := 0, 0
	for request, p := range map[uintptr]*int{syscall.TIOCSPTLCK: &unlock, syscall.TIOCGPTN: &number} {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(unsafe.Pointer(p)))
		require.Zero(t, errno)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { slave.Close() })
	size := [4]uint16{60, 100}
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, slave.Fd(), syscall.TIOCSWINSZ, uintptr(unsafe.Pointer(&size)))
	require.Zero(t, errno)
	return master, slave
}

var ansi = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")

// Typed at a terminal, the textbook's exchange comes out to the letter; each line is explained, mail.log is shown, and the message can be
// fetched by POP3 in the same program.
func TestTalkAtATerminal(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	person, program := pty(t)
	var seen output
	go io.Copy(&seen, person)
	ended := make(chan int, 1)
	var stderr output
	go func() { ended <- run(t.Context(), []string{"talk", "-l", "en"}, program, program, &stderr) }()
	for _, step := range []struct{ typed, then string }{
		{"", "220 ubuntu.localdomain ESMTP Postfix (Ubuntu)"},
		{"helo trunghq.com", "250 ubuntu.localdomain\r\n"},
		{"MAIL FROM:trunghq@ubuntu.localdomain", "250 2.1.0 Ok"},
		{"?", "Name a recipient"},
		{"RCPT TO:haquoctrung@gmail.com", "250 2.1.5 Ok"},
		{"DATA", "354 End data with <CR><LF>.<CR><LF>"},
		{"Subject:Thu gui thu tu telnet", "Subject: what the message is about"},
		{"", ""},
		{"Day la mot buc thu gui tu telnet", "A line of the message's body"},
		{".", "250 2.0.0 Ok: queued as "},
		{"/log", ""},
		{"quit", "221 2.0.0 Bye"},
		{"/pop3", "+OK "},
		{"USER haquoctrung@gmail.com", "The name was taken down"},
		{"PASS secret", "Logged in"},
		{"/state", "TRANSACTION: the maildrop is open and locked\r\n"},
		{"/exit", ""},
	} {
		if step.typed != "" || step.then == "" {
			_, err := io.WriteString(person, step.typed+"\r")
			require.NoError(t, err)
		}
		seen.wait(t, step.then)
	}
	require.Zero(t, <-ended, stderr.String())
	text := ansi.ReplaceAllString(seen.String(), "")
	var server []string
	for line := range strings.SplitSeq(text, "\n") {
		if _, said, ok := strings.Cut(strings.TrimSpace(line), "S → C  "); ok && len(server) < 7 {
			server = append(server, said)
		}
	}
	require.Regexp(t, `^220 ubuntu\.localdomain ESMTP Postfix \(Ubuntu\)
250 ubuntu\.localdomain
250 2\.1\.0 Ok
250 2\.1\.5 Ok
354 End data with <CR><LF>\.<CR><LF>
250 2\.0\.0 Ok: queued as [0-9A-F]{6,}
221 2\.0\.0 Bye$`, strings.Join(server, "\n"))
	for _, want := range []string{"Angle brackets are missing: FROM:<trunghq@ubuntu.localdomain>", "[recipients]", "[queue ✉]", "client=localhost[127.0.0.1]"} {
		require.Contains(t, text, want)
	}
}

// From a pipe each line waits for the answer to the one before.
func TestTalkFromAPipe(t *testing.T) {
	var out, stderr output
	in := strings.NewReader("a1 LOGIN haquoctrung@gmail.com secret\na2 SELECT INBOX\nLIST\na3 LOGOUT\n")
	require.Zero(t, run(t.Context(), []string{"talk", "-l", "vi", "-plain", "imap"}, in, &out, &stderr), stderr.String())
	text := out.String()
	for _, want := range []string{"Máy chủ nói trước", "C → S  a1 LOGIN haquoctrung@gmail.com ••••••", "Đã đăng nhập.", "Lúc này trong hộp có 0 thư.", "Thiếu thẻ.", "Tạm biệt."} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "\x1b")
}

// Bad arguments change nothing and say what is right.
func TestArguments(t *testing.T) {
	for args, want := range map[string]string{
		"talk smtp pop3":       "dialogue talk: one protocol at a time (-h tells more)\n",
		"talk ftp":             `dialogue talk: "ftp" is none of [smtp lmtp pop3 pop2 imap] (-h tells more)` + "\n",
		"talk -tls":            "dialogue talk: the built-in servers begin without TLS; type STARTTLS, or STLS (-h tells more)\n",
		"play -l fr":           `dialogue play: -l is en or vi, not "fr" (-h tells more)` + "\n",
		"watch -to mailserver": "dialogue watch: -to mailserver: a host and a port, such as mail.example.org:25 (-h tells more)\n",
		"sing":                 `dialogue: "sing" is not a command; there are play, talk and watch` + "\n",
	} {
		var out, stderr output
		require.Equal(t, 2, run(t.Context(), strings.Fields(args), strings.NewReader(""), &out, &stderr), args)
		require.Equal(t, want, stderr.String())
		require.Empty(t, out.String())
	}
}
