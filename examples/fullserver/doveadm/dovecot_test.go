package doveadm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/accounts"
	"github.com/buuta/mail/examples/fullserver/doveadm"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/maildir"
)

// backend makes mailboxes of users, each with the password secret.
func backend(t *testing.T, users ...string) doveadm.Backend {
	dir := t.TempDir()
	var lines strings.Builder
	for _, u := range users {
		fmt.Fprintf(&lines, "%s:{PLAIN}%s:::::/home/%s\n", u, peers.Password, u)
	}
	require.NoError(t, os.WriteFile(dir+"/users", []byte(lines.String()), 0o600))
	f, err := passwdfile.Open(dir+"/users", passwdfile.Options{Domain: "example.test"})
	require.NoError(t, err)
	path := func(account string) string {
		return filepath.Join(dir, "mail", strings.TrimSuffix(account, "@example.test"))
	}
	store := &maildir.Store{PathFunc: func(account string) (string, error) { return path(account), nil },
		QuotaFunc: func(_, mailbox string) maildir.Quota {
			if mailbox != "" {
				return maildir.Quota{}
			}
			return maildir.Quota{Storage: 1 << 20, Messages: 100}
		}}
	return doveadm.Backend{Store: store, Users: accounts.File{F: f}, Mechanisms: []string{"PLAIN"},
		Location: func(account string) (string, error) { return "maildir:" + path(account), nil },
		Open: func(location string) (mail.Store, error) {
			p, ok := strings.CutPrefix(location, "maildir:")
			if !ok {
				return nil, errors.New("not a Maildir")
			}
			return &maildir.Store{PathFunc: func(string) (string, error) { return p, nil }}, nil
		},
		Repair: func(ctx context.Context, account string, found func(mailbox, fault string)) error {
			_, err := store.Check(ctx, account, &maildir.CheckOptions{Repair: true, Found: func(f maildir.Fault) { found(f.Mailbox, f.String()) }})
			return err
		},
	}
}

// run runs a command line.
func run(b doveadm.Backend, stdin string, args ...string) (out, errs string, status int) {
	var stdout, stderr bytes.Buffer
	status = (&doveadm.Env{Backend: b, Stdin: strings.NewReader(stdin), Stdout: &stdout, Stderr: &stderr}).Run(context.Background(), args)
	return stdout.String(), stderr.String(), status
}

const (
	first  = "Subject: hello\nFrom: a@b\nDate: Mon, 2 Mar 2020 10:00:00 +0700\nMessage-ID: <1@x>\n\nbody one\n"
	second = "Subject: second\nFrom: c@d\nDate: Mon, 2 Mar 2021 10:00:00 +0700\nMessage-ID: <2@x>\n\nbody two\n"
	third  = "Subject: third\nX-Folded: a\n b\nX-Folded: c\nMessage-ID: <1@x>\n\nbody three\n"
)

// Each command is given to Debian's doveadm and to ours, on mailboxes of their own; what they print and how they end must be equal, but for the order of
// mailboxes, and for what only one of them can know.
func TestAsDovecot(t *testing.T) {
	const line = "doveadm"
	if _, err := exec.LookPath(line); err != nil && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	d := peers.Dovecot(t, "mail_plugins = quota\nplugin {\n quota = maildir:User quota\n quota_rule = *:storage=1M:messages=100\n}\n")
	ours := backend(t, "user1", "user2")
	for _, s := range []struct {
		words string // separated by "|"
		stdin string
		loose bool // only the status is Dovecot's
	}{
		{words: "mailbox|list|-u|user1"},
		{words: "mailbox|create|-u|user1|Sent|a|a/b|Đã gửi"},
		{words: "mailbox|create|-u|user1|Sent"},
		{words: "mailbox|create|-s|-u|user1|Subd"},
		{words: "mailbox|list|-u|user1"},
		{words: "mailbox|list|-s|-u|user1"},
		{words: "mailbox|list|-u|user1|S*|INBOX"},
		{words: "mailbox|list|-u|user1|%"},
		{words: "mailbox|list|-u|user1|a/%"},
		{words: "mailbox|list|-7|-u|user1"},
		{words: "-f|json|mailbox|list|-u|user1|INBOX"},
		{words: "save|-u|user1", stdin: first},
		{words: "save|-u|user1|-m|Sent", stdin: second},
		{words: "save|-u|user1", stdin: third},
		{words: "save|-u|user1|-m|NoBox", stdin: first},
		{words: "mailbox|status|-u|user1|messages unseen uidnext|*"},
		{words: "mailbox|status|-t|-u|user1|messages unseen|*"},
		{words: "mailbox|status|-u|user1|messages vsize guid|INBOX"},
		{words: "mailbox|status|-u|user1|bogus|INBOX"},
		{words: "-f|tab|mailbox|status|-u|user1|messages|INBOX"},
		{words: "search|-u|user1|all"},
		{words: "search|-u|user1|mailbox|INBOX|subject|hello"},
		{words: "search|-u|user1|mailbox|Sent|or|mailbox|INBOX|subject|hello"},
		{words: "search|-u|user1|(|mailbox|Sent|)|OR|(|subject|hello|)"},
		{words: "search|-u|user1|mailbox|Sent|OR|subject|third"},
		{words: "search|-u|user1|not|mailbox|Sent"},
		{words: "search|-u|user1|mailbox|S*"},
		{words: "search|-u|user1|mailbox|inbox|uid|2"},
		{words: "search|-u|user1|since|2021-01-01"},
		{words: "search|-u|user1|since|1hours"},
		{words: "search|-u|user1|before|1hours"},
		{words: "search|-u|user1|sentsince|2021-01-01"},
		{words: "search|-u|user1|mailbox|Sent|sentbefore|1-Jan-2022|unseen"},
		{words: "search|-u|user1|larger|1k"},
		{words: "search|-u|user1|smaller|1M|from|c@d"},
		{words: "search|-u|user1|header|message-id|<1@x>"},
		{words: "search|-u|user1|bogus"},
		{words: "search|-u|user1|mailbox|Nope|all"},
		{words: "-f|tab|search|-u|user1|all"},
		{words: "fetch|-u|user1|uid mailbox mailbox-guid|mailbox|INBOX"},
		{words: "fetch|-u|user1|hdr|mailbox|INBOX|uid|1"},
		{words: "fetch|-u|user1|hdr.subject hdr.from body|mailbox|INBOX"},
		{words: "fetch|-u|user1|text|mailbox|INBOX|uid|1"},
		{words: "fetch|-u|user1|mailbox seq uid size.virtual date.sent body.preview|mailbox|INBOX|uid|1"},
		{words: "fetch|-u|user1|bogus|mailbox|INBOX|uid|1", loose: true},
		{words: "-f|tab|fetch|-u|user1|uid hdr.subject|mailbox|INBOX"},
		{words: "-f|table|fetch|-u|user1|uid hdr.subject|mailbox|INBOX"},
		{words: "-f|flow|fetch|-u|user1|uid hdr.subject|mailbox|INBOX"},
		{words: "-f|json|fetch|-u|user1|uid hdr.subject|mailbox|INBOX"},
		{words: `flags|add|-u|user1|\Seen \Flagged kw|mailbox|INBOX|uid|1`},
		{words: `flags|remove|-u|user1|\Flagged|mailbox|INBOX|uid|1`},
		{words: `flags|replace|-u|user1|\Answered|mailbox|INBOX|uid|2`},
		{words: `flags|add|-u|user1|\Bogus|mailbox|INBOX|uid|1`},
		{words: "-f|tab|fetch|-u|user1|uid flags|mailbox|INBOX"},
		{words: "search|-u|user1|keyword|kw"},
		{words: "copy|-u|user1|Sent|mailbox|INBOX|uid|1"},
		{words: "move|-u|user1|Sent|mailbox|INBOX|uid|2"},
		{words: "move|-u|user1|Nope|mailbox|INBOX|uid|1"},
		{words: "mailbox|status|-u|user1|messages|*"},
		{words: "deduplicate|-u|user1|-m|mailbox|Sent"},
		{words: "mailbox|status|-u|user1|messages|*"},
		{words: "copy|-u|user2|INBOX|user|user1|mailbox|Sent"},
		{words: "-f|tab|fetch|-u|user2|uid hdr.subject|mailbox|INBOX"},
		{words: "expunge|-u|user1|subject|hello"},
		{words: "expunge|-u|user1|mailbox|Sent|subject|hello"},
		{words: "mailbox|status|-u|user1|messages|*"},
		{words: "mailbox|rename|-u|user1|a/b|c"},
		{words: "mailbox|rename|-u|user1|nope|d"},
		{words: "mailbox|subscribe|-u|user1|c"},
		{words: "mailbox|unsubscribe|-u|user1|Subd"},
		{words: "mailbox|list|-s|-u|user1"},
		{words: "mailbox|delete|-u|user1|c"},
		{words: "mailbox|delete|-u|user1|c"},
		{words: "-f|tab|quota|get|-u|user1", loose: true}, // what is counted of a root's name
		{words: "quota|recalc|-u|user1"},
		{words: "auth|test|user1|" + peers.Password, loose: true},
		{words: "auth|test|user1|wrong", loose: true},
		{words: "pw|-t|{PLAIN}x|-p|x"},
		{words: "pw|-t|{PLAIN}x|-p|y"},
		{words: "force-resync|-u|user1|INBOX"},
		{words: "index|-u|user1|INBOX"},
		{words: "mailbox|mutf7|Đã gửi"},
		{words: "mailbox|mutf7|-7|&ARAA4w- g&Hu0-i"},
		{words: "search|all", loose: true},
		{words: "nosuch", loose: true},
		{words: "mailbox", loose: true},
		{words: "fetch|-u|user1", loose: true},
		{words: "-f|bogus|who", loose: true},
	} {
		words := strings.Split(s.words, "|")
		var stdout, stderr bytes.Buffer
		cmd := exec.Command("doveadm", slices.Concat([]string{"-c", d.Dir + "/dovecot.conf"}, words)...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = strings.NewReader(s.stdin), &stdout, &stderr, []string{"PATH=" + os.Getenv("PATH")}
		status := 0
		if err := cmd.Run(); err != nil {
			exit, ok := errors.AsType[*exec.ExitError](err)
			require.True(t, ok, "%v", err)
			status = exit.ExitCode()
		}
		out, errs, ended := run(ours, s.stdin, words...)
		assert.Equal(t, status, ended, "%s: %s%s\nDovecot's: %s", s.words, out, errs, &stderr)
		if !s.loose {
			assert.Equal(t, same(stdout.String()), same(out), s.words)
			assert.Equal(t, same(stderr.String()), same(errs), s.words)
		}
	}
}

var guid = regexp.MustCompile(`[0-9a-f]{32}`)

// same makes what differs between two servers, and no more, alike: the order of lines, GUIDs, blanks at the ends of a table's lines.
func same(s string) string {
	s = strings.NewReplacer(`\Recent `, "", ` \Recent`, "").Replace(s) // a session of IMAP4rev2 has no such flag
	lines := strings.Split(guid.ReplaceAllString(s, "GUID"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	if !strings.Contains(s, "\f") {
		slices.Sort(lines)
	}
	return strings.Join(lines, "\n")
}
