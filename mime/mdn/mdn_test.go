package mdn_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/mdn"
)

var (
	joe  = mime.Address{Name: "Joe Recipient", Mailbox: "Joe_Recipient", Host: "example.com"}
	jane = mime.Address{Name: "Jane Sender", Mailbox: "Jane_Sender", Host: "example.org"}
)

func report() *mdn.Report {
	return &mdn.Report{
		From: joe, To: []mime.Address{jane}, Date: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), MessageID: "2@example.com",
		ReportingUA: "joes-pc.cs.example.com; Foomail 97.1", OriginalRecipient: "rfc822;Joe_Recipient@example.com",
		OriginalMessageID: "199509192301.23456@example.org", Disposition: mdn.Displayed, Header: []byte("Subject: thư\r\n"),
	}
}

func write(t testing.TB, r *mdn.Report) string {
	t.Helper()
	var b bytes.Buffer
	n, err := r.WriteTo(&b)
	require.NoError(t, err)
	require.Equal(t, int64(b.Len()), n)
	for line := range strings.Lines(b.String()) {
		require.True(t, strings.HasSuffix(line, "\r\n"))
	}
	return b.String()
}

// RFC 8098 section 3 and the fields of its example in section 8.
func TestReport(t *testing.T) {
	msg := write(t, report())
	ix, err := mime.BuildIndex(strings.NewReader(msg), int64(len(msg)), nil)
	require.NoError(t, err)
	require.Empty(t, ix.Problems)
	require.Equal(t, "disposition-notification", ix.Root.Param("report-type"))
	require.Len(t, ix.Root.Parts, 3)
	p := ix.Root.Parts[1]
	require.Equal(t, "message/disposition-notification", p.Type+"/"+p.Subtype)
	require.Equal(t, ""+
		"Reporting-UA: joes-pc.cs.example.com; Foomail 97.1\r\n"+
		"Original-Recipient: rfc822; Joe_Recipient@example.com\r\n"+
		"Final-Recipient: rfc822; Joe_Recipient@example.com\r\n"+
		"Original-Message-ID: <199509192301.23456@example.org>\r\n"+
		"Disposition: manual-action/MDN-sent-manually; displayed\r\n", msg[p.Body.Offset:p.Body.End()])
	require.Equal(t, "Message displayed", ix.Root.Envelope.Subject.Value)
	require.Equal(t, "<199509192301.23456@example.org>", ix.Root.Envelope.InReplyTo.Value)
	require.NotContains(t, msg, "Disposition-Notification-To", "an MDN MUST NOT itself request an MDN")
}

func TestRoundTrip(t *testing.T) {
	for _, d := range []mdn.Disposition{mdn.Displayed, mdn.Dispatched, mdn.Processed, mdn.Deleted} {
		r := report()
		r.Disposition, r.Automatic, r.SentAutomatically = d, true, true
		r.Modifiers, r.Errors = []string{"error", "x-more"}, []string{"first", "second"}
		msg := write(t, r)
		back, err := mdn.Parse(strings.NewReader(msg), int64(len(msg)))
		require.NoError(t, err)
		require.Equal(t, strings.ReplaceAll(mdn.DefaultText(r), "\n", "\r\n"), back.Text(back))
		require.Equal(t, "Subject: thư\r\n", string(back.Header))
		require.True(t, r.Date.Equal(back.Date))
		require.NotEmpty(t, back.Subject)
		back.Text, back.Date, back.Subject, r.FinalRecipient = nil, r.Date, "", "Joe_Recipient@example.com"
		require.Equal(t, r, back)
	}
}

func TestUTF8(t *testing.T) {
	r := report()
	r.From = mime.Address{Mailbox: "thư", Host: "example.com"}
	r.OriginalRecipient, r.ReportingUA = "utf-8;thư@example.com", "máy; chương trình"
	msg := write(t, r)
	require.Contains(t, msg, "Final-Recipient: utf-8; th\\x{1B0}@example.com\r\n")
	require.Contains(t, msg, "Reporting-UA: m?y; ch??ng tr?nh\r\n")
	back, err := mdn.Parse(strings.NewReader(msg), int64(len(msg)))
	require.NoError(t, err)
	require.Equal(t, "thư@example.com", back.FinalRecipient)
	require.Equal(t, "utf-8;thư@example.com", back.OriginalRecipient)
}

func TestErrors(t *testing.T) {
	_, err := (&mdn.Report{}).WriteTo(io.Discard)
	require.Error(t, err)
	for _, msg := range []string{"Subject: x\r\n\r\nbody", "Content-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822;a@b\r\n"} {
		_, err = mdn.Parse(strings.NewReader(msg), int64(len(msg)))
		require.ErrorIs(t, err, mdn.ErrNotReport)
	}
	_, err = mdn.Parse(strings.NewReader(""), 5)
	require.True(t, errors.Is(err, io.ErrUnexpectedEOF))
	r := report()
	r.From, r.MessageID, r.Date, r.Text = mime.Address{Mailbox: "joe"}, "", time.Time{}, func(*mdn.Report) string { return "own\n" }
	r.OriginalRecipient = "rfc822;x\r\nDisposition: evil"
	msg := write(t, r)
	require.Contains(t, msg, "@localhost>")
	require.Contains(t, msg, "\r\nown\r\n")
	require.NotContains(t, msg, "\r\nDisposition: evil")
}

// RFC 8098 section 2.1.
func TestRequested(t *testing.T) {
	for _, c := range []struct {
		header      string
		ok, consent bool
		to          int
	}{
		{"Subject: x\n", false, false, 0},
		{"Disposition-Notification-To: \n", false, false, 0},
		{"Return-Path: <a@b>\nDisposition-Notification-To: A <a@B>\n", true, false, 1},
		{"Return-Path: <\"a\"@b>\nDisposition-Notification-To: a@b\n", true, false, 1}, // "after removing the surrounding double-quote characters"
		{"Return-Path: <A@b>\nDisposition-Notification-To: a@b\n", true, true, 1},      // "case sensitive for the local-part"
		{"Disposition-Notification-To: a@b\n", true, true, 1},
		{"Return-Path: <>\nDisposition-Notification-To: a@b\n", true, true, 1},
		{"Return-Path: <a@b>\nDisposition-Notification-To: a@b, c@d\n", true, true, 2},
		{"Return-Path: <a@b>\nDisposition-Notification-To: a@b, A <a@b>\n", true, false, 1}, // one distinct address
		{"Return-Path: <a@b>\nDisposition-Notification-To: a@b\nContent-Type: multipart/report; report-type=disposition-notification\n", false, false, 0},
	} {
		req, ok := mdn.Requested(mime.ParseHeader([]byte(c.header), nil))
		require.Equal(t, c.ok, ok, c.header)
		require.Equal(t, c.consent, req.NeedsConsent, c.header)
		require.Len(t, req.To, c.to, c.header)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("Content-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822;a@b\r\nDisposition: a/b; displayed/error,x\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := mdn.Parse(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		r.From, r.To = joe, []mime.Address{jane}
		msg := write(t, r)
		back, err := mdn.Parse(strings.NewReader(msg), int64(len(msg)))
		require.NoError(t, err)
		require.Equal(t, r.Automatic, back.Automatic)
	})
}

func ExampleReport_WriteTo() {
	r := mdn.Report{From: joe, To: []mime.Address{jane}, OriginalMessageID: "1@example.org", Disposition: mdn.Displayed}
	if _, err := r.WriteTo(io.Discard); err != nil { // send it from the null reverse-path
		fmt.Println(err)
	}
	fmt.Print(mdn.DefaultText(&r))
	// Output:
	// Your message to Joe_Recipient@example.com was displayed.
	// This is no guarantee that it has been read or understood.
}

func ExampleRequested() {
	h := mime.ParseHeader([]byte("Return-Path: <jane@example.org>\r\nDisposition-Notification-To: Jane <jane@example.org>\r\n"), nil)
	if req, ok := mdn.Requested(h); ok {
		fmt.Println(req.To[0].Addr(), "must the reader agree?", req.NeedsConsent)
	}
	// Output: jane@example.org must the reader agree? false
}

func ExampleParse() {
	msg := "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n" +
		"--b\r\n\r\nSeen.\r\n" +
		"--b\r\nContent-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822; joe@example.com\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n" +
		"--b--\r\n"
	r, err := mdn.Parse(strings.NewReader(msg), int64(len(msg)))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.FinalRecipient, r.Disposition)
	// Output: joe@example.com displayed
}
