package e2e

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestRoundTrip: 1,000 messages of many kinds go in by every sender, and come out by every reader byte for byte.
func TestRoundTrip(t *testing.T) {
	const n, users = 1000, 10
	need(t, "swaks", "msmtp", "curl", "telnet", "python3", "mpop", "mbsync", "fetchmail", "mutt", "script")
	s := start(t, users)
	letters := corpus(t, n, users)
	began := time.Now()
	sendAll(t, s, letters)
	t.Logf("%d messages sent in %v", n, time.Since(began).Round(time.Millisecond))
	of := func(user int) (out []letter) {
		for _, l := range letters {
			if l.n%users == user {
				out = append(out, l)
			}
		}
		return out
	}
	read := func(t *testing.T, by string) {
		for _, r := range readers {
			if r.by != by {
				continue
			}
			t.Run(r.what, func(t *testing.T) {
				for user := range users {
					if r.program == "curl" && user > 0 {
						break // one connection a message: a tenth of the corpus is enough
					}
					same(t, r.what, r.read(t, s, user), of(user))
				}
			})
		}
	}
	read(t, "file")
	t.Run("read", func(t *testing.T) {
		t.Run("IMAP", func(t *testing.T) {
			t.Parallel()
			read(t, "IMAP")
			t.Run("mutt", func(t *testing.T) {
				got := readMutt(t, s, 2)
				require.Equal(t, n/users, bytes.Count(got, []byte("\nX-Corpus: ")))
				for _, l := range of(2) {
					require.True(t, bytes.Contains(got, fmt.Appendf(nil, "\nX-Corpus: %d\n", l.n)), "letter %d", l.n)
				}
			})
		})
		t.Run("POP3", func(t *testing.T) { // one program at a time: a session has the mailbox for itself
			t.Parallel()
			read(t, "POP3")
			t.Run("fetchmail", func(t *testing.T) {
				got := readFetchmail(t, s, 1)
				require.Len(t, got, n/users)
				seen := map[string]bool{}
				for _, b := range got {
					seen[string(corpusField.Find(b))] = true
				}
				require.Len(t, seen, n/users, "every letter once")
			})
		})
	})
	t.Run("UIDs survive a restart", func(t *testing.T) {
		before := uids(t, s)
		s.stop()
		s.startAgain()
		require.Equal(t, before, uids(t, s))
	})
}

// uids returns what a client that caches relies on: UIDVALIDITY, UIDNEXT and every UID.
func uids(t *testing.T, s *server) string {
	return run(t, nil, "python3", "-c", `
import imaplib, sys
host, port = sys.argv[1].rsplit(":", 1)
m = imaplib.IMAP4(host, int(port)); m.login("u3@example.test", "secret3")
print(m.status("INBOX", "(UIDVALIDITY UIDNEXT MESSAGES)")); m.select("INBOX")
print(m.uid("FETCH", "1:*", "(UID RFC822.SIZE INTERNALDATE)")); m.logout()`, s.imap)
}

// TestSMTPSource: Postfix's own load generator, many sessions at once.
func TestSMTPSource(t *testing.T) {
	need(t, "smtp-source")
	s := start(t, 2)
	run(t, nil, "smtp-source", "-s", "10", "-m", "500", "-l", "4000", "-f", sender, "-t", "u1@example.test", s.smtp)
	require.Len(t, s.maildir("u1"), 500, "all there when the last 250 has come")
}
