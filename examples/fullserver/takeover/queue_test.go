package takeover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
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

	m, err = parseEnvelope([]byte("content_filter: scan:[127.0.0.1]:10024\nsender: a\nnamed_attribute: notify_flags=1\ncanceled_recipient: gone@b.example\nrecipient: b@b.example\n"))
	require.NoError(t, err)
	require.Equal(t, &queue.Route{Transport: "scan", Nexthop: "[127.0.0.1]:10024"}, m.Order.Route)
	require.Equal(t, []queue.Recipient{{Address: "b@b.example", State: queue.Pending}}, m.Recipients)
	m, err = parseEnvelope([]byte("sender: a\nrecipient: b@b.example\nrecipient: c@b.example\nredirect_to: d@b.example\n"))
	require.NoError(t, err)
	require.Equal(t, []queue.Recipient{{Address: "d@b.example", State: queue.Pending}}, m.Recipients)
}

// theirs is a message of a Postfix's.
type theirs struct {
	queue, tag string
	to         []string // "NOTIFY address"
}

// machine is a Postfix and a Dovecot that only write down what is asked of them. At one of the questions it can break: that one fails, before it has done what was
// asked or after it, or from there on all do, as when the power goes.
type machine struct {
	queue  map[string]*theirs // by id
	next   int
	asked  int
	at     int // the question at which it breaks, counted from 1; 0 for none
	after  bool
	dead   bool
	broken string // a command that fails

	sent    []string // what our sendmail has taken
	started bool     // Postfix
}

var errBroken = errors.New("broken")

func (m *machine) run(_ context.Context, stdin io.Reader, name string, args ...string) ([]byte, error) {
	m.asked++
	breaks := m.at > 0 && (m.asked == m.at || m.dead && m.asked > m.at)
	if breaks && !(m.after && m.asked == m.at) {
		return nil, errBroken
	}
	if m.broken != "" && name == m.broken {
		return nil, errBroken
	}
	out, err := m.do(stdin, name, args)
	if breaks {
		err = errBroken
	}
	return out, err
}

func (m *machine) do(stdin io.Reader, name string, args []string) ([]byte, error) {
	last := ""
	if len(args) > 0 {
		last = args[len(args)-1]
	}
	switch name {
	case "postqueue":
		var b bytes.Buffer
		for _, id := range slices.Sorted(maps.Keys(m.queue)) {
			fmt.Fprintf(&b, "{\"queue_name\": %q, \"queue_id\": %q, \"arrival_time\": 7, \"message_size\": 5}\n", m.queue[id].queue, id)
		}
		return b.Bytes(), nil
	case "postcat":
		x := m.queue[last]
		if x == nil {
			return nil, errors.New("no such file")
		}
		if !slices.Contains(args, "-e") {
			return []byte("Subject: " + x.tag + "\n\n.\nend\n"), nil
		}
		text := "sender: s@old.example\n"
		for _, r := range x.to {
			n, address, _ := strings.Cut(r, " ")
			text += "named_attribute: notify_flags=" + n + "\nrecipient: " + address + "\n"
		}
		return []byte(text), nil
	case "postsuper":
		text, _ := io.ReadAll(stdin)
		for id := range strings.FieldsSeq(string(text)) {
			if m.queue[id] != nil { // as it is where the log is a file that it may not write
				delete(m.queue, id)
				return nil, errors.New("it can't open its log")
			}
		}
	case "fullserver":
		text, _ := io.ReadAll(stdin)
		m.sent = append(m.sent, strings.TrimPrefix(strings.Split(string(text), "\n")[0], "Subject: "))
	case "postfix":
		if last == "status" && !m.started {
			return nil, errors.New("it doesn't run")
		}
		m.started = m.started || last == "start"
	case "sendmail":
		text, _ := io.ReadAll(stdin)
		at := slices.Index(args, "--")
		n := "0"
		if i := slices.Index(args, "-N"); i >= 0 {
			n = map[string]string{"success": "2", "failure": "4"}[args[i+1]]
		}
		x := &theirs{queue: maildrop, tag: strings.TrimPrefix(strings.Split(string(text), "\n")[0], "Subject: ")}
		for _, a := range args[at+1:] {
			x.to = append(x.to, n+" "+a)
		}
		m.next++
		m.queue[fmt.Sprint("S", m.next)] = x
	}
	return nil, nil
}

// newMachine has three messages, of which one is on hold and one has recipients who want different reports, and one in maildrop.
func newMachine() *machine {
	return &machine{queue: map[string]*theirs{
		"A1": {"deferred", "a", []string{"2 one@b.example", "4 two@c.example", "4 three@d.example"}},
		"B2": {"hold", "b", []string{"0 one@b.example"}},
		"C3": {"active", "c", []string{"0 one@b.example", "0 two@c.example"}},
		"D4": {maildrop, "d", []string{"0 one@b.example"}},
	}}
}

// change is one on that machine, in whose server's place there is nothing.
func (m *machine) change(t *testing.T, dir string) *Change {
	c := &Change{Said: io.Discard, run: m.run, Program: "fullserver"}
	c.Out = dir
	c.pair = &pair{postfix: "/etc/postfix", base: dir, run: m.run}
	c.ours = &ours{program: "fullserver", main: dir + "/main.cf", data: dir, queue: filepath.Join(dir, "queue"), run: m.run}
	c.old = &oldQueue{"/etc/postfix", "/var/spool/postfix", m.run}
	return c
}

// copies are how many there are of each message for each recipient, in both queues, and what is on hold with us.
func (m *machine) copies(t *testing.T, dir string) (n map[string]int, held []string) {
	n = map[string]int{}
	for _, x := range m.queue {
		for _, r := range x.to {
			n[x.tag+" "+r]++
		}
	}
	s := &queue.Spool{Dir: filepath.Join(dir, "queue")}
	require.NoError(t, s.Start())
	defer s.Close()
	for e, err := range s.List(t.Context(), queue.Filter{}) {
		require.NoError(t, err)
		_, content, err := s.Open(t.Context(), e.ID)
		require.NoError(t, err)
		text, err := io.ReadAll(content)
		require.NoError(t, err)
		content.Close()
		tag := strings.TrimPrefix(strings.Split(string(text), "\r\n")[0], "Subject: ")
		for _, r := range e.Recipients {
			if r.State != queue.Pending {
				continue
			}
			n[fmt.Sprintf("%s %d %s", tag, r.Options.Notify, r.Address)]++
		}
		if e.State == queue.Held {
			held = append(held, tag)
		}
	}
	return n, held
}

var once = map[string]int{"a 2 one@b.example": 1, "a 4 two@c.example": 1, "a 4 three@d.example": 1, "b 0 one@b.example": 1, "c 0 one@b.example": 1, "c 0 two@c.example": 1, "d 0 one@b.example": 1}

func TestQueueThereAndBack(t *testing.T) {
	dir, m := t.TempDir(), newMachine()
	c := m.change(t, dir)
	j, err := openJournal(dir)
	require.NoError(t, err)
	require.NoError(t, j.copying("A1 7 5", "gone"), "the power went before this one was there")
	require.NoError(t, j.end(false))
	require.NoError(t, c.moveQueue(t.Context()))
	require.Equal(t, []string{"D4"}, slices.Collect(maps.Keys(m.queue)), "what nobody has looked at stays")
	n, held := m.copies(t, dir)
	require.Equal(t, once, n)
	require.Equal(t, []string{"b"}, held)
	require.NoFileExists(t, filepath.Join(dir, "moved"))
	s := &queue.Spool{Dir: c.ours.queue}
	for e, err := range s.List(t.Context(), queue.Filter{}) {
		require.NoError(t, err)
		require.Equal(t, int64(7), e.Arrived.Unix(), "its age is what it was")
	}
	require.NoError(t, s.Close())

	require.NoError(t, c.back(t.Context()))
	n, held = m.copies(t, dir)
	require.Equal(t, once, n)
	require.Equal(t, []string{"b"}, held)
	tags := map[string]int{}
	for _, x := range m.queue {
		tags[x.tag]++
	}
	require.Equal(t, map[string]int{"a": 2, "c": 1, "d": 1}, tags, "one for those who want the same reports")
}

// memory is a folder where a sync costs nothing, if there is one: hundreds of queues are written.
func memory(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "takeover-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// Wherever a program of Postfix's fails, or the power goes, and whichever way it is gone on with: no message is lost, and none is there twice but for the one that
// sendmail was just given when the power went.
func TestQueueExactlyOnce(t *testing.T) {
	for _, dead := range []bool{false, true} {
		for _, after := range []bool{false, true} {
			for _, then := range []string{"back", "on and back"} {
				for at := 1; ; at++ {
					dir, m := memory(t), newMachine()
					m.at, m.after, m.dead = at, after, dead
					c := m.change(t, dir)
					failed := c.moveQueue(t.Context())
					if m.asked < at { // the way there is over
						require.NoError(t, failed)
						failed = c.back(t.Context())
					}
					if m.asked < at {
						require.NoError(t, failed)
						break
					}
					m.at = 0
					what := fmt.Sprintf("question %d, after: %v, dead: %v, then %s", at, after, dead, then)
					n, _ := m.copies(t, dir)
					for k := range once {
						require.Contains(t, n, k, what)
					}
					if strings.HasPrefix(then, "on") {
						require.NoError(t, c.moveQueue(t.Context()), what)
						_, held := m.copies(t, dir)
						require.Equal(t, []string{"b"}, held, what)
					}
					require.NoError(t, c.back(t.Context()), what)
					n, _ = m.copies(t, dir)
					more := 0
					for k, want := range once {
						require.GreaterOrEqual(t, n[k], want, "%s: %s is lost", what, k)
						more += n[k] - want
					}
					require.Len(t, n, len(once))
					if more > 0 {
						require.True(t, after, "%s: %v", what, n)
						require.LessOrEqual(t, more, 2, "%s: %v", what, n)
					}
				}
			}
		}
	}
}

// What programs gave to Postfix's sendmail, and we have sent since, Postfix doesn't send again, though it could not be removed there then: it is before Postfix
// starts, or Postfix doesn't.
func TestGivenOnce(t *testing.T) {
	dir, m := t.TempDir(), newMachine()
	c := m.change(t, dir)
	require.NoError(t, c.moveQueue(t.Context()))
	m.broken = "postsuper"
	require.ErrorIs(t, c.late(t.Context()), errBroken)
	require.Equal(t, []string{"d"}, m.sent)
	require.Contains(t, m.queue, "D4")

	require.ErrorIs(t, c.back(t.Context()), errBroken)
	require.False(t, m.started, "a message could be sent twice")
	m.broken = ""
	require.NoError(t, c.back(t.Context()))
	require.True(t, m.started)
	require.NotContains(t, m.queue, "D4")
	require.Equal(t, []string{"d"}, m.sent)
	require.NoFileExists(t, filepath.Join(dir, "given"))
	n, _ := m.copies(t, dir)
	want := maps.Clone(once)
	delete(want, "d 0 one@b.example")
	require.Equal(t, want, n)
}

// What Postfix's sendmail doesn't take stays with us, and the pair is started all the same.
func TestQueueRefused(t *testing.T) {
	dir, m := t.TempDir(), newMachine()
	c := m.change(t, dir)
	require.NoError(t, c.moveQueue(t.Context()))
	m.broken = "sendmail"
	require.ErrorIs(t, c.back(t.Context()), errBroken)
	m.broken = ""
	n, _ := m.copies(t, dir)
	require.Equal(t, once, n)
	require.NoError(t, c.back(t.Context()))
	n, _ = m.copies(t, dir)
	require.Equal(t, once, n)
}

func FuzzEnvelope(f *testing.F) {
	f.Add(envelope)
	f.Add("content_filter: scan:\nsender: \nredirect_to: a@b.example\nrecipient: c@d.example\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseEnvelope([]byte(text))
		if err != nil {
			return
		}
		for _, r := range m.Recipients {
			require.NotEmpty(t, r.Address)
			require.NotContains(t, r.Address, "\n")
			require.Equal(t, queue.Pending, r.State)
		}
		for _, p := range partsOf(m) {
			require.LessOrEqual(t, len(p.to), maxArguments)
			require.Len(t, p.which, len(p.to))
		}
	})
}
