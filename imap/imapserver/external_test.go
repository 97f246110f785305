package imapserver_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// program returns the path of a program that we did not write. A test that lacks it is skipped, but not where CI=true.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing", name)
		}
		t.Skipf("%s is missing", name)
	}
	return path
}

func runProgram(t *testing.T, path string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = time.Second // what it has started may hold its output open
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

const imaplibScript = `
import imaplib, sys, time
host, port = sys.argv[1].rsplit(":", 1)
m = imaplib.IMAP4(host, int(port))
assert "IDLE" in m.capabilities, m.capabilities
m.authenticate("PLAIN", lambda _: b"\0alice\0secret")
assert "UIDPLUS" in m.capability()[1][0].decode()
def ok(r):
    assert r[0] == "OK", r
    return r[1]
ok(m.create("Archive/2026"))
ok(m.subscribe("Archive/2026"))
assert any(b"Archive/2026" in l for l in ok(m.list())), m.list()
assert any(b"Archive/2026" in l for l in ok(m.lsub()))
body = b"Subject: Xin chao\r\nFrom: a@example.test\r\n\r\n" + b"line\r\n" * 2000
r = ok(m.append("Archive/2026", r"(\Flagged)", imaplib.Time2Internaldate(1700000000), body))
assert b"APPENDUID" in r[0], r
assert ok(m.select("Archive/2026")) == [b"1"]
d = ok(m.fetch("1", "(UID FLAGS INTERNALDATE RFC822)"))
assert d[0][1] == body, d
assert b"\\Flagged" in d[0][0] or b"\\Flagged" in d[1], d
ok(m.store("1", "+FLAGS", r"(\Deleted $Junk)"))
assert ok(m.search(None, "DELETED", "SUBJECT", '"xin CHAO"')) == [b"1"]
assert ok(m.search("UTF-8", "KEYWORD", "$Junk")) == [b"1"]
assert ok(m.uid("SEARCH", "UNDELETED")) == [b""]
ok(m.copy("1", "INBOX"))
ok(m.expunge())
assert ok(m.status("INBOX", "(MESSAGES UIDNEXT UNSEEN)"))[0].startswith(b'INBOX (MESSAGES 1 UIDNEXT 2')
ok(m.rename("Archive/2026", "Old"))
ok(m.close())
ok(m.delete("Old"))
assert ok(m.namespace())
assert m.logout()[0] == "BYE"
print("done")
`

func TestPythonImaplib(t *testing.T) {
	python := program(t, "python3")
	f := newFixture(t, nil)
	require.Contains(t, runProgram(t, python, "-c", imaplibScript, f.addr), "done")
}

func TestCurl(t *testing.T) {
	curl := program(t, "curl")
	f := newFixture(t, nil)
	f.add("INBOX", simple)
	url := "imap://" + f.addr + "/"
	run := func(args ...string) string {
		return runProgram(t, curl, append([]string{"-sS", "-u", "alice:secret"}, args...)...)
	}
	require.Contains(t, run(url), `* LIST (\HasNoChildren) "/" INBOX`)
	require.Equal(t, strings.ReplaceAll(simple, "\n", "\r\n"), run(url+"INBOX;MAILINDEX=1"))
	require.Contains(t, run(url+"INBOX;UID=1;SECTION=HEADER.FIELDS%20(SUBJECT)"), "Subject: afternoon meeting")
	require.Contains(t, run(url+"INBOX?SUBJECT%20meeting"), "* SEARCH 1")
	file := t.TempDir() + "/m"
	require.NoError(t, os.WriteFile(file, []byte("Subject: by curl\r\n\r\nHi\r\n"), 0o600))
	run("-T", file, url+"INBOX")
	require.Equal(t, "Subject: by curl\r\n\r\nHi\r\n", run(url+"INBOX;MAILINDEX=2"))
	require.Contains(t, run("-X", "STATUS INBOX (MESSAGES)", url), "MESSAGES 2")
}
