package pipe_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue/pipe"
	"github.com/stretchr/testify/require"
)

func run(t *testing.T, c *pipe.Command, body io.Reader, to ...string) ([]mail.Result, error) {
	t.Helper()
	tx, err := c.To("lists.example").Begin(t.Context(), "a@example.org", &mail.MailOptions{})
	require.NoError(t, err)
	for _, a := range to {
		require.NoError(t, tx.Recipient(t.Context(), a, &mail.RcptOptions{}))
	}
	if err := tx.Body(t.Context(), body); err != nil {
		return nil, err
	}
	return tx.Commit(t.Context())
}

func shell(script string, args ...string) *pipe.Command {
	return &pipe.Command{Args: append([]string{"/bin/sh", "-c", strings.ReplaceAll(script, "$", "$$"), "sh"}, args...)}
}

func TestTakesTheMessage(t *testing.T) {
	dir := t.TempDir()
	c := shell(`cat > body; for a; do echo "$a" >> args; done`, "${sender}", "x-${nexthop}", "$recipient", "$(user)+${domain}", "$$(id)")
	c.Dir, c.ReturnPath, c.DeliveredTo = dir, true, true
	res, err := run(t, c, strings.NewReader("Subject: x\r\n\r\na\rb\r\nend"), "b@example.net", "${sender}@example.net")
	require.NoError(t, err)
	require.Len(t, res, 2)
	require.True(t, res[0].Reply.OK())
	require.Equal(t, "sh", res[0].Relay)
	body, err := os.ReadFile(filepath.Join(dir, "body"))
	require.NoError(t, err)
	require.Equal(t, "Return-Path: <a@example.org>\nDelivered-To: b@example.net\nSubject: x\n\na\rb\nend", string(body))
	args, err := os.ReadFile(filepath.Join(dir, "args"))
	require.NoError(t, err)
	require.Equal(t, "a@example.org\nx-lists.example\nb@example.net\n${sender}@example.net\n"+
		"b+example.net\n${sender}+example.net\n$(id)\n", string(args), "no shell and no macro comes from an address")
}

func TestVerdicts(t *testing.T) {
	for _, tt := range []struct{ script, want string }{
		{"exit 75", "451 4.3.0 temporary failure"},
		{"exit 67", "554 5.1.1 user unknown"},
		{"exit 77", "554 5.7.0 permission denied"},
		{"exit 71", "451 4.3.0 system resource problem"},
		{"exit 3", `554 5.3.0 Command died with status 3: "/bin/sh"`},
		{"echo 'mailbox  full' >&2; exit 73", "554 5.2.0 can't create user file. Command output: mailbox full"},
		{"echo '4.2.2 over quota'; exit 69", "451 4.2.2 service unavailable. Command output: over quota"},
		{"echo '2.0.0 fine'; exit 69", "554 5.3.0 service unavailable. Command output: 2.0.0 fine"},
		{"kill -9 $$", `451 4.3.0 Command died with signal 9: "/bin/sh"`},
		{"exit 0", "250 2.0.0 delivered via program"},
	} {
		res, err := run(t, shell(tt.script), strings.NewReader(strings.Repeat("x\r\n", 100000)), "b@example.net")
		require.NoError(t, err)
		require.Equal(t, tt.want, res[0].Reply.String(), tt.script)
	}
	res, err := run(t, &pipe.Command{Args: []string{"/nonexistent/program"}}, strings.NewReader(""), "b@example.net")
	require.NoError(t, err)
	require.Equal(t, "451 4.3.0 cannot run the program", res[0].Reply.String())
}

// A message that turns out to be damaged while it is read is not taken for a whole one.
func TestDamagedMessage(t *testing.T) {
	dir, bad := t.TempDir(), errors.New("damaged")
	c := shell("cat > part && mv part whole")
	c.Dir = dir
	_, err := run(t, c, io.MultiReader(strings.NewReader("Subject: x\r\n"), errReader{bad}), "b@example.net")
	require.ErrorIs(t, err, bad)
	require.NoFileExists(t, filepath.Join(dir, "whole"))
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

func TestTimeLimit(t *testing.T) {
	c := shell("sleep 1000 & sleep 1000")
	c.Timeout = 50 * time.Millisecond
	began := time.Now()
	res, err := run(t, c, strings.NewReader(""), "b@example.net")
	require.NoError(t, err)
	require.Equal(t, `451 4.3.0 Command time limit exceeded: "/bin/sh"`, res[0].Reply.String())
	require.Less(t, time.Since(began), time.Minute, "what it has started is killed as well")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tx, err := shell("exit 0").To("").Begin(ctx, "", &mail.MailOptions{})
	require.NoError(t, err)
	require.NoError(t, tx.Recipient(ctx, "b@example.net", &mail.RcptOptions{}))
	if err := tx.Body(ctx, strings.NewReader("")); err == nil {
		res, err := tx.Commit(ctx)
		require.NoError(t, err)
		require.True(t, res[0].Reply.Temporary())
	}
}

func TestOptionsInAddresses(t *testing.T) {
	d := shell("exit 0", "${recipient}").To("")
	_, err := d.Begin(t.Context(), "-oQ/tmp@example.org", &mail.MailOptions{})
	require.Error(t, err)
	tx, err := d.Begin(t.Context(), "", &mail.MailOptions{})
	require.NoError(t, err)
	require.Error(t, tx.Recipient(t.Context(), "--exec=x@example.net", &mail.RcptOptions{}))
	require.Error(t, tx.Body(t.Context(), strings.NewReader("")))
}

// What pipe(8) says of each flag.
func TestFlags(t *testing.T) {
	dir := t.TempDir()
	content := func(change func(*pipe.Command), body string, to ...string) (string, string) {
		os.Remove(filepath.Join(dir, "args"))
		c := shell(`cat > body; for a; do echo "$a" >> args; done`, "$sender", "$nexthop", "$recipient", "$mailbox/$user/$extension/$domain")
		c.Dir, c.Delimiters = dir, "+"
		change(c)
		tx, err := c.To("Lists.Example").Begin(t.Context(), "", &mail.MailOptions{})
		require.NoError(t, err)
		for _, a := range to {
			require.NoError(t, tx.Recipient(t.Context(), a, &mail.RcptOptions{OriginalRecipient: "rfc822;list@example.net"}))
		}
		require.NoError(t, tx.Body(t.Context(), strings.NewReader(body)))
		res, err := tx.Commit(t.Context())
		require.NoError(t, err)
		require.True(t, res[0].Reply.OK(), res[0].Reply.String())
		b, err := os.ReadFile(filepath.Join(dir, "body"))
		require.NoError(t, err)
		a, err := os.ReadFile(filepath.Join(dir, "args"))
		require.NoError(t, err)
		return string(b), string(a)
	}
	body, args := content(func(c *pipe.Command) { c.QuoteFrom, c.Dots, c.Blank = true, true, true }, "a: b\r\n\r\nFrom x\r\n.\r\n From y\r\n..z", `"A b+C"@Example.Net`)
	require.Equal(t, "a: b\n\n>From x\n..\n From y\n...z\n\n", body)
	require.Equal(t, "MAILER-DAEMON\nLists.Example\nA b+C@Example.Net\nA b+C/A b/C/Example.Net\n", args)
	_, args = content(func(c *pipe.Command) { c.Quote, c.LowerUser, c.LowerDomain, c.EmptySender = true, true, true, true }, "x", `"A b+C"@Example.Net`, "D@e")
	require.Equal(t, "\nlists.example\n\"a b+c\"@example.net\nd@e\na b+c/a b/c/example.net\nd/d//e\n", args)
	body, _ = content(func(c *pipe.Command) { c.From, c.ReturnPath, c.OriginalTo, c.DeliveredTo = true, true, true, true }, "x: "+strings.Repeat("y", 70000)+"\r\n", "d@e")
	require.Regexp(t, "^From MAILER-DAEMON  ... ... .. ..:..:.. 20..\nReturn-Path: <>\nX-Original-To: list@example.net\nDelivered-To: d@e\nx: y+\n$", body)
	require.Equal(t, 70000, strings.Count(body, "y"))
}

// RFC 5321 section 6.3: "simple counting of the number of Received: header fields" is one way to find loops; Delivered-To is the other.
func TestLoop(t *testing.T) {
	c := shell("cat >/dev/null")
	c.DeliveredTo = true
	for head, loops := range map[string]bool{"Subject: x\r\ndelivered-to:  B@Example.net \r\n\r\n": true, "Subject: x\r\n\r\nDelivered-To: b@example.net\r\n": false, "Delivered-To: c@example.net\r\n\r\n": false} {
		_, err := run(t, c, strings.NewReader(head), "b@example.net")
		if loops {
			require.EqualError(t, err, "554 5.4.6 mail forwarding loop for b@example.net")
		} else {
			require.NoError(t, err)
		}
	}
}

func TestCheck(t *testing.T) {
	for arg, want := range map[string]string{
		"$recipient$$x": "", "${nexthop}": "",
		"$client_address": `"$client_address": there is no macro "client_address" for a command; write $$ for a dollar sign`,
		"a${user":         `"a${user": a bracket is not closed`,
		"5$":              `"5$": there is no macro "" for a command; write $$ for a dollar sign`,
	} {
		err := (&pipe.Command{Args: []string{"/x", arg}}).Check()
		if want == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, want)
		}
	}
	require.NoError(t, (&pipe.Command{Args: []string{"/x", "$what ${ever"}, Plain: true}).Check())
	require.Error(t, (&pipe.Command{}).Check())
}

func TestSize(t *testing.T) {
	c := &pipe.Command{Args: []string{"/bin/x"}, MaxSize: 10}
	_, err := c.To("").Begin(t.Context(), "", &mail.MailOptions{Size: 11})
	require.EqualError(t, err, "552 5.3.4 message size 11 exceeds size limit 10 of x")
}
