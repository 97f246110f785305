//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/conformance/script"
)

// flagsFor are the arguments for a server that was started for the test.
func flagsFor(t *testing.T) (target *script.Target, args []string) {
	target = fullserver(t)
	for p, d := range target.Dial {
		c, err := d(t.Context())
		require.NoError(t, err)
		args = append(args, "-"+string(p), c.RemoteAddr().String())
		require.NoError(t, c.Close())
	}
	return target, append(args, "-user", target.User, "-pass", target.Password, "-to", target.To, "-insecure", "-lang", "en")
}

func conformance(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status, err := run(t.Context(), args, &out, &errs)
	if err != nil {
		errs.WriteString(err.Error())
	}
	return status, out.String(), errs.String()
}

func TestList(t *testing.T) {
	status, out, _ := conformance(t, "-list", "-lang", "en")
	require.Zero(t, status)
	require.GreaterOrEqual(t, strings.Count(out, "RFC "), 400)
	require.Regexp(t, `RFC 5321 section 4\.1\.1\.10 +MUST +smtp/session:`, out)
	status, out, _ = conformance(t, "-list", "-lang", "vi", "-only", "smtp/session.*4.1.1.10")
	require.Zero(t, status)
	require.Contains(t, out, "QUIT được trả lời 221, rồi máy chủ đóng kết nối")
	require.NotContains(t, out, "pop3/")
}

func TestArguments(t *testing.T) {
	for _, x := range []struct {
		args []string
		want string
	}{
		{nil, "no server"},
		{[]string{"-imap", "x"}, "need -user"},
		{[]string{"-smtp", "x", "-to", "a\r\nb"}, "no line ends"},
		{[]string{"-lang", "xx"}, "en or vi"},
		{[]string{"-only", "("}, "-only"},
		{[]string{"-list", "-only", "there is no such clause"}, "no clause is so"},
		{[]string{"-scripts", filepath.Join(t.TempDir(), "none"), "-list"}, "no clause is so"},
		{[]string{"-smtp", "x", "-ca", "/nothing"}, "no such file"},
		{[]string{"what"}, "unknown argument"},
		{[]string{"-nonsense"}, "not defined"},
		{[]string{"-smtp", "127.0.0.1:1", "-only", "smtp/session", "-timeout", "1s"}, ""}, // nobody is there: every clause says so
	} {
		status, _, stderr := conformance(t, x.args...)
		require.Contains(t, stderr, x.want, x.args)
		if x.want != "" {
			require.Equal(t, 2, status, x.args)
		}
	}
}

// Reports say the same in all forms, and the account is as it was before.
func TestReports(t *testing.T) {
	target, args := flagsFor(t)
	dir := t.TempDir()
	status, out, stderr := conformance(t, append(args, "-only", "smtp/data|imap/select|pop3/messages", "-json", dir+"/r.json", "-html", dir+"/r.html", "-junit", dir+"/r.xml")...)
	require.Zero(t, status, out+stderr)
	require.Contains(t, out, " 0 fail, ")

	b, err := os.ReadFile(dir + "/r.json")
	require.NoError(t, err)
	var j jsonReport
	require.NoError(t, json.Unmarshal(b, &j))
	require.Greater(t, len(j.Clauses), 30)
	require.NotEmpty(t, j.Clauses[0].Vi)

	b, err = os.ReadFile(dir + "/r.xml")
	require.NoError(t, err)
	var x junitSuites
	require.NoError(t, xml.Unmarshal(b, &x))
	n := 0
	for _, s := range x.Suites {
		n += s.Tests
		require.Zero(t, s.Failures)
	}
	require.Equal(t, len(j.Clauses), n)

	b, err = os.ReadFile(dir + "/r.html")
	require.NoError(t, err)
	require.Equal(t, len(j.Clauses)+1, strings.Count(string(b), "<tr>"))

	nothingLeft(t, target)
}

// A server that does what it must not fails the run, and what was said is there to be read, but for the password.
func TestFailure(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(dir+"/own", 0o755))
	require.NoError(t, os.WriteFile(dir+"/own/wrong.txt", []byte(`protocol: smtp
case: nobody says this
given: login
clause: MUST RFC 5321 section 4.2
"a sentence <b>&</b>"
vi: không ai nói thế
C: NOOP
S: 299
`), 0o644))
	_, args := flagsFor(t)
	status, out, _ := conformance(t, append(args, "-scripts", dir, "-v", "-html", dir+"/r.html", "-junit", dir+"/r.xml")...)
	require.Equal(t, 1, status)
	require.Contains(t, out, "own/wrong:4")
	require.Contains(t, out, "C: NOOP")
	require.Contains(t, out, "S: 250 2.0.0 Ok")
	require.NotContains(t, out, "AHVzZXIx") // the beginning of PLAIN's message in base64
	html, err := os.ReadFile(dir + "/r.html")
	require.NoError(t, err)
	require.Contains(t, string(html), "a sentence &lt;b&gt;&amp;&lt;/b&gt;")
}

// Interrupted in the middle of it, the program cleans up and says so.
func TestInterrupted(t *testing.T) {
	target, args := flagsFor(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for p, d := range target.Dial {
		target.Dial[p] = func(ctx context.Context) (net.Conn, error) {
			c, err := d(ctx)
			if p == script.IMAP {
				time.AfterFunc(20*time.Millisecond, cancel)
			}
			return c, err
		}
	}
	o, err := parseFlags(append(args, "-only", "imap/"), os.Stderr)
	require.NoError(t, err)
	cases, err := o.cases()
	require.NoError(t, err)
	r := o.play(ctx, target, cases, t.Output())
	require.True(t, r.Interrupted)
	require.Less(t, len(r.Results), 200)
	require.NoError(t, r.Cleaning)
	nothingLeft(t, target)
}

// nothingLeft looks for mailboxes and messages that are not the user's.
func nothingLeft(t *testing.T, target *script.Target) {
	c, err := target.Dial[script.IMAP](context.Background())
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = c.Write([]byte("a LOGIN " + target.User + " " + target.Password + "\r\nb LIST \"\" *\r\nc LSUB \"\" *\r\nd STATUS INBOX (MESSAGES)\r\ne LOGOUT\r\n"))
	require.NoError(t, err)
	said, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Contains(t, string(said), "d OK")
	require.Contains(t, string(said), "(MESSAGES 0)")
	require.NotContains(t, string(said), "script-")
}
