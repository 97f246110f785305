package imapserver_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/internal/peers"
	"github.com/buuta/mail/mime/charset"
)

// pipeConn is a conversation with a program on its standard input and output.
type pipeConn struct {
	io.Reader
	io.WriteCloser
	net.Conn // none: what isn't overridden isn't used
}

func (c pipeConn) Read(p []byte) (int, error)       { return c.Reader.Read(p) }
func (c pipeConn) Write(p []byte) (int, error)      { return c.WriteCloser.Write(p) }
func (c pipeConn) Close() error                     { return c.WriteCloser.Close() }
func (c pipeConn) SetReadDeadline(time.Time) error  { return nil }
func (c pipeConn) SetWriteDeadline(time.Time) error { return nil }

// dovecotIMAP starts Debian's Dovecot as an IMAP server for one user with an empty mailbox. It skips where there is none.
func dovecotIMAP(t *testing.T) *peer {
	t.Helper()
	cmd := peers.DovecotAlone(t).IMAP()
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	p := &peer{t, pipeConn{Reader: out, WriteCloser: in}, bufio.NewReaderSize(out, 1<<20)}
	require.Contains(t, p.line(), "PREAUTH")
	return p
}

// conversations are messages that answer each other in all the ways that threading has rules for.
func conversations() []string {
	var all []string
	add := func(id, refs, inReplyTo, subject string, day int) {
		m := fmt.Sprintf("Date: Thu, %d Jan 2026 10:00:%02d +0700\r\nFrom: =?UTF-8?Q?Tr=E1=BA=A7n_%d?= <u%d@x.test>\r\nTo: \"List %d\" <list@x.test>\r\nCc: c%d@x.test\r\n",
			day%28+1, len(all)%60, len(all)%7, len(all)%5, len(all)%3, len(all)%4)
		for _, f := range [][2]string{{"Message-ID", id}, {"References", refs}, {"In-Reply-To", inReplyTo}, {"Subject", subject}} {
			if f[1] != "" {
				m += f[0] + ": " + f[1] + "\r\n"
			}
		}
		all = append(all, m+"\r\nbody\r\n"+strings.Repeat("x", len(all)*13%97)+"\r\n")
	}
	add("<a@x>", "", "", "lunch", 3)
	add("<b@x>", "<a@x>", "", "Re: lunch", 1)
	add("<c@x>", "<a@x> <b@x>", "", "Re: lunch", 2)
	add("<d@x>", "", "<a@x> and <b@x>", "another word", 9)
	add("<e@x>", "<gone1@x>", "", "orphans", 4)
	add("<f@x>", "<gone1@x>", "", "orphans too", 5)
	add("<g@x>", "<gone2@x> <gone3@x>", "", "deep orphan", 6)
	add("<h@x>", "<gone2@x>", "", "Re: deep orphan", 7)
	add("<i@x>", "<j@x>", "", "loop", 8)
	add("<j@x>", "<i@x>", "", "loop", 8)
	add("<a@x>", "", "", "same id as the first", 10)
	add("", "", "", "no id", 11)
	add("", "<a@x>", "", "no id, answers", 12)
	add("<\"k\"@x>", "", "", "quoted", 13)
	add("<l@x>", "<k@x>", "", "to quoted", 14)
	add("<m@x>", "", "", "[list] Weekly report (fwd)", 15)
	add("<n@x>", "", "", "Re: [list] weekly REPORT", 16)
	add("<o@x>", "", "", "Fwd: Weekly report", 17)
	add("<p@x>", "", "", "[Fwd: Weekly report]", 18)
	add("<q@x>", "", "", "Weekly report", 19)
	add("<r@x>", "", "", "=?UTF-8?Q?H=C3=B3a_=C4=91=C6=A1n?=", 20)
	add("<s@x>", "", "", "Re: =?UTF-8?Q?H=C3=93A_=C4=90=C6=A0N?=", 21)
	add("<t@x>", "<u@x> <v@x>", "", "links of others", 22)
	add("<v@x>", "<w@x>", "", "its own parent", 23)
	add("<w@x>", "", "", "that parent", 24)
	add("<y@x>", "<z@x> <y@x>", "", "refers to itself", 25)
	for i := range 40 {
		add(fmt.Sprintf("<m%d@y>", i), fmt.Sprintf("<m%d@y> <m%d@y>", i/3, i/2), "", []string{"chain", "Re: chain", "fork", "re: Fork"}[i%4], i)
	}
	return all
}

// Both servers get the same messages with the same dates of arrival and are asked to sort and thread them. Where Dovecot
// differs it is said why.
func TestSortAndThreadAsDovecot(t *testing.T) {
	theirs := dovecotIMAP(t)
	f := newFixture(t, func(s *imapserver.Server) { s.CharsetReader = charset.NewReader })
	ours := f.login("")
	files, err := filepath.Glob("../../mime/testdata/corpus/*.eml")
	require.NoError(t, err)
	require.Greater(t, len(files), 300)
	load := func(box string, messages []string) {
		theirs.do("a CREATE " + box)
		tx, err := f.box(box).Append(t.Context())
		require.NoError(t, err)
		for i, m := range messages {
			at := time.Date(2026, 1, 1, 0, 0, (i*7919)%86400, 0, time.UTC)
			require.NoError(t, tx.Add(t.Context(), strings.NewReader(m), &mail.AppendOptions{InternalDate: at}))
			theirs.send(fmt.Sprintf("a APPEND %s \"%s\" {%d+}\r\n%s\r\n", box, at.Format("_2-Jan-2006 15:04:05 -0700"), len(m), m))
			for l := ""; !strings.HasPrefix(l, "a "); {
				l = theirs.line()
				require.False(t, strings.HasPrefix(l, "a NO") || strings.HasPrefix(l, "a BAD"), "message %d: %s", i, l)
			}
		}
		_, err = tx.Commit(t.Context())
		require.NoError(t, err)
		theirs.do("a SELECT " + box)
		ours.do("a SELECT " + box)
	}
	compare := func(command string) {
		got, want := ours.do("s "+command), theirs.do("s "+command)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s\nours    %q\nDovecot %q", command, got, want)
		}
	}
	sorts := []string{"ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO", "SUBJECT REVERSE DATE", "REVERSE FROM SIZE"}
	load("threads", conversations())
	for _, by := range sorts {
		compare("SORT (" + by + ") UTF-8 ALL")
	}
	for _, alg := range []string{"REFERENCES", "REFS", "ORDEREDSUBJECT"} {
		compare("THREAD " + alg + " UTF-8 ALL")
	}
	var corpus []string
	odd := strings.Fields(readDifferently)
	var left mail.UIDSet // those that are read differently
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		if len(b) == 0 || bytes.Contains(b, []byte{0}) { // Dovecot takes no empty message, and APPEND no NUL
			continue
		}
		corpus = append(corpus, string(b))
		if strings.Contains(strings.ReplaceAll(readDifferently, "\n", " "), " "+strings.TrimSuffix(filepath.Base(name), ".eml")+" ") {
			left.Add(mail.UID(len(corpus)))
		}
	}
	require.Equal(t, len(odd), left.Count())
	load("corpus", corpus)
	for _, by := range sorts {
		compare("SORT (" + by + ") UTF-8 NOT UID " + left.String())
	}
	for _, alg := range []string{"REFERENCES", "REFS", "ORDEREDSUBJECT"} {
		compare("THREAD " + alg + " UTF-8 NOT UID " + left.String())
	}
}

// readDifferently are the damaged messages whose header Dovecot reads otherwise than package mime does, so that they are
// sorted by other values; how they then are sorted is no other. Dates: forms that RFC 5322 doesn't have, which Dovecot
// takes for missing or of which it ignores the zone. Addresses: what it makes of a damaged one. Encoded words: charsets it
// doesn't know or that say what they aren't, characters split over two words, padding, RFC 2231 languages. Line ends: RFC822.SIZE
// counts CR before CRLF otherwise. And of hostile-problems it sees no Subject behind lines that are no fields.
const readDifferently = ` date-am-pm date-asctime date-fraction date-iso-8601-blank date-iso-8601 date-month-first
 date-month-in-full date-month-with-hyphens date-three-digit-year date-zone-gmt-plus date-zone-impossible date-zone-name-unknown
 date-zone-with-colon from-angle-empty from-angle-twice from-angle-with-mailto from-comment-unfinished from-empty
 from-encoded-name-with-comma from-list-with-empty-entries from-no-local-part from-obsolete-blanks from-quote-unfinished
 from-two-at mailer-cron hostile-angles hostile-quotes hostile-comments-deep header-with-cr-cr-lf lines-cr-cr-lf lines-lf-cr
 lines-lf-only hostile-problems subject-b-character-split-over-words subject-b-padding-in-the-middle subject-b-without-padding
 subject-character-split-over-words subject-word-in-two-charsets subject-word-of-euc-kr subject-word-of-latin1-that-is-windows
 subject-word-of-unknown-charset subject-word-with-language subject-word-with-nul subject-word-with-question-mark
 subject-word-without-charset `
