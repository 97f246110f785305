package takeover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// What postcat 3.7 prints of a message of which one recipient has got it.
const envelope = `*** ENVELOPE RECORDS deferred/3/318F49B618E ***
message_size:             269             374               3              12             269               1
message_arrival_time: Fri Nov 27 08:23:26 2026
create_time: Fri Nov 27 08:23:27 2026
named_attribute: envelope_id=envid+2B1
named_attribute: ret_flags=2
named_attribute: encoding=8bit
named_attribute: rewrite_context=local
sender_fullname: root
sender: s@old.example
named_attribute: notify_flags=6
named_attribute: dsn_orig_rcpt=rfc822;one+2B@b.example
original_recipient: one+@b.example
recipient: one@b.example
named_attribute: notify_flags=1
done_recipient: got@b.example
recipient: two@c.example
*** MESSAGE CONTENTS deferred/3/318F49B618E ***
*** HEADER EXTRACTED deferred/3/318F49B618E ***
*** MESSAGE FILE END deferred/3/318F49B618E ***
`

func TestEnvelope(t *testing.T) {
	m, err := parseEnvelope([]byte(envelope))
	require.NoError(t, err)
	require.Equal(t, "s@old.example", m.From)
	require.Equal(t, mail.MailOptions{EnvelopeID: "envid+1", Return: mail.ReturnHeaders, Body: mail.Body8BitMIME, UTF8: true}, m.Options)
	require.Equal(t, []queue.Recipient{
		{Address: "one@b.example", Options: mail.RcptOptions{Notify: mail.NotifySuccess | mail.NotifyFailure, OriginalRecipient: "rfc822;one+@b.example"}, State: queue.Pending},
		{Address: "two@c.example", State: queue.Pending},
	}, m.Recipients)

	m, err = parseEnvelope([]byte("sender: \nrecipient: a@b.example\n"))
	require.NoError(t, err)
	require.Empty(t, m.From)
	for _, bad := range []string{"", "recipient: a@b.example\n", "sender: a\nrecipient: \n"} {
		_, err := parseEnvelope([]byte(bad))
		require.Error(t, err, bad)
	}
	for _, id := range []string{"", "-d", "../x", "A B"} {
		_, err := parseQueue(fmt.Appendf(nil, `{"queue_name":"hold","queue_id":%q}`, id))
		require.Error(t, err, id)
	}
	require.Equal(t, "envid+2B1", xtext(unxtext("envid+2B1")))
}

// machine is a Postfix and a Dovecot that only write down what is asked of them.
type machine struct {
	queue  map[string]string // id and queue
	log    []string
	sent   []string
	broken string // a command that fails
}

func (m *machine) run(_ context.Context, stdin io.Reader, name string, args ...string) ([]byte, error) {
	line := strings.Join(append([]string{name}, args...), " ")
	m.log = append(m.log, line)
	if m.broken != "" && strings.HasPrefix(line, m.broken) {
		return nil, errors.New("broken")
	}
	switch {
	case name == "postqueue" && args[len(args)-1] == "-j":
		var b bytes.Buffer
		for _, id := range []string{"A1", "B2", "C3"} {
			if q := m.queue[id]; q != "" {
				fmt.Fprintf(&b, "{\"queue_name\": %q, \"queue_id\": %q, \"arrival_time\": 7, \"message_size\": 5}\n", q, id)
			}
		}
		return b.Bytes(), nil
	case name == "postcat" && strings.Contains(line, " -e "):
		return []byte(envelope), nil
	case name == "postcat":
		return []byte("Subject: " + args[len(args)-1] + "\n\n.\nend\n"), nil
	case name == "postsuper":
		text, _ := io.ReadAll(stdin)
		for id := range strings.FieldsSeq(string(text)) {
			if m.queue[id] != "" { // as it is where the log is a file that it may not write
				delete(m.queue, id)
				return nil, errors.New("it can't open its log")
			}
		}
	case name == "sendmail":
		text, _ := io.ReadAll(stdin)
		m.sent = append(m.sent, strings.Join(args, " ")+"\n"+string(text))
	}
	return nil, nil
}

func TestQueueThereAndBack(t *testing.T) {
	ctx := t.Context()
	pf := &machine{queue: map[string]string{"A1": "deferred", "B2": "hold", "C3": "maildrop"}}
	old := &oldQueue{"/etc/postfix", pf.run}
	s := &queue.Spool{Dir: t.TempDir()}
	require.NoError(t, s.Start())
	defer s.Close()
	file := filepath.Join(t.TempDir(), "moved")
	j, err := openJournal(file)
	require.NoError(t, err)
	require.NoError(t, j.add("C3 7 5"), "an earlier take-over was interrupted after this one")
	require.NoError(t, j.add("A1 6 5"), "an older message had the same id")
	require.NoError(t, j.f.Close())
	j, err = openJournal(file)
	require.NoError(t, err)
	defer j.f.Close()
	n, err := old.handOver(ctx, s, j, func(int, int) {})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Empty(t, pf.queue)
	states := map[queue.State]int{}
	for e, err := range s.List(ctx, queue.Filter{}) {
		require.NoError(t, err)
		states[e.State]++
		require.Len(t, e.Recipients, 2)
	}
	require.Equal(t, 1, states[queue.Held])

	moved, held, err := old.handBack(ctx, s, func(int) {})
	require.NoError(t, err)
	require.Equal(t, []int{1, 1}, []int{moved, held})
	require.Equal(t, []string{
		"-C /etc/postfix -G -i -f s@old.example -N success,failure -V envid+2B1 -B8BITMIME -- one@b.example\nSubject: A1\n\n.\nend\n",
		"-C /etc/postfix -G -i -f s@old.example -V envid+2B1 -B8BITMIME -- two@c.example\nSubject: A1\n\n.\nend\n",
	}, pf.sent)
}
