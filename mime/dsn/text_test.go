package dsn_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime/dsn"
)

// Every kind of report is said, in lines that any terminal shows.
func TestTexts(t *testing.T) {
	for name, text := range map[string]func(*dsn.Report) string{"en": dsn.DefaultText} {
		seen := make(map[string]bool)
		for _, action := range []dsn.Action{dsn.Failed, dsn.Delayed, dsn.Delivered, dsn.Relayed, dsn.Expanded} {
			for _, until := range []time.Time{{}, tried} {
				for _, ret := range []dsn.Return{{}, {Content: strings.NewReader("x")}, {Content: strings.NewReader("x"), HeaderOnly: true}} {
					r := failure()
					r.Return = ret
					r.Recipients[0].Action, r.Recipients[0].WillRetryUntil = action, until
					s := text(r)
					require.True(t, utf8.ValidString(s))
					require.Contains(t, s, "mx.example.test")
					require.Contains(t, s, "<bob@mail.example.net>")
					require.Contains(t, s, "<bob@example.net>")
					require.Contains(t, strings.Join(strings.Fields(s), " "), "550 5.1.1 <bob@mail.example.net>: no such user")
					for line := range strings.Lines(s) {
						require.LessOrEqual(t, len(line), 110, name)
					}
					seen[s] = true
					if action == dsn.Delayed && !until.IsZero() {
						require.Contains(t, s, "Sun, 22 Nov 2026 09:05:00 +0700")
					}
				}
			}
		}
		require.GreaterOrEqual(t, len(seen), 6, name)

		r := failure()
		r.Recipients = []dsn.Recipient{{Final: "a@b", Action: dsn.Delivered}, {Final: "c@d", Action: dsn.Relayed, RemoteMTA: "mx.test"}, {Final: "e@f", Diagnostic: "mailbox full"}}
		s := text(r)
		require.Contains(t, s, "<e@f>: mailbox full\n")
		require.Contains(t, s, ", ")
		require.Contains(t, s, "mx.test\n")
	}
}

// A diagnostic of one endless word doesn't make a line that SMTP can't carry.
func TestLongDiagnostic(t *testing.T) {
	r := failure()
	r.Recipients[0].Diagnostic = strings.Repeat("\xff", 5000) + strings.Repeat("ư", 5000)
	for line := range strings.Lines(dsn.DefaultText(r)) {
		require.LessOrEqual(t, len(line), 998)
		require.True(t, utf8.ValidString(line))
	}
	msg := write(t, r)
	p := index(t, msg).Root.Parts[1]
	require.NotContains(t, part(msg, p), "ư", `"7bit" […] MUST be used (RFC 3464 section 2.1)`)
	r.UTF8, r.Return = true, dsn.Return{}
	msg = write(t, r)
	require.Contains(t, part(msg, index(t, msg).Root.Parts[1]), "ưưư")
}
