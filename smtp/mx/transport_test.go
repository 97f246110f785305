package mx_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

// RFC 5321 section 5.1: MX records by preference, "the sender-SMTP MUST randomize them" when equal.
func TestMXPreference(t *testing.T) {
	w := newWorld(t)
	w.mx["example.net"] = []*net.MX{{Host: "backup.example.net.", Pref: 20}, {Host: "mx.example.net.", Pref: 10}}
	w.a["mx.example.net"] = []string{"192.0.2.1"}
	w.a["backup.example.net"] = []string{"192.0.2.2"}
	w.hosts["192.0.2.1:25"] = []string{hello + envelope("b@example.net") + taken}
	r := deliver(t, w.transport().To("example.net"), nil, "b@example.net")[0]
	require.Equal(t, "250 2.0.0 Ok: queued as 1", r.Reply.String())
	require.Equal(t, "mx.example.net[192.0.2.1]:25", r.Relay)
	require.Empty(t, r.Detail)
	require.Equal(t, []string{"192.0.2.1:25"}, w.dialled)
}

func TestMXEqualPreferenceIsShuffled(t *testing.T) {
	first := map[string]bool{}
	for range 50 {
		w := newWorld(t)
		w.mx["example.net"] = []*net.MX{{Host: "a.example.net.", Pref: 10}, {Host: "b.example.net.", Pref: 10}}
		w.a["a.example.net"], w.a["b.example.net"] = []string{"192.0.2.1"}, []string{"192.0.2.2"}
		deliver(t, w.transport().To("example.net"), nil, "b@example.net")
		first[w.dialled[0]] = true
	}
	require.Len(t, first, 2)
}

// The next host is tried after one that can't be reached, refuses to talk, or breaks off: RFC 5321 section 5.1, "the SMTP
// client MUST be able to try (and retry) each of the relevant addresses in this list in order".
func TestNextHost(t *testing.T) {
	for name, first := range map[string][]string{
		"connection refused": nil,
		"greeting 421":       {"S: 421 4.3.2 busy"},
		"greeting 554":       {"S: 554 no service"},
		"no greeting":        {"S!"},
		"bad greeting":       {"S: hello there"},
		"EHLO refused":       {"S: 220 mx\nC: EHLO client.example.org\nS: 421 4.3.2 busy"},
		"MAIL 4yz":           {hello + "C: MAIL FROM:<a@example.org>\nC: RCPT TO:<b@example.net>\nC: DATA\nS: 451 4.3.0 later\nS: 503 x\nS: 503 x\nC: QUIT\nS: 221 x"},
		"RCPT 4yz":           {hello + "C: MAIL FROM:<a@example.org>\nC: RCPT TO:<b@example.net>\nC: DATA\nS: 250 x\nS: 450 4.2.0 later\nS: 503 x\nC: QUIT\nS: 221 x"},
		"DATA 4yz":           {hello + "C: MAIL FROM:<a@example.org>\nC: RCPT TO:<b@example.net>\nC: DATA\nS: 250 x\nS: 250 x\nS: 451 4.3.0 later\nC: QUIT\nS: 221 x"},
		"lost after RCPT":    {hello + "C: MAIL FROM:<a@example.org>\nC: RCPT TO:<b@example.net>\nC: DATA\nS: 250 x\nS!"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mx["example.net"] = []*net.MX{{Host: "mx1.example.net.", Pref: 10}, {Host: "mx2.example.net.", Pref: 20}}
			w.a["mx1.example.net"], w.a["mx2.example.net"] = []string{"192.0.2.1"}, []string{"192.0.2.2"}
			w.hosts["192.0.2.1:25"] = first
			w.hosts["192.0.2.2:25"] = []string{hello + envelope("b@example.net") + taken}
			r := deliver(t, w.transport().To("example.net"), nil, "b@example.net")[0]
			require.Equal(t, "250 2.0.0 Ok: queued as 1", r.Reply.String())
			require.Equal(t, "mx2.example.net[192.0.2.2]:25", r.Relay)
			require.Equal(t, []string{"192.0.2.1:25", "192.0.2.2:25"}, w.dialled)
		})
	}
}

// What is left when no host would: the words of the last one.
func TestNoHost(t *testing.T) {
	for _, c := range []struct{ name, script, reply, detail, relay string }{
		{"refused", "", "450 4.4.1 connect to mx.example.net[192.0.2.1]:25: Connection refused",
			"connect to mx.example.net[192.0.2.1]:25: Connection refused", ""},
		{"greeting", "S: 554 5.7.1 go away", "450 4.7.1 host mx.example.net[192.0.2.1] refused to talk to me: 554 5.7.1 go away",
			"host mx.example.net[192.0.2.1] refused to talk to me: 554 5.7.1 go away", "mx.example.net[192.0.2.1]:25"},
		{"lost", "S!", "421 4.4.2 lost connection with mx.example.net[192.0.2.1] while receiving the initial server greeting",
			"lost connection with mx.example.net[192.0.2.1] while receiving the initial server greeting", ""},
		{"MAIL", hello + "C: MAIL FROM:<a@example.org>\nC: RCPT TO:<b@example.net>\nC: DATA\nS: 550 5.7.1 you\nS: 503 x\nS: 503 x\nC: QUIT\nS: 221 x",
			"550 5.7.1 you", "host mx.example.net[192.0.2.1] said: 550 5.7.1 you (in reply to MAIL FROM command)", "mx.example.net[192.0.2.1]:25"},
		{"end", hello + envelope("b@example.net") + body + "S: 554 5.7.1 spam\nC: QUIT\nS: 221 x",
			"554 5.7.1 spam", "host mx.example.net[192.0.2.1] said: 554 5.7.1 spam (in reply to end of DATA command)", "mx.example.net[192.0.2.1]:25"},
		{"lost at the end", hello + envelope("b@example.net") + body + "S!",
			"421 4.4.2 lost connection with mx.example.net[192.0.2.1] while sending end of data -- message may be sent more than once",
			"lost connection with mx.example.net[192.0.2.1] while sending end of data -- message may be sent more than once", "mx.example.net[192.0.2.1]:25"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.mx["example.net"] = []*net.MX{{Host: "mx.example.net.", Pref: 10}}
			w.a["mx.example.net"] = []string{"192.0.2.1"}
			if c.script != "" {
				w.hosts["192.0.2.1:25"] = []string{c.script}
			}
			r := deliver(t, w.transport().To("example.net"), nil, "b@example.net")[0]
			require.Equal(t, c.reply, r.Reply.String())
			require.Equal(t, c.detail, r.Detail)
			require.Equal(t, c.relay, r.Relay)
		})
	}
}

// A recipient that was refused for good is not asked for elsewhere; one that was put off is, and nobody gets two copies.
func TestEachRecipientOnce(t *testing.T) {
	w := newWorld(t)
	w.mx["example.net"] = []*net.MX{{Host: "mx1.example.net.", Pref: 10}, {Host: "mx2.example.net.", Pref: 20}}
	w.a["mx1.example.net"], w.a["mx2.example.net"] = []string{"192.0.2.1"}, []string{"192.0.2.2"}
	w.hosts["192.0.2.1:25"] = []string{hello + `C: MAIL FROM:<a@example.org>
		C: RCPT TO:<ok@example.net>
		C: RCPT TO:<no@example.net>
		C: RCPT TO:<later@example.net>
		C: DATA
		S: 250 2.1.0 Ok
		S: 250 2.1.5 Ok
		S: 550 5.1.1 unknown
		S: 450 4.2.0 greylisted
		S: 354 go
		` + taken}
	w.hosts["192.0.2.2:25"] = []string{hello + envelope("later@example.net") + taken}
	rs := deliver(t, w.transport().To("example.net"), nil, "ok@example.net", "no@example.net", "later@example.net")
	require.Equal(t, "mx1.example.net[192.0.2.1]:25", rs[0].Relay)
	require.True(t, rs[0].Reply.OK())
	require.Equal(t, "550 5.1.1 unknown", rs[1].Reply.String())
	require.Equal(t, "mx2.example.net[192.0.2.2]:25", rs[2].Relay)
	require.True(t, rs[2].Reply.OK())
}

// Once the end of the message has been sent and no answer come, it may have arrived: no other host is asked.
func TestNotTwiceAfterLostEnd(t *testing.T) {
	w := newWorld(t)
	w.mx["example.net"] = []*net.MX{{Host: "mx1.example.net.", Pref: 10}, {Host: "mx2.example.net.", Pref: 20}}
	w.a["mx1.example.net"], w.a["mx2.example.net"] = []string{"192.0.2.1"}, []string{"192.0.2.2"}
	w.hosts["192.0.2.1:25"] = []string{hello + envelope("b@example.net") + body + "S!"}
	r := deliver(t, w.transport().To("example.net"), nil, "b@example.net")[0]
	require.Equal(t, mail.EnhancedCode{4, 4, 2}, r.Reply.Enhanced)
	require.Equal(t, []string{"192.0.2.1:25"}, w.dialled)
}

// A stream can't be sent twice: when its host fails in the middle, that is the answer. A message that can be read again
// goes to the next host.
func TestFailureInTheMiddle(t *testing.T) {
	big := strings.Repeat("0123456789012345678901234567890123456789\r\n", 10_000)
	mid := hello + envelope("b@example.net") + "C: 0123456789012345678901234567890123456789\nS!"
	whole := hello + envelope("b@example.net") + strings.Repeat("C: 0123456789012345678901234567890123456789\n", 10_000) +
		"C: .\nS: 250 2.0.0 Ok\nC: QUIT\nS: 221 x"
	setup := func(t *testing.T) *world {
		w := newWorld(t)
		w.a["example.net"] = []string{"192.0.2.1", "192.0.2.2"}
		w.hosts["192.0.2.1:25"], w.hosts["192.0.2.2:25"] = []string{mid, whole}, []string{mid, whole}
		return w
	}
	t.Run("stream", func(t *testing.T) {
		w := setup(t)
		r := deliver(t, w.transport().To("example.net"), stream(big), "b@example.net")[0]
		require.Contains(t, r.Reply.String(), "while sending message body")
		require.Len(t, w.dialled, 1)
	})
	t.Run("seeker", func(t *testing.T) {
		w := newWorld(t)
		w.mx["example.net"] = []*net.MX{{Host: "mx1.example.net.", Pref: 10}, {Host: "mx2.example.net.", Pref: 20}}
		w.a["mx1.example.net"], w.a["mx2.example.net"] = []string{"192.0.2.1"}, []string{"192.0.2.2"}
		w.hosts["192.0.2.1:25"], w.hosts["192.0.2.2:25"] = []string{mid}, []string{whole}
		r := deliver(t, w.transport().To("example.net"), strings.NewReader(big), "b@example.net")[0]
		require.Equal(t, "250 2.0.0 Ok", r.Reply.String())
		require.Equal(t, "mx2.example.net[192.0.2.2]:25", r.Relay)
	})
}

// An error of the message itself is no host's fault: the delivery ends with it, and no host sees an end of the message.
func TestMessageError(t *testing.T) {
	w := newWorld(t)
	w.a["example.net"] = []string{"192.0.2.1"}
	w.hosts["192.0.2.1:25"] = []string{hello + envelope("b@example.net") + "C!"}
	broken := errors.New("gone")
	ctx := context.Background()
	tx, err := w.transport().To("example.net").Begin(ctx, "a@example.org", &mail.MailOptions{})
	require.NoError(t, err)
	require.NoError(t, tx.Recipient(ctx, "b@example.net", &mail.RcptOptions{}))
	require.ErrorIs(t, tx.Body(ctx, iotest.ErrReader(broken)), broken)
	_, err = tx.Commit(ctx)
	require.Error(t, err)
	require.Len(t, w.dialled, 1)
}

// At most five addresses, and at most two hosts that have greeted, in one delivery (Postfix's smtp_mx_address_limit and
// smtp_mx_session_limit).
func TestLimits(t *testing.T) {
	t.Run("addresses", func(t *testing.T) {
		w := newWorld(t)
		w.a["example.net"] = []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7"}
		deliver(t, w.transport().To("example.net"), nil, "b@example.net")
		require.Len(t, w.dialled, 5)
	})
	t.Run("sessions", func(t *testing.T) {
		w := newWorld(t)
		for i, h := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"} {
			name := "mx" + string(rune('1'+i)) + ".example.net"
			w.mx["example.net"] = append(w.mx["example.net"], &net.MX{Host: name, Pref: uint16(i)})
			w.a[name] = []string{h}
			w.hosts[h+":25"] = []string{"S: 421 4.3.2 busy"}
		}
		deliver(t, w.transport().To("example.net"), nil, "b@example.net")
		require.Equal(t, []string{"192.0.2.1:25", "192.0.2.2:25"}, w.dialled)
	})
}

// "" sends each recipient's copy to its own domain; a stream is kept so that it can be sent to each.
func TestEachDomain(t *testing.T) {
	w := newWorld(t)
	w.a["example.net"], w.a["example.com"] = []string{"192.0.2.1"}, []string{"192.0.2.2"}
	w.hosts["192.0.2.1:25"] = []string{hello + envelope("b@example.net", "d@EXAMPLE.net") + taken}
	w.hosts["192.0.2.2:25"] = []string{hello + envelope("c@example.com") + taken}
	w.hosts["192.0.2.3:25"] = []string{hello + envelope("e@[192.0.2.3]") + taken}
	rs := deliver(t, w.transport().To(""), stream(message), "b@example.net", "c@example.com", "d@EXAMPLE.net", "e@[192.0.2.3]", "local", "x@bad..domain")
	for i, relay := range []string{"example.net[192.0.2.1]:25", "example.com[192.0.2.2]:25", "example.net[192.0.2.1]:25", "192.0.2.3[192.0.2.3]:25"} {
		require.True(t, rs[i].Reply.OK(), i)
		require.Equal(t, relay, rs[i].Relay)
	}
	require.Equal(t, mail.EnhancedCode{5, 1, 3}, rs[4].Reply.Enhanced)
	require.Equal(t, mail.EnhancedCode{5, 1, 3}, rs[5].Reply.Enhanced)
}

// Abort before Commit takes the message back: the host never sees its end.
func TestAbort(t *testing.T) {
	w := newWorld(t)
	w.a["example.net"] = []string{"192.0.2.1"}
	w.hosts["192.0.2.1:25"] = []string{hello + envelope("b@example.net") + "C!"}
	ctx := context.Background()
	tx, err := w.transport().To("example.net").Begin(ctx, "a@example.org", &mail.MailOptions{})
	require.NoError(t, err)
	require.NoError(t, tx.Recipient(ctx, "b@example.net", &mail.RcptOptions{}))
	require.NoError(t, tx.Body(ctx, strings.NewReader("Subject: x\r\n")))
	require.NoError(t, tx.Abort())
	_, err = tx.Commit(ctx)
	require.Error(t, err)
}

// RFC 1870 section 6: the size is declared when it can be known, so that a message too large is refused before it is sent.
func TestSizeIsDeclared(t *testing.T) {
	w := newWorld(t)
	w.a["example.net"] = []string{"192.0.2.1"}
	w.hosts["192.0.2.1:25"] = []string{`S: 220 mx ESMTP
		C: EHLO client.example.org
		S: 250-mx
		S: 250 SIZE 1000
		C: MAIL FROM:<a@example.org> SIZE=22
		S: 452 4.3.1 full
		C: QUIT
		S: 221 bye`, `S: 220 mx ESMTP
		C: EHLO client.example.org
		S: 250-mx
		S: 250 SIZE 10
		C: QUIT
		S: 221 bye`}
	tr := w.transport()
	r := deliver(t, tr.To("example.net"), strings.NewReader(message), "b@example.net")[0]
	require.Equal(t, "452 4.3.1 full", r.Reply.String())
	r = deliver(t, tr.To("example.net"), strings.NewReader(message), "b@example.net")[0]
	require.Equal(t, "552 5.3.4 message size 22 exceeds size limit 10 of server example.net[192.0.2.1]", r.Reply.String())
}

// A next hop that is none: as a domain it is the recipient's mistake, in any other form the operator's.
func TestBadNexthop(t *testing.T) {
	for hop, want := range map[string]string{
		"a b":           `550 5.1.2 bad domain "a b"`,
		"a..b":          `550 5.1.2 bad domain "a..b"`,
		"[mail.example": `451 4.3.5 bad next hop "[mail.example"`,
		"mail.example:": `451 4.3.5 bad next hop "mail.example:"`,
	} {
		_, err := newWorld(t).transport().To(hop).Begin(context.Background(), "", &mail.MailOptions{})
		require.ErrorContains(t, err, want)
	}
}
