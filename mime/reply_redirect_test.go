package mime_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
)

func redirect(t *testing.T, o *mime.Redirect, msg string) string {
	t.Helper()
	var b bytes.Buffer
	n, err := o.WriteTo(&b, strings.NewReader(msg))
	require.NoError(t, err)
	require.Equal(t, int64(b.Len()), n)
	return b.String()
}

// "Each new set of resent fields is prepended to the message; that is, the most recent set of resent fields appears earlier in the
// message. No other fields in the message are changed when resent fields are added." (RFC 5322 section 3.6.6)
func TestRedirect(t *testing.T) {
	msg := crlf(letter)
	once := redirect(t, &mime.Redirect{From: []mime.Address{alice}, To: []mime.Address{bob}, Date: sent, MessageID: "r1@example.test"}, msg)
	require.Equal(t, crlf(`Resent-Date: Sun, 22 Nov 2026 09:00:00 +0700
Resent-From: Alice <alice@example.test>
Resent-To: =?utf-8?b?QuG7kXA=?= <bob@example.test>
Resent-Message-ID: <r1@example.test>
`)+msg, once)
	twice := redirect(t, &mime.Redirect{From: []mime.Address{bob}, Cc: []mime.Address{alice}, Bcc: []mime.Address{{Mailbox: "eve", Host: "example.test"}}}, once)
	require.True(t, strings.HasSuffix(twice, once))
	require.NotContains(t, twice, "eve@")
	h := mime.ParseHeader([]byte(twice), nil)
	require.Equal(t, "=?utf-8?b?QuG7kXA=?= <bob@example.test>", h.Get("Resent-From"), "the most recent first")

	// Answers go to the author, whoever sent it on: "MUST NOT be used in the normal processing of replies".
	m, err := mime.Read(strings.NewReader(twice))
	require.NoError(t, err)
	require.Equal(t, "list@example.test", m.Reply(mime.ReplyOptions{}).To[0].Addr())
}

func TestRedirectFields(t *testing.T) {
	two := []mime.Address{alice, bob}
	require.Contains(t, redirect(t, &mime.Redirect{From: two, To: two}, ""), "Resent-Sender: Alice <alice@example.test>\r\n")
	require.Contains(t, redirect(t, &mime.Redirect{From: two, To: two, Sender: &bob}, ""), "Resent-Sender: =?utf-8?b?QuG7kXA=?= <bob@example.test>\r\n")
	require.NotContains(t, redirect(t, &mime.Redirect{From: []mime.Address{alice}, To: two, Sender: &alice}, ""), "Resent-Sender", `"SHOULD NOT be used if [it] would be identical"`)
	hidden := &mime.Redirect{From: []mime.Address{alice}, Bcc: two}
	require.Contains(t, redirect(t, hidden, "Subject: x\r\n\r\n"), "Resent-Bcc:\r\nResent-Message-ID:")
	require.Equal(t, []string{"alice@example.test", "bob@example.test"}, hidden.Recipients())

	evil := "x\r\nBcc: evil@example.net\r\n\r\n"
	got := redirect(t, &mime.Redirect{From: []mime.Address{{Name: evil, Mailbox: evil, Host: evil}}, To: two, MessageID: evil}, "Subject: x\r\n\r\n")
	require.False(t, mime.ParseHeader([]byte(got), nil).Has("Bcc"))
	require.Contains(t, got, "\r\nSubject: x\r\n\r\n")

	for _, o := range []*mime.Redirect{{}, {From: two}, {To: two}} {
		_, err := o.WriteTo(io.Discard, strings.NewReader(""))
		require.Error(t, err)
	}
	broken := errors.New("disk gone")
	_, err := (&mime.Redirect{From: two, To: two}).WriteTo(io.Discard, iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
}

func ExampleRedirect() {
	o := mime.Redirect{
		From:      []mime.Address{{Mailbox: "bob", Host: "example.test"}},
		To:        []mime.Address{{Mailbox: "carol", Host: "example.test"}},
		Date:      sent,
		MessageID: "1@example.test",
	}
	var out bytes.Buffer
	if _, err := o.WriteTo(&out, strings.NewReader("From: alice@example.test\r\nSubject: hello\r\n\r\nHi\r\n")); err != nil {
		log.Fatal(err)
	}
	fmt.Print(strings.ReplaceAll(out.String(), "\r\n", "\n"))
	// Output:
	// Resent-Date: Sun, 22 Nov 2026 09:00:00 +0700
	// Resent-From: bob@example.test
	// Resent-To: carol@example.test
	// Resent-Message-ID: <1@example.test>
	// From: alice@example.test
	// Subject: hello
	//
	// Hi
}
