package imapserver_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/mime/charset"
)

// wordMail makes mail of about 4 kB in words that are as frequent as words are.
func wordMail(n int) []string {
	rnd := rand.New(rand.NewPCG(3, 4))
	syllables := strings.Fields("ba ne ti ro lu sa me di ko fu ra te mi lo nu pa ge si do ru vi cha tre plo stu gra")
	var vocabulary []string
	for range 20000 {
		w := ""
		for range 2 + rnd.IntN(3) {
			w += syllables[rnd.IntN(len(syllables))]
		}
		vocabulary = append(vocabulary, w)
	}
	zipf := rand.NewZipf(rnd, 1.1, 8, uint64(len(vocabulary)-1))
	all := make([]string, n)
	for i := range all {
		var b strings.Builder
		fmt.Fprintf(&b, "Received: from a.example.test by b.example.test; Mon, 7 Feb 2026 21:52:25 +0700\r\nDate: Mon, 7 Feb 2026 21:52:25 +0700\r\n"+
			"From: Sender %d <sender%d@example.test>\r\nTo: alice@example.test\r\nSubject: %s %s\r\nMessage-ID: <%d@example.test>\r\n\r\n",
			i%500, i%500, vocabulary[zipf.Uint64()], vocabulary[zipf.Uint64()], i)
		for line := 0; b.Len() < 4096; {
			w := vocabulary[zipf.Uint64()]
			b.WriteString(w)
			if line += len(w); line > 60 {
				b.WriteString("\r\n")
				line = 0
			} else {
				b.WriteByte(' ')
			}
		}
		if i == n/3 {
			b.WriteString("\r\nA zebra crossing.")
		}
		all[i] = b.String() + "\r\n"
	}
	return all
}

// Plain texts are found as Dovecot finds them. BUUTA_TEXT_MESSAGES sets how many messages there are; with -v it tells how long both take.
func TestSearchTextAsDovecot(t *testing.T) {
	n := 300
	if s := os.Getenv("BUUTA_TEXT_MESSAGES"); s != "" {
		var err error
		n, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	theirs := dovecotIMAP(t)
	dir := t.TempDir()
	f := newFixture(t, func(s *imapserver.Server) {
		s.Store = &maildir.Store{Path: filepath.Join(dir, "%u"), NoSync: true, CharsetReader: charset.NewReader}
	})
	all := wordMail(n)
	f.add("INBOX", all...)
	for _, m := range all {
		theirs.send(fmt.Sprintf("a APPEND INBOX {%d+}\r\n%s\r\n", len(m), m))
		for l := ""; !strings.HasPrefix(l, "a "); {
			l = theirs.line()
			require.False(t, strings.HasPrefix(l, "a NO") || strings.HasPrefix(l, "a BAD"), l)
		}
	}
	ours := f.login("INBOX")
	theirs.do("a SELECT INBOX")
	for _, key := range []string{"TEXT zebra", `TEXT "zebra crossing"`, `BODY "a ZEBRA"`, "TEXT chaplo", "BODY nowhere", `FROM "sender 77"`, "SUBJECT chaplo", "TO alice",
		`HEADER Message-ID "<5@"`, "OR BODY trestu SUBJECT gralo", "NOT BODY ba", `TEXT "b.example.test; Mon"`} {
		var took [2]time.Duration
		var answer [2][]string
		for i, p := range []*peer{ours, theirs} {
			p.do("w SEARCH " + key) // caches are filled
			best := time.Hour
			for range 3 {
				start := time.Now()
				answer[i] = p.do("s SEARCH " + key)
				best = min(best, time.Since(start))
			}
			took[i] = best
		}
		require.Equal(t, answer[1], answer[0], key)
		t.Logf("%-32s ours %10v  Dovecot %10v  x %.1f", key, took[0], took[1], float64(took[1])/float64(took[0]))
	}
	if n < 1000 {
		return
	}
	var size int64
	for _, name := range []string{"buuta.text", "buuta.text.index"} {
		info, err := os.Stat(filepath.Join(dir, "alice", name))
		require.NoError(t, err)
		size += info.Size()
	}
	t.Logf("cache: %d octets a message", size/int64(n))
}
