package intake_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/intake"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

var allMessages queue.Filter

const (
	waitFor = time.Minute
	tick    = 5 * time.Millisecond
)

// stranger makes the test's client one that may not relay.
const stranger = "mynetworks = 192.0.2.0/24\n"

const text = "Date: x\r\nMessage-ID: <m@far.test>\r\nSubject: x\r\n\r\nx\r\n"

func TestLocalMessage(t *testing.T) {
	s := newSite(t, intake.MTA, stranger)
	k := s.dial()
	k.say("EHLO c.test", "250")
	got := k.send(text, "250 2.0.0 Ok: queued as ", "alice@here.test")
	id := strings.TrimPrefix(got, "250 2.0.0 Ok: queued as ")
	require.Regexp(t, `^[0-9A-F]{6,}$`, id)
	box := s.inbox("alice@here.test")
	require.Len(t, box, 1)
	// RFC 5321 section 4.4: return path, then trace, then the message as it came.
	require.Regexp(t, `^Return-Path: <s@far\.test>\r\nDelivered-To: alice@here\.test\r\nReceived: from c\.test \(unknown \[127\.0\.0\.1\]\)\r\n\tby mail\.here\.test with ESMTP id `+id+`\r\n\tfor <alice@here\.test>; .*\r\nDate: x\r\n`, box[0])
	require.True(t, strings.HasSuffix(box[0], text))
	s.logged("received " + id + " from=s@far.test id=<m@far.test> n=1 queued=false")
	require.Regexp(t, `to=<alice@here\.test>, relay=virtual, delay=[\d.]+, delays=[\d./]+, dsn=2\.0\.0, status=sent \(delivered to maildir\)$`, s.logged("delivered "+id))
	s.logged("done " + id)
}

// One message, one queue id: in the reply, in the trace field, in the log of both ways it goes.
func TestHereAndElsewhere(t *testing.T) {
	s := newSite(t, intake.MTA, "")
	k := s.dial()
	k.say("EHLO c.test", "250")
	got := k.send(text, "250 2.0.0 Ok: queued as ", "alice@here.test", "x@far.test", "BOB@here.test", "y@other.test", "alice@HERE.test")
	id := strings.TrimPrefix(got, "250 2.0.0 Ok: queued as ")
	for user, as := range map[string]string{"alice@here.test": "alice@here.test", "bob@here.test": "BOB@here.test"} {
		box := s.inbox(user)
		require.Len(t, box, 1, "named twice, delivered once")
		require.Contains(t, box[0], "Delivered-To: "+as+"\r\n")
		require.Contains(t, box[0], " id "+id+";\r\n", "no for clause: who else gets it is nobody's business")
	}
	s.logged("queue " + id + ": removed")
	require.Len(t, s.far, 2)
	s.logged("received " + id + " from=s@far.test id=<m@far.test> n=4 queued=true")
}

func TestPolicy(t *testing.T) {
	s := newSite(t, intake.MTA, stranger)
	k := s.dial()
	k.say("EHLO c.test", "250")
	k.say("MAIL FROM:<s@far.test>", "250 2.1.0 Ok")
	k.say("RCPT TO:<x@far.test>", "554 5.7.1 <x@far.test>: Relay access denied")
	k.say("RCPT TO:<nobody@here.test>", "550 5.1.1 <nobody@here.test>: Recipient address rejected: User unknown in virtual mailbox table")
	k.say("RCPT TO:<Postmaster>", "250 2.1.5 Ok")
	k.say("RSET", "250")
	k.say("VRFY alice@here.test", "252 2.0.0")
	k.say("VRFY <nobody@here.test>", "550 5.1.1")
	k.say("VRFY x@far.test", "554 5.7.1")
	k.say("ETRN far.test", "554 5.7.1 <far.test>: Etrn command rejected: Access denied")
	k.say("AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00alice@here.test\x00secret")), "235")
	k.send(text, "250", "x@far.test")
	k.say("ETRN far.test", "250 2.0.0")
	k.say("ETRN @far.test", "250 2.0.0")
	k.say("ETRN #all", "458 4.3.0")
	s.logged("status=sent")
	require.Equal(t, "x@far.test", s.far[0].Recipients[0].Address)
}

// RFC 6409 section 8.2 and 8.3: a submission server adds Date and Message-ID where they are missing. A relay must not.
func TestMissingFields(t *testing.T) {
	for _, trusted := range []bool{true, false} {
		extra := ""
		if !trusted {
			extra = stranger
		}
		s := newSite(t, intake.MTA, extra)
		k := s.dial()
		k.say("HELO c.test", "250")
		k.send("Subject: bare\r\n\r\nx\r\n", "250", "alice@here.test")
		box := s.inbox("alice@here.test")
		require.Equal(t, trusted, strings.Contains(box[0], "\r\nDate: "))
		require.Equal(t, trusted, strings.Contains(box[0], "\r\nMessage-Id: <"))
		require.True(t, strings.HasSuffix(box[0], "Subject: bare\r\n\r\nx\r\n"))
		k.send("no header at all\r\n", "250", "bob@here.test")
		require.True(t, strings.HasSuffix(s.inbox("bob@here.test")[0], "\r\n\r\nno header at all\r\n"), "the empty line makes it a body")
		k.send(text, "250", "carol@here.test")
		require.Equal(t, 1, strings.Count(s.inbox("carol@here.test")[0], "Message-"))
	}
}

func TestUnqualifiedAddresses(t *testing.T) {
	s := newSite(t, intake.MTA, "myorigin = here.test\n")
	k := s.dial()
	k.say("HELO c.test", "250")
	k.say("MAIL FROM:<root>", "250")
	k.say("RCPT TO:<alice>", "250")
	k.say("DATA", "354")
	k.say(text+".", "250")
	require.True(t, strings.HasPrefix(s.inbox("alice@here.test")[0], "Return-Path: <root@here.test>\r\nDelivered-To: alice@here.test\r\n"))
}

// RFC 5321 section 6.3: "Simple counting of the number of 'Received:' header fields in a message has proven to be an effective,
// although rarely optimal, method of detecting loops in mail systems."
func TestHops(t *testing.T) {
	s := newSite(t, intake.MTA, "hopcount_limit = 3\n")
	k := s.dial()
	k.say("EHLO c.test", "250")
	k.send(strings.Repeat("Received: from a by b; x\r\n", 2)+text, "250", "alice@here.test")
	k.send(strings.Repeat("Received: from a by b; x\r\n", 3)+text, "554 5.4.0 Error: too many hops", "alice@here.test")
	k.send(strings.Repeat("Received: from a by b; x\r\n", 3)+text, "554 5.4.0 Error: too many hops", "alice@here.test", "x@far.test")
	require.Len(t, s.inbox("alice@here.test"), 1)
	n := 0
	for range s.queue.List(ctx, allMessages) {
		n++
	}
	require.Zero(t, n)
}

// A message for one whose mailbox doesn't take it is the client's to send again: nothing is promised.
func TestOneMailboxFails(t *testing.T) {
	for _, op := range []string{"Open", "Add", "Commit"} {
		s := newSite(t, intake.MTA, stranger)
		s.failFrom(op, 1, 1)
		k := s.dial()
		k.say("EHLO c.test", "250")
		k.send(text, "451 4.3.0 ", "alice@here.test")
		require.Contains(t, s.logged("delivered"), "status=deferred")
		require.Empty(t, s.inbox("alice@here.test"))
		k.send(text, "250", "alice@here.test")
		require.Len(t, s.inbox("alice@here.test"), 1)
	}
}

// A message for several of which one mailbox fails is taken: the queue tries that one again, and nobody gets it twice.
func TestOneOfSeveralFails(t *testing.T) {
	for _, with := range [][]string{{"alice@here.test", "bob@here.test"}, {"alice@here.test", "x@far.test"}, {"alice@here.test", "bob@here.test", "x@far.test"}} {
		s := newSite(t, intake.MTA, "")
		s.failFrom("Commit", 1, 1)
		k := s.dial()
		k.say("EHLO c.test", "250")
		k.send(text, "250 2.0.0 Ok: queued as ", with...)
		require.Contains(t, s.logged("relay=virtual, delay"), "status=sent")
		var got []string
		require.Eventually(t, func() bool {
			got = append(s.inbox("alice@here.test"), s.inbox("bob@here.test")...)
			return len(got) == len(with)-strings.Count(fmt.Sprint(with), "far")
		}, waitFor, tick)
		for _, m := range got {
			require.True(t, strings.HasSuffix(m, text), "the same message whichever way it went")
			require.Equal(t, 1, strings.Count(m, "Received: "))
		}
	}
}

// fullQueue is a queue whose disk is full for a time, once it has taken some messages.
type fullQueue struct {
	intake.Queue
	takes, refuses int
}

func (q *fullQueue) Begin(ctx context.Context, from string, o *mail.MailOptions) (mail.Transaction, error) {
	if q.takes--; q.takes < 0 {
		if q.refuses--; q.refuses >= 0 {
			return nil, mail.NewReply(452, mail.EnhancedCode{4, 3, 1}, "Insufficient system storage")
		}
	}
	return q.Queue.Begin(ctx, from, o)
}

// A disk that is full fails the mailbox and the queue alike: the client waits for a moment, lest somebody gets the message twice.
func TestOneOfSeveralFailsTwice(t *testing.T) {
	for with, takes := range map[string]int{"bob@here.test": 0, "x@far.test": 1} {
		s := newSite(t, intake.MTA, "")
		s.back.Queue = &fullQueue{s.queue, takes, 3}
		s.failFrom("Commit", 1, 1)
		k := s.dial()
		k.say("EHLO c.test", "250")
		k.send(text, "250 2.0.0 Ok: queued as ", "alice@here.test", with)
		require.Eventually(t, func() bool {
			s.mu.Lock()
			far := len(s.far)
			s.mu.Unlock()
			return far+len(s.inbox("alice@here.test"))+len(s.inbox("bob@here.test")) == 2
		}, waitFor, tick)

		// It doesn't last for ever.
		s.back.Queue, s.back.RescueTime = &fullQueue{s.queue, takes, 1 << 30}, 150*time.Millisecond
		s.failFrom("Commit", 1, 1)
		k.send(text, "452 4.3.1 Insufficient system storage", "alice@here.test", with)
	}
}

// When nobody's mailbox takes it and nothing is queued, the client keeps it.
func TestAllMailboxesFail(t *testing.T) {
	s := newSite(t, intake.MTA, "")
	s.failFrom("Commit", 1, 2)
	k := s.dial()
	k.say("EHLO c.test", "250")
	k.send(text, "451 4.3.0", "alice@here.test", "bob@here.test")
	require.Empty(t, s.inbox("alice@here.test"))
	require.Empty(t, s.inbox("bob@here.test"))
}

// RFC 3461 section 4.1: NOTIFY=SUCCESS is honoured for local recipients too, by a report from the queue.
func TestSuccessReport(t *testing.T) {
	s := newSite(t, intake.MTA, "")
	k := s.dial()
	k.say("EHLO c.test", "250")
	k.say("MAIL FROM:<bob@here.test>", "250")
	k.say("RCPT TO:<alice@here.test> NOTIFY=SUCCESS", "250")
	k.say("DATA", "354")
	k.say(text+".", "250")
	require.Eventually(t, func() bool { return len(s.inbox("bob@here.test")) == 1 }, waitFor, tick)
	require.Contains(t, s.inbox("bob@here.test")[0], "Action: delivered")
	require.Len(t, s.inbox("alice@here.test"), 1)
}

// A client that vanishes within a message leaves nothing behind.
func TestVanish(t *testing.T) {
	for _, to := range [][]string{{"alice@here.test"}, {"x@far.test"}, {"alice@here.test", "bob@here.test", "x@far.test"}} {
		s := newSite(t, intake.MTA, "")
		k := s.dial()
		k.say("EHLO c.test", "250")
		k.say("MAIL FROM:<s@far.test>", "250")
		for _, a := range to {
			k.say("RCPT TO:<"+a+">", "250")
		}
		k.say("DATA", "354")
		_, err := io.WriteString(k.c, "Subject: half\r\n\r\n"+strings.Repeat("half\r\n", 100_000))
		require.NoError(t, err)
		k.c.Close()
		other := s.dial()
		other.say("EHLO c.test", "250")
		other.send(text, "250", "carol@here.test")
		require.Empty(t, s.inbox("alice@here.test"))
		for e, err := range s.queue.List(ctx, allMessages) {
			require.NoError(t, err)
			t.Errorf("%s is in the queue", e.ID)
		}
	}
}

func TestSubmission(t *testing.T) {
	s := newSite(t, intake.Submission, stranger)
	k := s.dial()
	k.say("EHLO c.test", "250")
	k.say("MAIL FROM:<alice@here.test>", "530 5.7.0 Authentication required")
	k.say("AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00alice@here.test\x00secret")), "235")
	k.send("Subject: x\r\n\r\nx\r\n", "250", "bob@here.test")
	box := s.inbox("bob@here.test")
	require.Contains(t, box[0], "\r\n\t(Authenticated sender: alice@here.test)\r\n")
	require.Contains(t, box[0], " with ESMTPA id ")
	require.Contains(t, box[0], "\r\nMessage-Id: <")
}

// RFC 2033 section 4.2: "the LMTP server … MUST return one reply for each previously successful RCPT command".
func TestLMTP(t *testing.T) {
	s := newSite(t, intake.LMTP, "")
	k := s.dial()
	k.say("LHLO c.test", "250")
	k.say("MAIL FROM:<s@far.test>", "250")
	k.say("RCPT TO:<x@far.test>", "550 5.1.1") // trusted or not, this is for mailboxes here
	k.say("RCPT TO:<nobody@here.test>", "550 5.1.1")
	k.say("RCPT TO:<alice@here.test>", "250")
	k.say("RCPT TO:<bob@here.test>", "250")
	k.say("RCPT TO:<Alice@here.test>", "250")
	k.say("DATA", "354")
	s.failFrom("Commit", 1, 1)
	replies := []string{k.say(text+".", ""), k.reply(), k.reply()}
	good := 0
	for _, r := range replies {
		if strings.HasPrefix(r, "250 2.0.0 ") {
			good++
		} else {
			require.True(t, strings.HasPrefix(r, "451 4.3.0 "), r)
		}
	}
	require.Equal(t, replies[0], replies[2], "the same recipient twice")
	require.Contains(t, []int{1, 2}, good)
	require.Equal(t, 1, len(s.inbox("alice@here.test"))+len(s.inbox("bob@here.test")), "no queue rescues it: the server in front does")
	k.say("NOOP", "250")
}

func TestOrderOfCalls(t *testing.T) {
	s := newSite(t, intake.MTA, "")
	k := s.dial()
	k.say("EHLO c.test", "250")
	k.say("MAIL FROM:<>", "250")
	k.say("DATA", "503 5.5.1 Error: need RCPT command")
	k.say("RCPT TO:<alice@here.test>", "250")
	k.say("RSET", "250")
	k.send(text, "250", "bob@here.test")
	require.Empty(t, s.inbox("alice@here.test"))
	require.Len(t, s.inbox("bob@here.test"), 1)
}

// A message that isn't kept in memory goes to all the same.
func TestLargeMessage(t *testing.T) {
	s := newSite(t, intake.MTA, "")
	k := s.dial()
	k.say("EHLO c.test", "250")
	big := text + strings.Repeat(strings.Repeat("0123456789", 7)+"\r\n", 20_000)
	k.send(big, "250", "alice@here.test", "bob@here.test", "x@far.test")
	for _, u := range []string{"alice@here.test", "bob@here.test"} {
		require.True(t, strings.HasSuffix(s.inbox(u)[0], big))
	}
	s.logged("removed")
	require.Len(t, s.far, 1)
}
