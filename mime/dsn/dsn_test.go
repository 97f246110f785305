package dsn_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/dsn"
)

var (
	arrived = time.Date(2026, 11, 22, 9, 0, 0, 0, time.FixedZone("", 7*3600))
	tried   = arrived.Add(5 * time.Minute)
)

const original = "From: alice@example.test\r\nSubject: hello\r\n\r\nbody\r\n"

func failure() *dsn.Report {
	return &dsn.Report{
		To: "alice@example.test", ReportingMTA: "mx.example.test", EnvelopeID: "QQ314159", QueueID: "913E010089F",
		ArrivalDate: arrived, Date: tried, MessageID: "1@mx.example.test",
		Recipients: []dsn.Recipient{{
			Original: "rfc822;bob@example.net", Final: "bob@mail.example.net", Status: mail.EnhancedCode{5, 1, 1},
			RemoteMTA: "mail.example.net[192.0.2.1]", Diagnostic: "550 5.1.1 <bob@mail.example.net>:\nno such user", LastAttempt: tried,
		}},
		Return: dsn.Return{Content: strings.NewReader(original)},
	}
}

func write(t testing.TB, r *dsn.Report) string {
	t.Helper()
	var b bytes.Buffer
	n, err := r.WriteTo(&b)
	require.NoError(t, err)
	require.Equal(t, int64(b.Len()), n)
	for line := range strings.Lines(b.String()) {
		require.LessOrEqual(t, len(line), 1000)
		require.True(t, strings.HasSuffix(line, "\r\n"), "%q", line)
	}
	return b.String()
}

func index(t testing.TB, msg string) *mime.Index {
	t.Helper()
	ix, err := mime.BuildIndex(strings.NewReader(msg), int64(len(msg)), nil)
	require.NoError(t, err)
	require.Empty(t, ix.Problems)
	return ix
}

func part(msg string, p *mime.Part) string { return msg[p.Body.Offset:p.Body.End()] }

// "The multipart/report media type contains either two or three sub-parts" (RFC 6522 section 3); "A DSN is a MIME message with a
// top-level content-type of multipart/report", report-type "delivery-status" (RFC 3464 section 2).
func TestFailureReport(t *testing.T) {
	msg := write(t, failure())
	ix := index(t, msg)
	require.Equal(t, "multipart/report", ix.Root.Type+"/"+ix.Root.Subtype)
	require.Equal(t, "delivery-status", ix.Root.Param("report-type"))
	require.Len(t, ix.Root.Parts, 3)
	require.Equal(t, "plain", ix.Root.Parts[0].Subtype)
	require.Equal(t, "delivery-status", ix.Root.Parts[1].Subtype)
	require.Equal(t, "7bit", ix.Root.Parts[1].Encoding, `"7bit" […] MUST be used (RFC 3464 section 2.1)`)
	require.Equal(t, "rfc822", ix.Root.Parts[2].Subtype)
	require.Equal(t, original, part(msg, ix.Root.Parts[2]))
	require.Equal(t, "hello", ix.Root.Parts[2].Message.Envelope.Subject.Value)

	require.Equal(t, ""+
		"Original-Envelope-Id: QQ314159\r\n"+
		"Reporting-MTA: dns; mx.example.test\r\n"+
		"Arrival-Date: Sun, 22 Nov 2026 09:00:00 +0700\r\n"+
		"X-Queue-ID: 913E010089F\r\n"+
		"\r\n"+
		"Original-Recipient: rfc822; bob@example.net\r\n"+
		"Final-Recipient: rfc822; bob@mail.example.net\r\n"+
		"Action: failed\r\n"+
		"Status: 5.1.1\r\n"+
		"Remote-MTA: dns; mail.example.net ([192.0.2.1])\r\n"+
		"Diagnostic-Code: smtp; 550 5.1.1 <bob@mail.example.net>: no such user\r\n"+
		"Last-Attempt-Date: Sun, 22 Nov 2026 09:05:00 +0700\r\n", part(msg, ix.Root.Parts[1]))

	e := ix.Root.Envelope
	require.Equal(t, "Undelivered Mail Returned to Sender", e.Subject.Value)
	require.Equal(t, []mime.Address{{Name: "Mail Delivery System", Mailbox: "MAILER-DAEMON", Host: "mx.example.test"}}, e.From)
	require.Equal(t, []mime.Address{{Mailbox: "alice", Host: "example.test"}}, e.To)
	require.Equal(t, "<1@mx.example.test>", e.MessageID.Value)
	require.Contains(t, msg, "\r\nAuto-Submitted: auto-replied\r\n", "RFC 3834 section 3.1.7")

	text := part(msg, ix.Root.Parts[0])
	require.Contains(t, text, "This is the mail system at host mx.example.test.")
	require.Contains(t, text, "<bob@mail.example.net> (you wrote to <bob@example.net>): host")
	require.Contains(t, strings.Join(strings.Fields(text), " "), "mail.example.net[192.0.2.1] said: 550 5.1.1 <bob@mail.example.net>: no such user")
}

func TestHeaderOnly(t *testing.T) {
	r := failure()
	r.Return = dsn.Return{Content: strings.NewReader(original), HeaderOnly: true}
	msg := write(t, r)
	p := index(t, msg).Root.Parts[2]
	require.Equal(t, "text/rfc822-headers", p.Type+"/"+p.Subtype)
	require.Equal(t, strings.TrimSuffix(original, "\r\nbody\r\n"), part(msg, p))
	require.NotContains(t, msg, "body\r\n")

	r = failure()
	r.Return = dsn.Return{Content: strings.NewReader("Subject: thư\r\n\r\n"), HeaderOnly: true}
	msg = write(t, r)
	p = index(t, msg).Root.Parts[2]
	require.Equal(t, "quoted-printable", p.Encoding)
	require.Equal(t, "Subject: th=C6=B0\r\n", part(msg, p))

	r = failure()
	r.Return = dsn.Return{Content: strings.NewReader("Subject: no end"), HeaderOnly: true}
	write(t, r)
	r.Return = dsn.Return{}
	require.Len(t, index(t, write(t, r)).Root.Parts, 2)
}

// RFC 6533 section 4: message/global-delivery-status, addresses as they are; without SMTPUTF8 "utf-8-addr-xtext MUST be used".
func TestUTF8(t *testing.T) {
	r := failure()
	r.Recipients[0].Original, r.Recipients[0].Final, r.Recipients[0].RemoteMTA = "utf-8;thư@example.net", "thư@mail.example.net", ""
	msg := write(t, r)
	ix := index(t, msg)
	status := part(msg, ix.Root.Parts[1])
	require.Contains(t, status, "Original-Recipient: utf-8; th\\x{1B0}@example.net\r\n")
	require.Contains(t, status, "Final-Recipient: utf-8; th\\x{1B0}@mail.example.net\r\n")
	require.Contains(t, status, "Diagnostic-Code: x-buuta; 550 5.1.1")
	require.Equal(t, "quoted-printable", ix.Root.Parts[0].Encoding)

	r.To, r.Return = "thư@example.test", dsn.Return{Content: strings.NewReader(original)}
	msg = write(t, r)
	ix = index(t, msg)
	require.Equal(t, "global-delivery-status", ix.Root.Parts[1].Subtype)
	require.Equal(t, "global-delivery-status", ix.Root.Param("report-type"))
	require.Contains(t, part(msg, ix.Root.Parts[1]), "Final-Recipient: utf-8; thư@mail.example.net\r\n")
	require.Equal(t, "global", ix.Root.Parts[2].Subtype)
	r.Return = dsn.Return{Content: strings.NewReader(original), HeaderOnly: true}
	msg = write(t, r)
	require.Equal(t, "global-headers", index(t, msg).Root.Parts[2].Subtype)

	back, err := dsn.Parse(strings.NewReader(msg), int64(len(msg)))
	require.NoError(t, err)
	require.True(t, back.UTF8)
	require.Equal(t, "thư@mail.example.net", back.Recipients[0].Final)
	require.Equal(t, "thư@example.test", back.To)
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct{ in, typ, addr, ascii string }{
		{"rfc822;a@b", "rfc822", "a@b", "rfc822; a@b"},
		{" RFC822 ; <a@b> ", "RFC822", "a@b", "RFC822; a@b"},
		{"utf-8; th\\x{1B0}@b", "utf-8", "thư@b", "utf-8; th\\x{1B0}@b"},
		{"utf-8; a\\x{2B}b@c", "utf-8", "a+b@c", "utf-8; a\\x{2B}b@c"},
		{"utf-8; \\x{zz}\\x{110000}\\x{0A}", "utf-8", "\\x{zz}\\x{110000}\\x{0A}", "utf-8; \\x{5C}x{zz}\\x{5C}x{110000}\\x{5C}x{0A}"},
		{"a@b", "", "a@b", ""},
		{"", "", "", ""},
	} {
		typ, addr := dsn.ParseAddress(c.in)
		require.Equal(t, c.typ, typ)
		require.Equal(t, c.addr, addr)
		if typ != "" {
			require.Equal(t, c.ascii, dsn.FormatAddress(typ, addr, false))
		}
	}
	require.Equal(t, "utf-8; thư@b", dsn.FormatAddress("rfc822", "thư@b", true))
	require.Equal(t, "", dsn.FormatAddress("rfc822", "", false))
}

func TestKinds(t *testing.T) {
	r := failure()
	r.Recipients[0].Action, r.Recipients[0].Status, r.Recipients[0].WillRetryUntil = dsn.Delayed, mail.EnhancedCode{}, arrived.Add(120*time.Hour)
	require.Equal(t, dsn.Delayed, r.Worst())
	msg := write(t, r)
	require.Contains(t, msg, "Subject: Delayed Mail (still being retried)\r\n")
	require.Contains(t, msg, "WARNING ONLY")
	require.Contains(t, msg, "Status: 4.0.0\r\n")
	require.Contains(t, msg, "Will-Retry-Until: Fri, 27 Nov 2026 09:00:00 +0700\r\n")

	r.Recipients[0].Action = dsn.Relayed
	require.Equal(t, dsn.Relayed, r.Worst())
	msg = write(t, r)
	require.Contains(t, msg, "Subject: Successful Mail Delivery Report\r\n")
	require.Contains(t, msg, "Status: 2.0.0\r\n")
	r.Recipients = append(r.Recipients, dsn.Recipient{Final: "x@y"})
	require.Equal(t, dsn.Failed, r.Worst())
	msg = write(t, r)
	require.Contains(t, msg, "\r\n\r\nFinal-Recipient: rfc822; x@y\r\nAction: failed\r\nStatus: 5.0.0\r\n")
}

// What strangers wrote can't add fields or parts.
func TestInjection(t *testing.T) {
	r := failure()
	r.Recipients[0].Diagnostic = "550 x\r\nAction: delivered\r\n\r\n--boundary"
	r.EnvelopeID = "a\r\nX-Evil: 1"
	r.Subject = "x\r\nBcc: evil@example.net"
	msg := write(t, r)
	ix := index(t, msg)
	require.Len(t, ix.Root.Parts, 3)
	require.NotContains(t, msg, "\r\nX-Evil")
	require.NotContains(t, msg, "\r\nBcc")
	require.NotContains(t, msg, "\r\nAction: delivered")
}

func TestRoundTrip(t *testing.T) {
	r := failure()
	r.Recipients = append(r.Recipients, dsn.Recipient{Final: "c@d", Action: dsn.Delivered, Status: mail.EnhancedCode{2, 1, 5}, LogID: "L1"})
	msg := write(t, r)
	back, err := dsn.Parse(strings.NewReader(msg), int64(len(msg)))
	require.NoError(t, err)
	require.Contains(t, back.Text(back), "could not be delivered")
	require.Equal(t, "mx.example.test", back.ReportingMTA)
	require.Equal(t, "QQ314159", back.EnvelopeID)
	require.Equal(t, "913E010089F", back.QueueID)
	require.True(t, arrived.Equal(back.ArrivalDate))
	require.Len(t, back.Recipients, 2)
	got := back.Recipients[0]
	require.True(t, tried.Equal(got.LastAttempt))
	got.LastAttempt = tried
	want := r.Recipients[0]
	want.Action, want.DiagnosticType, want.Diagnostic = dsn.Failed, "smtp", "550 5.1.1 <bob@mail.example.net>: no such user"
	require.Equal(t, want, got)
	require.Equal(t, r.Recipients[1], back.Recipients[1])
}

// The example of RFC 3464 appendix E.1, with its long lines as they were meant.
func TestParseRFCExample(t *testing.T) {
	msg := strings.ReplaceAll(`Date: Thu, 7 Jul 1994 17:16:05 -0400
From: Mail Delivery Subsystem <MAILER-DAEMON@CS.UTK.EDU>
Message-Id: <199407072116.RAA14128@CS.UTK.EDU>
Subject: Returned mail: Cannot send message for 5 days
To: <owner-info-mime@cs.utk.edu>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
      boundary="RAA14128.773615765/CS.UTK.EDU"

--RAA14128.773615765/CS.UTK.EDU

The original message was received at Sat, 2 Jul 1994 17:10:28 -0400
from root@localhost

--RAA14128.773615765/CS.UTK.EDU
content-type: message/delivery-status

Reporting-MTA: dns; cs.utk.edu

Original-Recipient: rfc822;louisl@larry.slip.umd.edu
Final-Recipient: rfc822;louisl@larry.slip.umd.edu
Action: failed
Status: 4.0.0
Diagnostic-Code: smtp; 426 connection timed out
Last-Attempt-Date: Thu, 7 Jul 1994 17:15:49 -0400

--RAA14128.773615765/CS.UTK.EDU
content-type: message/rfc822

[original message goes here]

--RAA14128.773615765/CS.UTK.EDU--
`, "\n", "\r\n")
	r, err := dsn.Parse(strings.NewReader(msg), int64(len(msg)))
	require.NoError(t, err)
	require.Equal(t, "cs.utk.edu", r.ReportingMTA)
	require.Equal(t, "199407072116.RAA14128@CS.UTK.EDU", r.MessageID)
	require.Equal(t, []dsn.Recipient{{
		Original: "rfc822;louisl@larry.slip.umd.edu", Final: "louisl@larry.slip.umd.edu", Action: dsn.Failed, Status: mail.EnhancedCode{4, 0, 0},
		DiagnosticType: "smtp", Diagnostic: "426 connection timed out", LastAttempt: r.Recipients[0].LastAttempt,
	}}, r.Recipients)
	require.Equal(t, 1994, r.Recipients[0].LastAttempt.Year())
}

func TestErrors(t *testing.T) {
	_, err := (&dsn.Report{}).WriteTo(io.Discard)
	require.Error(t, err)
	broken := errors.New("disk gone")
	r := failure()
	r.Return.Content = iotest.ErrReader(broken)
	_, err = r.WriteTo(io.Discard)
	require.ErrorIs(t, err, broken)
	r.Return = dsn.Return{Content: iotest.ErrReader(broken), HeaderOnly: true}
	_, err = r.WriteTo(io.Discard)
	require.ErrorIs(t, err, broken)
	_, err = dsn.Parse(strings.NewReader(original), int64(len(original)))
	require.ErrorIs(t, err, dsn.ErrNotReport)
	_, err = dsn.ParseStatus([]byte("Reporting-MTA: dns; x\r\n"))
	require.ErrorIs(t, err, dsn.ErrNotReport)
}

func FuzzParseStatus(f *testing.F) {
	f.Add([]byte("Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 5.1.1\r\n"))
	f.Add([]byte("\r\n\r\nFinal-Recipient: utf-8; \\x{1B0}@b\n\n\nOriginal-Recipient: x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := dsn.ParseStatus(b)
		if err != nil {
			return
		}
		r.To, r.ReportingMTA = "a@b", "mx.example.test"
		var out bytes.Buffer
		_, err = r.WriteTo(&out)
		require.NoError(t, err)
		back, err := dsn.Parse(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err == nil {
			require.LessOrEqual(t, len(back.Recipients), len(r.Recipients))
		}
	})
}

func ExampleReport_WriteTo() {
	r := &dsn.Report{
		To:           "alice@example.test",
		ReportingMTA: "mx.example.test",
		Recipients: []dsn.Recipient{{
			Final: "bob@example.net", Action: dsn.Failed, Status: mail.EnhancedCode{5, 1, 1},
			RemoteMTA: "mail.example.net", Diagnostic: "550 5.1.1 no such user",
		}},
		Return: dsn.Return{Content: strings.NewReader("Subject: hello\r\n\r\nbody\r\n"), HeaderOnly: true},
	}
	if _, err := r.WriteTo(io.Discard); err != nil { // hand it to a queue, from the null sender
		fmt.Fprintln(os.Stderr, err)
	}
	fmt.Println(r.Worst())
	// Output: failed
}

func ExampleDefaultText() {
	fmt.Print(dsn.DefaultText(&dsn.Report{
		ReportingMTA: "mx.example.test",
		Recipients:   []dsn.Recipient{{Final: "bob@example.net", RemoteMTA: "mail.example.net", Diagnostic: "550 5.1.1 no such user"}},
	}))
	// Output:
	// This is the mail system at host mx.example.test.
	//
	// Your message could not be delivered to one or more recipients.
	// The reason is given below each address.
	//
	// If you need help, please write to <postmaster> and include this report.
	//
	//                    The mail system
	//
	// <bob@example.net>: host mail.example.net said: 550 5.1.1 no such user
}

func ExampleParse() {
	msg := "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" +
		"--b\r\n\r\nIt didn't work.\r\n" +
		"--b\r\nContent-Type: message/delivery-status\r\n\r\n" +
		"Reporting-MTA: dns; mx.example.test\r\n\r\nFinal-Recipient: rfc822; bob@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n" +
		"--b--\r\n"
	r, err := dsn.Parse(strings.NewReader(msg), int64(len(msg)))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range r.Recipients {
		fmt.Println(c.Final, c.Action, c.Status)
	}
	// Output: bob@example.net failed 5.1.1
}
