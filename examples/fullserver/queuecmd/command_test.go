package queuecmd_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/queuecmd"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// list is a queue that has what a test says, for what is printed of it.
type list struct {
	queuecmd.Queue
	entries []queue.Entry
}

func (l list) List(_ context.Context, f queue.Filter) iter.Seq2[queue.Entry, error] {
	return func(yield func(queue.Entry, error) bool) {
		for _, e := range l.entries {
			if len(f.States) > 0 && f.States[0] != e.State {
				continue
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func run(q queuecmd.Queue, stdin string, words ...string) (status int, stdout, stderr string) {
	var out, errs strings.Builder
	e := &queuecmd.Env{Queue: q, Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Now: func() time.Time { return at.Add(13 * time.Minute) }}
	status = e.Run(context.Background(), words[0], words[1:])
	return status, out.String(), errs.String()
}

var at = time.Date(2026, 11, 26, 14, 30, 39, 0, time.Local)

func entry(id string, state queue.State, from string, size int64, to ...string) queue.Entry {
	m := &queue.Message{ID: id, From: from, Size: size, Arrived: at}
	for _, a := range to {
		m.Recipients = append(m.Recipients, queue.Recipient{Address: a, State: queue.Pending,
			Last: queue.Attempt{Time: at, Detail: "connect to 127.0.0.1[127.0.0.1]:9: Connection refused"}})
	}
	return queue.Entry{Message: m, ID: id, State: state}
}

// What Postfix 3.7 printed of such a queue.
func TestMailqIsPostfixs(t *testing.T) {
	held := entry("8627FACC12D", queue.Held, "s2@a.test", 367, "r2@b.test", "q@c.test")
	expired := entry("6E037ACD1CA", queue.Deferred, "s2@a.test", 418, "r2@b.test")
	expired.Message.Order.Expire = true
	fresh := entry("7F7D7ACD239", queue.Active, "s3@a.test", 418, "r3@b.test")
	fresh.Message.Recipients[0].Last = queue.Attempt{}
	done := entry("56014ACCD2F", queue.Deferred, "s1@a.test", 418, "r1@b.test", "second.very.long.recipient.address@subdomain.c.example.test", "done@b.test")
	done.Message.Recipients[2].State = queue.Delivered
	q := list{entries: []queue.Entry{
		entry("8D006ACD498", queue.Deferred, "", 390, "x@b.test"), done, held, expired, fresh, {ID: "BAD", State: queue.Corrupt},
	}}
	const want = `-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------
8D006ACD498     390 Thu Nov 26 14:30:39  MAILER-DAEMON
                       (connect to 127.0.0.1[127.0.0.1]:9: Connection refused)
                                         x@b.test

56014ACCD2F     418 Thu Nov 26 14:30:39  s1@a.test
                       (connect to 127.0.0.1[127.0.0.1]:9: Connection refused)
                                         r1@b.test
                                         second.very.long.recipient.address@subdomain.c.example.test

8627FACC12D!     367 Thu Nov 26 14:30:39  s2@a.test
                       (connect to 127.0.0.1[127.0.0.1]:9: Connection refused)
                                         r2@b.test
                                         q@c.test

6E037ACD1CA#     418 Thu Nov 26 14:30:39  s2@a.test
                       (connect to 127.0.0.1[127.0.0.1]:9: Connection refused)
                                         r2@b.test

7F7D7ACD239*     418 Thu Nov 26 14:30:39  s3@a.test
                                         r3@b.test

-- 1 Kbytes in 5 Requests.
`
	for _, words := range [][]string{{"mailq"}, {"postqueue", "-p"}} {
		status, out, errs := run(q, "", words...)
		require.Zero(t, status)
		require.Empty(t, errs)
		require.Equal(t, want, out)
	}
	_, out, _ := run(list{}, "", "mailq")
	require.Equal(t, "Mail queue is empty\n", out)
	_, out, _ = run(list{entries: []queue.Entry{entry("4WxYz13bGkz1HcKr", queue.Deferred, "s9@a.test", 1367, "r@b.test")}}, "", "mailq")
	require.Equal(t, `----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------
4WxYz13bGkz1HcKr      1367 Thu Nov 26 14:30:39 s9@a.test
                       (connect to 127.0.0.1[127.0.0.1]:9: Connection refused)
                                               r@b.test

-- 1 Kbytes in 1 Request.
`, out)
}

func TestPostqueueJSON(t *testing.T) {
	_, out, _ := run(list{entries: []queue.Entry{entry("8D006ACD498", queue.Deferred, "a@a.test", 390, "x@b.test"), {ID: "BAD", State: queue.Corrupt}}}, "", "postqueue", "-j")
	require.Equal(t, 1, strings.Count(out, "\n"))
	require.Contains(t, out, `{"queue_name":"deferred","queue_id":"8D006ACD498","arrival_time":`)
	require.Contains(t, out, `"recipients":[{"address":"x@b.test","delay_reason":"connect to 127.0.0.1[127.0.0.1]:9: Connection refused",`)
}

func TestQshapeIsPostfixs(t *testing.T) {
	old := entry("1", queue.Deferred, "s@sub.a.test", 1, "x@B.test")
	old.Message.Arrived = at.Add(-72 * time.Hour)
	q := list{entries: []queue.Entry{old, entry("2", queue.Deferred, "", 1, "x@b.test", "y@b.test", "z@c.test"), entry("3", queue.Held, "", 1, "x@d.test")}}
	for words, want := range map[string]string{
		"qshape deferred": `                                         T  5 10 20 40 80 160 320 640 1280 1280+
                                  TOTAL  4  0  0  3  0  0   0   0   0    0     1
                                 b.test  3  0  0  2  0  0   0   0   0    0     1
                                 c.test  1  0  0  1  0  0   0   0   0    0     0
`,
		"qshape -s -p -b 3 -t 10 deferred": `                                         T 10 20 20+
                                  TOTAL  2  0  1   1
                                .a.test  1  0  0   1
                                  .test  1  0  0   1
                          MAILER-DAEMON  1  0  1   0
                             sub.a.test  1  0  0   1
`,
		"qshape -l -b 4 -t 5 -n 2 deferred": `                                         T  5 10 15 15+
                                  TOTAL  4  0  0  3   1
                                 b.test  3  0  0  2   1
`,
		"qshape": `                                         T  5 10 20 40 80 160 320 640 1280 1280+
                                  TOTAL  0  0  0  0  0  0   0   0   0    0     0
`,
	} {
		status, out, errs := run(q, "", strings.Fields(words)...)
		require.Zero(t, status, errs)
		require.Equal(t, want, out, words)
	}
}

// spooled is a queue on disk with n messages that wait, the IDs of those, and its folder.
func spooled(t *testing.T, n int) (q *queue.Queue, ids []string, dir string) {
	dir = t.TempDir() + "/queue"
	q = &queue.Queue{Dir: dir, Hostname: "m.example.test", Transports: map[string]*queue.Transport{"smtp": {Deliverer: func(string) mail.Deliverer {
		return mail.DelivererFunc(func(context.Context, *mail.Envelope, io.Reader) error {
			return mail.NewReply(450, mail.EnhancedCode{4, 2, 0}, "come back later")
		})
	}}}}
	t.Cleanup(func() { _ = q.Close() })
	ctx := t.Context()
	for i := range n {
		tx, err := q.Begin(ctx, fmt.Sprintf("s%d@a.test", i), &mail.MailOptions{EnvelopeID: "env"})
		require.NoError(t, err)
		require.NoError(t, tx.Recipient(ctx, "x@b.test", &mail.RcptOptions{OriginalRecipient: "rfc822;y@b.test"}))
		require.NoError(t, tx.Body(ctx, strings.NewReader("Subject: hello\r\nX: "+strings.Repeat("long", 30000)+"\r\n\r\nbody\r\n\r\nmore\r\n")))
		_, err = tx.Commit(ctx)
		require.NoError(t, err)
		ids = append(ids, tx.(*queue.Transaction).ID())
	}
	return q, ids, dir
}

func states(t *testing.T, q queuecmd.Queue) map[string]queue.State {
	out := map[string]queue.State{}
	for e, err := range q.List(t.Context(), queue.Filter{}) {
		require.NoError(t, err)
		out[e.ID] = e.State
	}
	return out
}

// What Postfix 3.7's postsuper says, and what it does.
func TestPostsuper(t *testing.T) {
	q, ids, _ := spooled(t, 4)
	for _, c := range []struct {
		words, stdin, says string
		status             int
	}{
		{"-h " + ids[0], "", "postsuper: " + ids[0] + ": placed on hold\npostsuper: Placed on hold: 1 message\n", 0},
		{"-h " + ids[0], "", "postsuper: Placed on hold: 0 messages\n", 0},
		{"-h NOSUCH", "", "postsuper: Placed on hold: 0 messages\n", 0},
		{"-H " + ids[0], "", "postsuper: " + ids[0] + ": released from hold\npostsuper: Released from hold: 1 message\n", 0},
		{"-h ALL", "", "postsuper: Placed on hold: 4 messages\n", 0},
		{"-H ALL deferred", "", "postsuper: Released from hold: 0 messages\n", 0},
		{"-r " + ids[1], "", "postsuper: " + ids[1] + ": requeued\npostsuper: Requeued: 1 message\n", 0},
		{"-f " + ids[2], "", "postsuper: " + ids[2] + ": expired\npostsuper: Force-expired: 1 message\npostsuper: " + ids[2] + ": released from hold\npostsuper: Released from hold: 1 message\n", 0},
		{"-d -", ids[0] + "\nNOSUCH\n../../etc/passwd\n" + ids[1], "postsuper: " + ids[0] + ": removed\npostsuper: " + ids[1] + ": removed\npostsuper: Deleted: 2 messages\n", 0},
		{"-d ../x", "", "postsuper: fatal: invalid queue id: \"../x\"; an ID, ALL or - is wanted\n", 1},
		{"-d ALL corrupt", "", "postsuper: fatal: there is no queue \"corrupt\"; there are incoming, active, deferred and hold\n", 1},
		{"-s -p", "", "", 0},
	} {
		status, out, errs := run(q, c.stdin, append([]string{"postsuper"}, strings.Fields(c.words)...)...)
		require.Equal(t, c.says, errs, c.words)
		require.Empty(t, out)
		require.Equal(t, c.status, status, c.words)
	}
	require.Equal(t, map[string]queue.State{ids[2]: queue.Incoming, ids[3]: queue.Held}, states(t, q))
	status, _, errs := run(q, "", "postsuper", "-x")
	require.Equal(t, 1, status)
	require.Contains(t, errs, "postsuper: fatal: usage: postsuper [-d queue_id (delete)]")
	_, _, errs = run(q, "", "postsuper", "-d", "ALL")
	require.Equal(t, "postsuper: Deleted: 2 messages\n", errs)
}

func TestPostqueue(t *testing.T) {
	q, ids, _ := spooled(t, 1)
	for words, says := range map[string]string{
		"-i BADID!!":    "postqueue: fatal: Cannot flush queue ID - invalid name: \"BADID!!\"\n",
		"-i NOSUCH":     "postqueue: fatal: Cannot flush queue ID NOSUCH: it is not in the queue\n",
		"-i " + ids[0]:  "",
		"-s b.test":     "",
		"-f":            "",
		"":              "postqueue: fatal: usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site\n",
		"-f -p":         "postqueue: fatal: usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site\n",
		"-c /etc -f -v": "",
	} {
		_, out, errs := run(q, "", append([]string{"postqueue"}, strings.Fields(words)...)...)
		require.Equal(t, says, errs, words)
		require.Empty(t, out)
	}
}

func TestPostcat(t *testing.T) {
	q, ids, _ := spooled(t, 1)
	id := ids[0]
	_, all, _ := run(q, "", "postcat", "-q", id)
	header := "Subject: hello\nX: " + strings.Repeat("long", 30000) + "\n"
	body := "\nbody\n\nmore\n"
	state := string(states(t, q)[id])
	require.Regexp(t, `^\*\*\* ENVELOPE RECORDS `+state+"/"+id+` \*\*\*
message_size: +\d+ +0 +1 +0 +\d+ +0
message_arrival_time: .*
create_time: .*
named_attribute: log_ident=`+id+`
sender: s0@a.test
named_attribute: envelope_id=env
named_attribute: dsn_orig_rcpt=rfc822;y@b.test
original_recipient: y@b.test
recipient: x@b.test
\*\*\* MESSAGE CONTENTS `, all)
	require.Contains(t, all, " ***\n"+header+body+"*** HEADER EXTRACTED "+state+"/"+id+" ***\n*** MESSAGE FILE END "+state+"/"+id+" ***\n")
	for words, want := range map[string]string{"-hq": header, "-bq": body, "-bhq": header + body} {
		_, out, _ := run(q, "", "postcat", words, id)
		require.Equal(t, want, out, words)
	}
	status, out, errs := run(q, "", "postcat", "-q", "NOPE")
	require.Equal(t, []any{1, "", "postcat: fatal: open queue file NOPE: No such file or directory\n"}, []any{status, out, errs})
	_, _, errs = run(q, "", "postcat", "/var/spool/postfix/deferred/x")
	require.Equal(t, "postcat: fatal: files are not read by name: use -q with the IDs that mailq tells\n", errs)
}

// The running server does what it is told over its socket, which nobody else may open; without one the spool is worked on as it lies there.
func TestOverSocketAndStopped(t *testing.T) {
	q, ids, dir := spooled(t, 2)
	data := filepath.Dir(dir)
	do := func(stdin string, words ...string) (int, string, string) {
		var out, errs strings.Builder
		status := queuecmd.Run(t.Context(), data, dir, words[0], words[1:], strings.NewReader(stdin), &out, &errs)
		return status, out.String(), errs.String()
	}
	status, _, errs := do("", "mailq")
	require.Equal(t, 69, status, "a server works on it, and has no socket")
	require.Contains(t, errs, "mailq: fatal: a server works on "+dir+" that does not listen on "+data+"/control")

	l, err := queuecmd.Listen(data + "/control")
	require.NoError(t, err)
	info, err := os.Stat(data + "/control")
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	_, err = queuecmd.Listen(data + "/control")
	require.ErrorContains(t, err, "a server is listening there already")
	srv := &http.Server{Handler: queuecmd.Handler(q)}
	served := make(chan error)
	go func() { served <- srv.Serve(l) }()
	_, out, _ := do("", "mailq")
	require.Contains(t, out, "Kbytes in 2 Requests.")
	status, out, errs = do(ids[0]+"\n", "postsuper", "-h", "-")
	require.Equal(t, []any{0, "", "postsuper: " + ids[0] + ": placed on hold\npostsuper: Placed on hold: 1 message\n"}, []any{status, out, errs})
	status, _, errs = do("", "postqueue", "-i", "!\n")
	require.Equal(t, 69, status)
	require.Equal(t, "postqueue: fatal: Cannot flush queue ID - invalid name: \"!?\"\n", errs)
	require.NoError(t, srv.Close())
	require.ErrorIs(t, <-served, http.ErrServerClosed)
	require.NoError(t, q.Close())

	status, _, errs = do(ids[0]+"\n", "postsuper", "-H", "-")
	require.Zero(t, status)
	require.Equal(t, "postsuper: "+ids[0]+": released from hold\npostsuper: Released from hold: 1 message\n", errs)
	_, out, _ = do("", "mailq")
	require.Contains(t, out, "Kbytes in 2 Requests.")
	_, _, errs = do("", "postsuper", "-d", "ALL")
	require.Equal(t, "postsuper: Deleted: 2 messages\n", errs)
	_, out, _ = do("", "mailq")
	require.Equal(t, "Mail queue is empty\n", out)
}
