package dsn_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime/dsn"
)

type guessed struct {
	addr   string
	action dsn.Action
	status mail.EnhancedCode
	remote string
	reason string // is part of the diagnostic
}

func TestGuessBounce(t *testing.T) {
	const failed, delayed = dsn.Failed, dsn.Delayed
	for name, c := range map[string]struct {
		class      string
		confidence float64
		recipients []guessed
	}{
		"qmail-local-no-mailbox": {"qmail", 0.9, []guessed{{"bob@example.net", failed, mail.EnhancedCode{5, 1, 1}, "", "Sorry, no mailbox here by that name. (#5.1.1)"}}},
		"qmail-remote-several": {"qmail", 0.7, []guessed{
			{"bob@example.net", failed, mail.EnhancedCode{5, 1, 1}, "", "Remote host said: 550 Unknown user"},
			{"carol@example.org", failed, mail.EnhancedCode{4, 4, 3}, "", "CNAME lookup failed temporarily. (#4.4.3)"},
		}},
		"exim-user-unknown": {"exim", 0.9, []guessed{{"bob@example.net", failed, mail.EnhancedCode{5, 1, 1}, "mx.example.net[192.0.2.1]", "Recipient address rejected"}}},
		"exim-unrouteable-several": {"exim", 0.7, []guessed{
			{"bob@nowhere.example", failed, mail.EnhancedCode{5, 1, 2}, "", "Unrouteable address"},
			{"carol@example.net", failed, mail.EnhancedCode{5, 2, 2}, "", "mailbox is full: retry timeout exceeded"},
		}},
		"exim-warning": {"exim", 0.7, []guessed{{"bob@example.net", delayed, mail.EnhancedCode{4, 4, 1}, "", "Connection timed out"}}},
		"exim-headers-only": {"exim", 0.5, []guessed{
			{"bob@example.net", failed, mail.EnhancedCode{5, 0, 0}, "", ""}, {"carol@example.net", failed, mail.EnhancedCode{5, 0, 0}, "", ""},
		}},
		"postfix-plain": {"postfix", 0.7, []guessed{
			{"bob@example.net", failed, mail.EnhancedCode{5, 1, 1}, "mx.example.net[192.0.2.1]", "User unknown (in reply to RCPT TO command)"},
			{"carol@example.org", failed, mail.EnhancedCode{5, 1, 2}, "", "Host or domain name not found. Name service error"},
		}},
		"postfix-delayed":       {"postfix", 0.7, []guessed{{"bob@example.net", delayed, mail.EnhancedCode{4, 4, 1}, "", "Connection refused"}}},
		"exchange-2003":         {"exchange", 0.9, []guessed{{"bob@example.net", failed, mail.EnhancedCode{5, 1, 1}, "", "does not exist at the organization"}}},
		"exchange-2010":         {"exchange", 0.9, []guessed{{"bob@example.net", failed, mail.EnhancedCode{5, 2, 2}, "", "STOREDRV.Deliver; mailbox full"}}},
		"office365-html":        {"exchange", 0.9, []guessed{{"bob@example.net", failed, mail.EnhancedCode{5, 1, 10}, "", "550 5.1.10"}}},
		"office365-diagnostics": {"exchange", 0.9, []guessed{{"bob@example.net", failed, mail.EnhancedCode{5, 1, 10}, "", "RESOLVER.ADR.RecipientNotFound"}}},
		"gmail-old":             {"gmail", 0.9, []guessed{{"bob@example.net", failed, mail.EnhancedCode{5, 2, 2}, "", "over quota"}}},
		"gmail-new":             {"gmail", 0.7, []guessed{{"bob@example.net", failed, mail.EnhancedCode{5, 1, 1}, "", "does not exist"}}},
		"gmail-delayed":         {"gmail", 0.6, []guessed{{"bob@example.net", delayed, mail.EnhancedCode{4, 0, 0}, "", "did not accept our requests"}}},
		"yahoo":                 {"yahoo", 0.9, []guessed{{"bob@example.net", failed, mail.EnhancedCode{5, 1, 1}, "", "User unknown"}}},
		"yahoo-group":           {"yahoo", 0.7, []guessed{{"bob@example.net", failed, mail.EnhancedCode{5, 1, 1}, "", "doesn't have a yahoo.com account"}}},
		"sendmail-transcript":   {"sendmail", 0.9, []guessed{{"bob@example.net", failed, mail.EnhancedCode{5, 1, 1}, "", "User unknown"}}},
		"unknown-form":          {"generic", 0.4, []guessed{{"bob@example.net", failed, mail.EnhancedCode{5, 7, 1}, "", "rejected as spam"}}},
		"not-vacation":          {},
		"not-postmaster-letter": {},
	} {
		b, err := os.ReadFile(filepath.Join("testdata", name+".eml"))
		require.NoError(t, err)
		for _, msg := range []string{string(b), strings.ReplaceAll(string(b), "\n", "\r\n")} {
			g, err := dsn.GuessBounce(strings.NewReader(msg), int64(len(msg)))
			if c.class == "" {
				require.ErrorIs(t, err, dsn.ErrNotBounce, name)
				continue
			}
			require.NoError(t, err, name)
			require.Equal(t, c.class, g.Class, name)
			require.InDelta(t, c.confidence, g.Confidence, 0.001, name)
			require.Len(t, g.Recipients, len(c.recipients), name)
			for i, want := range c.recipients {
				got := g.Recipients[i]
				require.Equal(t, want.addr, got.Final, name)
				require.Equal(t, want.action, got.Action, name)
				require.Equal(t, want.status, got.Status, name)
				require.Equal(t, want.remote, got.RemoteMTA, name)
				require.Contains(t, got.Diagnostic, want.reason, name)
			}
		}
	}
}

// Every fixture is used.
func TestGuessFixtures(t *testing.T) {
	files, err := filepath.Glob("testdata/*.eml")
	require.NoError(t, err)
	src, err := os.ReadFile("guess_test.go")
	require.NoError(t, err)
	require.Greater(t, len(files), 20)
	for _, f := range files {
		require.Contains(t, string(src), `"`+strings.TrimSuffix(filepath.Base(f), ".eml")+`":`)
	}
}

// A standard report is read as what it is.
func TestGuessStandard(t *testing.T) {
	msg := write(t, failure())
	g, err := dsn.GuessBounce(strings.NewReader(msg), int64(len(msg)))
	require.NoError(t, err)
	require.Equal(t, "standard", g.Class)
	require.Equal(t, 1.0, g.Confidence)
	require.Equal(t, "bob@mail.example.net", g.Recipients[0].Final)

	broken := strings.Replace(strings.Replace(msg, "Final-Recipient", "X-Recipient", 1), "Original-Recipient", "X-Original", 1)
	g, err = dsn.GuessBounce(strings.NewReader(broken), int64(len(broken)))
	require.NoError(t, err)
	require.Equal(t, "postfix", g.Class, "our own text is of Postfix's form")
	require.Equal(t, "bob@mail.example.net", g.Recipients[0].Final)

	for _, s := range []string{"", "From: MAILER-DAEMON@x\n\n", "From: a@b\n\nhello", original} {
		_, err = dsn.GuessBounce(strings.NewReader(s), int64(len(s)))
		require.ErrorIs(t, err, dsn.ErrNotBounce)
	}
	_, err = dsn.GuessBounce(strings.NewReader(""), 5)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// What a stranger writes costs time in proportion to its size.
func TestGuessHostile(t *testing.T) {
	const head = "From: MAILER-DAEMON@x.example\nContent-Type: text/plain\n\n"
	for _, unit := range []string{
		"<style", "technical details of the response was:\n", "<a@b.example>:\n", "delivered to delivered to ", "5.1.", "a@b.example ", "550 a@b.example\n", "Status code:\n\n", "  a@b.example\n   x\n", "Below", "5", ".",
	} {
		for _, mark := range []string{"", "This message was created automatically by mail delivery software\n", "** Address not found **\n", "Delivery has failed to these recipients or groups\n", "This is the qmail-send program\n"} {
			for _, typ := range []string{"plain", "html"} {
				msg := strings.Replace(head, "plain", typ, 1) + mark + strings.Repeat(unit, 64_000/len(unit))
				start := time.Now()
				g, err := dsn.GuessBounce(strings.NewReader(msg), int64(len(msg)))
				require.Less(t, time.Since(start), 3*time.Second, "%q %q", unit, mark)
				if err == nil {
					require.LessOrEqual(t, len(g.Recipients), 1000)
				}
			}
		}
	}
}

func FuzzGuessBounce(f *testing.F) {
	files, err := filepath.Glob("testdata/*.eml")
	require.NoError(f, err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := dsn.GuessBounce(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		if len(g.Recipients) == 0 || g.Confidence < 0 || g.Confidence > 1 {
			t.Fatalf("%+v", g)
		}
		for _, c := range g.Recipients {
			if g.Class != "standard" && (!strings.Contains(c.Final, "@") || strings.ContainsAny(c.Final, "\r\n")) {
				t.Fatalf("%q", c.Final)
			}
		}
	})
}

func ExampleGuessBounce() {
	const bounce = "From: MAILER-DAEMON@mx.example.net\r\nSubject: failure notice\r\n\r\n" +
		"Hi. This is the qmail-send program at mx.example.net.\r\n\r\n" +
		"<bob@example.net>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n"
	g, err := dsn.GuessBounce(strings.NewReader(bounce), int64(len(bounce)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(g.Class, g.Confidence, g.Recipients[0].Final, g.Recipients[0].Status)
	// Output: qmail 0.9 bob@example.net 5.1.1
}
