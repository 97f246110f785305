// Package guides_test compiles and runs what the guides show.
package guides_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

// build makes what the guide shows, a program or a test, as a package of this module, and returns its file.
func build(t *testing.T, guide string) string {
	t.Helper()
	text, err := os.ReadFile(guide + ".md")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(text), "\n```go\n")
	require.True(t, ok, "%s shows code", guide)
	code, rest, ok := strings.Cut(rest, "\n```\n")
	require.True(t, ok)
	require.NotContains(t, rest, "\n```go\n", "one block a guide: it is whole")
	top, err := filepath.Abs("../..")
	require.NoError(t, err)
	tmp := t.TempDir()
	name, args := "main.go", []string{"build"}
	if strings.Contains(code, "_test\n") {
		name, args = "main_test.go", []string{"test", "-c", "-vet=off"} // vet wants the folder itself
	}
	source, overlay, out := filepath.Join(tmp, name), filepath.Join(tmp, "overlay.json"), filepath.Join(tmp, guide)
	require.NoError(t, os.WriteFile(source, []byte(code+"\n"), 0o600))
	gofmt, err := exec.Command("gofmt", "-l", source).CombinedOutput()
	require.NoError(t, err)
	require.Empty(t, string(gofmt), "gofmt wants the code of %s otherwise", guide)
	dir := "guide_" + guide
	list, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(top, dir, name): source}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, list, 0o600))
	cmd := exec.Command("go", append(args, "-overlay", overlay, "-o", out, "./"+dir)...)
	cmd.Dir = top
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, string(said))
	return out
}

// Every guide is there in Vietnamese too, with the same code; both say where the other is, and the indexes list them.
func TestVietnamese(t *testing.T) {
	read := func(file string) string {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		return string(text)
	}
	code := func(text string) string {
		_, rest, _ := strings.Cut(text, "\n```go\n")
		code, _, ok := strings.Cut(rest, "\n```\n")
		require.True(t, ok)
		return code
	}
	files, err := filepath.Glob("*.md")
	require.NoError(t, err)
	n := 0
	for _, file := range files {
		guide, vi := strings.TrimSuffix(file, ".md"), strings.TrimSuffix(file, ".md")+".vi.md"
		if guide == "README" || strings.HasSuffix(guide, ".vi") {
			continue
		}
		n++
		en, other := read(file), read(vi)
		require.Equal(t, code(en), code(other), vi)
		require.Contains(t, en, "]("+vi+")")
		require.Contains(t, other, "]("+file+")")
		require.Equal(t, strings.Count(en, "\n## "), strings.Count(other, "\n## "), vi)
		require.GreaterOrEqual(t, strings.Count(other, "\n- "), strings.Count(en, "\n- "), vi)
		require.Contains(t, read("README.md"), "]("+file+")")
		require.Contains(t, read("README.vi.md"), "]("+vi+")")
	}
	require.Equal(t, 2*n+2, len(files))
}

// run runs a program with an environment, and returns what it shows.
func run(t *testing.T, program string, env ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestSend(t *testing.T) {
	program := build(t, "send")
	srv := smtptest.NewServer(t)
	out, err := run(t, program, "SMTP_SERVER="+srv.Addr())
	require.NoError(t, err, out)
	sent := srv.Messages()
	require.Len(t, sent, 1)
	require.Equal(t, "an@example.test", sent[0].From)
	require.Equal(t, "binh@example.test", sent[0].Recipients[0].Address)
	m, err := mime.Read(strings.NewReader(string(sent[0].Data)))
	require.NoError(t, err)
	require.Equal(t, "Hóa đơn tháng 11", m.Subject)
	require.Contains(t, m.HTML, "<p>Chào Bình,")
	require.Len(t, m.Attachments, 1)
	require.Equal(t, "hóa-đơn.txt", m.Attachments[0].Filename)

	// It tells for good from not now.
	for code, want := range map[int]string{550: "refused for good", 451: "not sent"} {
		srv.Fail(smtptest.Fault{Stage: smtptest.Recipient, Times: 1, Reply: smtp.NewReply(code, smtp.EnhancedCode{code / 100, 1, 1}, "No")})
		out, err := run(t, program, "SMTP_SERVER="+srv.Addr())
		require.Error(t, err)
		require.Contains(t, out, want)
	}
}

func TestReceive(t *testing.T) {
	cmd := exec.Command(build(t, "receive"))
	cmd.Env = append(os.Environ(), "LISTEN=127.0.0.1:0")
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	var out strings.Builder
	cmd.Stdout = &out
	require.NoError(t, cmd.Start())
	kill := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	line, err := bufio.NewReader(stderr).ReadString('\n')
	require.NoError(t, err)
	_, addr, ok := strings.Cut(strings.TrimSpace(line), "listening at ")
	require.True(t, ok, line)
	m := mime.Builder{From: []mime.Address{{Mailbox: "binh", Host: "example.test"}}, To: []mime.Address{{Mailbox: "tickets", Host: "example.test"}},
		Subject: "Máy in hỏng", Text: "Cứu với.\n", Attachments: []mime.File{{Filename: "anh.txt", Content: strings.NewReader("hình")}}}
	var text strings.Builder
	_, err = m.WriteTo(&text)
	require.NoError(t, err)
	send := func(to string) error {
		return smtp.Send(t.Context(), addr, nil, "binh@example.test", []string{to}, strings.NewReader(text.String()))
	}
	require.ErrorContains(t, send("nobody@example.test"), "there is only tickets@example.test here")
	require.NoError(t, send("Tickets@example.test"))
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, cmd.Wait())
	require.Contains(t, out.String(), "ticket from binh@example.test: Máy in hỏng\nCứu với.")
	require.Contains(t, out.String(), "with anh.txt, 5 octets of text/plain\n")
}

func TestSync(t *testing.T) {
	srv := imaptest.NewServer(t)
	srv.Add("INBOX", "Subject: one\n\n", "Subject: two\n\n")
	out, err := run(t, build(t, "sync"), "IMAP_SERVER="+srv.Addr(), "IMAP_USER="+imaptest.Username, "IMAP_PASSWORD="+imaptest.Password)
	require.NoError(t, err, out)
	require.Equal(t, "1 []\n2 []\n1 [\\Seen] false\n2 [] false\n", out)
}

func TestTest(t *testing.T) {
	out, err := run(t, build(t, "test"))
	require.NoError(t, err, out)
	require.True(t, strings.HasSuffix(out, "PASS\n"), out)
}

func TestStore(t *testing.T) {
	out, err := run(t, build(t, "store"))
	require.NoError(t, err, out)
	require.True(t, strings.HasSuffix(out, "PASS\n"), out)
}
