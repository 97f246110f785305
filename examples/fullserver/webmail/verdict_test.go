package webmail_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail"
)

// What the trusted server says of the sender is shown; what anybody else writes into a message is not (RFC 8601 section 7.1).
func TestVerdict(t *testing.T) {
	f := newFixture(t, func(c *webmail.Config) { c.AuthservID = "mx.example.test" })
	texts := []string{
		"Authentication-Results: mx.example.test; spf=pass smtp.mailfrom=x.test; dmarc=pass header.from=bank.example\n",
		"Authentication-Results: mx.example.test; dmarc=fail header.from=bank.example\n",
		"Authentication-Results: evil.example; dmarc=pass header.from=bank.example\n",
		"Authentication-Results: mx.example.test; dmarc=none header.from=bank.example\nAuthentication-Results: mx.example.test; dmarc=pass header.from=bank.example\n",
		"Authentication-Results: (((\n", "",
	}
	for _, head := range texts {
		f.add("INBOX", head+"From: support@bank.example\nSubject: x\n\nx\n")
	}
	f.login()
	for i := range texts {
		f.get("/mail/INBOX/" + string(rune('1'+i)))
		require.Equal(t, i == 0, strings.Contains(f.page, "bank.example confirmed"), i)
		require.Equal(t, i == 1, strings.Contains(f.page, "does not come from bank.example"), i)
	}
	other := newFixture(t)
	other.add("INBOX", texts[0]+"Subject: x\n\nx\n")
	other.login()
	other.get("/mail/INBOX/1")
	require.NotContains(t, other.page, "confirmed", "nobody is trusted unless he is named")
}

// A conversation is found over all folders, the user's own answers with it, whichever of its messages one begins at.
func TestConversation(t *testing.T) {
	f := newFixture(t)
	f.add("INBOX", "From: bob@example.test\nSubject: Plan\nMessage-ID: <root@x>\n\nfirst\n")
	f.add("INBOX", "From: eve@example.test\nSubject: Other\nMessage-ID: <other@x>\n\nelse\n")
	f.add("Archive", "From: carol@example.test\nSubject: Re: Plan\nMessage-ID: <two@x>\nReferences: <root@x>\nIn-Reply-To: <root@x>\n\nsecond\n")
	f.login()
	f.get("/compose?mode=reply&folder=Archive&uid=1")
	f.submit("/compose", "do", "send", "body", "third")
	for _, path := range []string{"/mail/INBOX/1", "/mail/Archive/1", "/mail/Sent/1"} {
		f.get(path)
		link := f.page[strings.Index(f.page, "/search?thread="):]
		f.get(link[:strings.IndexByte(link, '"')])
		require.Contains(t, f.page, "3 messages found", path)
		require.NotContains(t, f.page, "Other")
	}
}
