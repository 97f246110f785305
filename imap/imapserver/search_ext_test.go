package imapserver_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapserver"
)

// fill puts n messages with the subjects "m1", "m2" … into a mailbox.
func fill(f *fixture, box string, n int) {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("Subject: m%d\n\n", i+1)
	}
	f.add(box, all...)
}

// RFC 9394 section 3.1 and 3.2, with its table of what "$" holds.
func TestSearchPartial(t *testing.T) {
	f := newFixture(t, nil)
	fill(f, "INBOX", 10)
	p := f.login("INBOX")
	p.do(`x STORE 3 +FLAGS (\Deleted)`)
	p.do(`x EXPUNGE`)
	p.dialogue(`
		C: a UID SEARCH RETURN (PARTIAL 1:3) ALL
		S: * ESEARCH (TAG "a") UID PARTIAL (1:3 1:2,4)
		S: a OK UID SEARCH completed.
		C: b SEARCH RETURN (PARTIAL -1:-3 COUNT) ALL
		S: * ESEARCH (TAG "b") PARTIAL (-1:-3 7:9) COUNT 9
		S: b OK SEARCH completed.
		C: c UID SEARCH RETURN (PARTIAL 8:20) ALL
		S: * ESEARCH (TAG "c") UID PARTIAL (8:20 9:10)
		S: c OK UID SEARCH completed.
		C: d UID SEARCH RETURN (PARTIAL 24000:24500) ALL
		S: * ESEARCH (TAG "d") UID PARTIAL (24000:24500 NIL)
		S: d OK UID SEARCH completed.
		C: e SEARCH RETURN (PARTIAL 1:2) DELETED
		S: * ESEARCH (TAG "e") PARTIAL (1:2 NIL)
		S: e OK SEARCH completed.
		C: f SEARCH RETURN (PARTIAL 1:2 ALL) ALL
		S: f BAD [PARSE] PARTIAL and ALL exclude each other`)
	for options, saved := range map[string]string{
		"SAVE PARTIAL 2:3": " 2 4", "SAVE PARTIAL 2:3 MIN": " 1 2 4", "SAVE PARTIAL 2:3 MAX": " 2 4 10",
		"SAVE PARTIAL 2:3 MIN MAX": " 1 2 4 10", "SAVE PARTIAL 2:3 COUNT": " 1 2 4 5 6 7 8 9 10",
		"SAVE PARTIAL 2:3 COUNT MIN": " 1 2 4 5 6 7 8 9 10", "SAVE PARTIAL 100:200": "",
	} {
		p.do("a SEARCH RETURN (" + options + ") ALL")
		require.Equal(t, []string{"* SEARCH" + saved}, p.do("b UID SEARCH $"), options)
	}
}

// RFC 9394 section 3.3 and 3.4.
func TestFetchPartial(t *testing.T) {
	f := newFixture(t, nil)
	fill(f, "INBOX", 9)
	p := f.login("INBOX")
	p.dialogue(`
		C: a UID FETCH 2:8 (UID) (PARTIAL -1:-3)
		S: * 6 FETCH (UID 6)
		S: * 7 FETCH (UID 7)
		S: * 8 FETCH (UID 8)
		S: a OK UID FETCH completed.
		C: b UID FETCH 2:8,100:200 (UID) (PARTIAL 1:2)
		S: * 2 FETCH (UID 2)
		S: * 3 FETCH (UID 3)
		S: b OK UID FETCH completed.
		C: c UID FETCH 1:* (UID) (PARTIAL 20:30)
		S: c OK UID FETCH completed.
		C: d FETCH 1:* (UID) (PARTIAL 1:2)
		S: d BAD Unknown FETCH modifier
		C: e UID FETCH 1:* (UID) (PARTIAL 1:2 PARTIAL 1:3)
		S: e BAD PARTIAL given twice`)
	p.do(`s STORE 1,8 +FLAGS.SILENT (\Seen)`)
	lines := p.do(`f UID FETCH 1:* (UID) (CHANGEDSINCE 2 PARTIAL -1:-3)`)
	require.Len(t, lines, 2, "%q", lines) // HIGHESTMODSEQ, and of the last three the one that changed
	require.Contains(t, lines[1], "* 8 FETCH (UID 8")
}

// RFC 6203.
func TestSearchFuzzy(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", "Subject: IMAP break\n\n", "Subject: how to break an imap server\n\n", "Subject: other\n\nbreak of imap",
		"From: imap@x.test\nSubject: y\n\nbreak\n", "Subject: break\n\n")
	f.login("INBOX").dialogue(`
		C: a SEARCH FUZZY (SUBJECT "IMAP break")
		S: * SEARCH 1 2
		S: a OK SEARCH completed.
		C: b SEARCH SUBJECT "IMAP break"
		S: * SEARCH 1
		S: b OK SEARCH completed.
		C: c SEARCH RETURN (RELEVANCY ALL) FUZZY TEXT "imap break"
		S: * ESEARCH (TAG "c") ALL 1:4 RELEVANCY (90 80 25 42)
		S: c OK SEARCH completed.
		C: d SORT (RELEVANCY) UTF-8 FUZZY TEXT "imap break"
		S: * SORT 1 2 4 3
		S: d OK SORT completed.
		C: e SORT RETURN (RELEVANCY PARTIAL 1:2) (RELEVANCY) UTF-8 FUZZY TEXT "imap break"
		S: * ESEARCH (TAG "e") PARTIAL (1:2 1:2) RELEVANCY (90 80)
		S: e OK SORT completed.
		C: f SEARCH RETURN (RELEVANCY ALL) TEXT x
		S: f BAD RELEVANCY needs FUZZY
		C: g SEARCH NOT FUZZY SUBJECT "break imap"
		S: * SEARCH 3 4 5
		S: g OK SEARCH completed.
		C: h SEARCH FUZZY 2:3
		S: * SEARCH 2 3
		S: h OK SEARCH completed.`)
}

// setFilter keeps a filter of alice's.
func (f *fixture) setFilter(name, program string) {
	f.Helper()
	a, err := f.store.Account(context.Background(), "alice")
	require.NoError(f, err)
	defer a.Close()
	require.NoError(f, a.(mail.MetadataAccount).SetMetadata(context.Background(), "", []mail.Annotation{{Name: name, Value: []byte(program)}}))
}

// RFC 5466 section 3.1.
func TestSearchFilter(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", "From: boss@example.com\nSubject: a\n\n"+strings.Repeat("x", 6000), "Subject: b\n\n", "Subject: c\n\n"+strings.Repeat("x", 6000))
	f.setFilter("/private/filters/values/on-the-road", `OR SMALLER 5000 FROM "boss@example.com"`)
	f.setFilter("/shared/filters/values/on-the-road", `ALL`)
	f.setFilter("/shared/filters/values/small", `SMALLER 5000`)
	f.setFilter("/private/filters/values/nested", `FILTER small SUBJECT b`)
	f.setFilter("/private/filters/values/loop", `FILTER loop`)
	f.setFilter("/private/filters/values/two", `FILTER two FILTER two`)
	f.setFilter("/private/filters/values/bad", `OR SMALLER`)
	f.setFilter("/private/filters/values/empty", ``)
	f.login("INBOX").dialogue(`
		C: a SEARCH FILTER on-the-road
		S: * SEARCH 1 2
		S: a OK SEARCH completed.
		C: b SEARCH FILTER SMALL
		S: * SEARCH 2
		S: b OK SEARCH completed.
		C: c SEARCH NOT FILTER nested
		S: * SEARCH 1 3
		S: c OK SEARCH completed.
		C: d SEARCH FILTER nowhere
		S: d NO [UNDEFINED-FILTER nowhere] No such filter.
		C: e SEARCH FILTER loop
		S: e NO [UNDEFINED-FILTER loop] No such filter.
		C: f SEARCH FILTER two
		S: f NO [UNDEFINED-FILTER two] No such filter.
		C: g SEARCH FILTER bad
		S: g NO [UNDEFINED-FILTER bad] Filter is no search program.
		C: h SEARCH FILTER empty
		S: h NO [UNDEFINED-FILTER empty] Filter is no search program.
		C: i SORT (SUBJECT) UTF-8 FILTER on-the-road
		S: * SORT 1 2
		S: i OK SORT completed.`)
}

// RFC 7377 section 2 and 3.
func TestMultiSearch(t *testing.T) {
	f := newFixture(t, nil)
	for _, box := range []string{"folder1", "folder2", "folder2/banana", "folder2/banana/deep", "folder2/peach"} {
		f.box(box)
	}
	f.add("INBOX", "Subject: chad\n\n", "Subject: x\n\n")
	f.add("folder1", "Subject: x\n\n", "Subject: chad\n\n", "Subject: chad\n\n")
	f.add("folder2/banana", "Subject: Chad's\n\n")
	f.add("folder2/banana/deep", "Subject: x\n\n", "Subject: chad\n\n")
	p := f.login("")
	p.dialogue(`
		C: a ESEARCH IN (mailboxes "folder1" subtree "folder2") subject "chad"
		S: * ESEARCH (TAG "a" MAILBOX folder1 UIDVALIDITY …) UID ALL 2:3
		S: * ESEARCH (TAG "a" MAILBOX folder2/banana UIDVALIDITY …) UID ALL 1
		S: * ESEARCH (TAG "a" MAILBOX folder2/banana/deep UIDVALIDITY …) UID ALL 2
		S: a OK ESEARCH completed.
		C: b ESEARCH IN (subtree-one folder2) RETURN (COUNT) subject chad
		S: * ESEARCH (TAG "b" MAILBOX folder2/banana UIDVALIDITY …) UID COUNT 1
		S: b OK ESEARCH completed.
		C: c ESEARCH IN (personal) RETURN (MIN COUNT) subject chad
		S: * ESEARCH (TAG "c" MAILBOX INBOX UIDVALIDITY …) UID MIN 1 COUNT 1
		S: * ESEARCH (TAG "c" MAILBOX folder1 UIDVALIDITY …) UID MIN 2 COUNT 2
		S: * ESEARCH (TAG "c" MAILBOX folder2/banana UIDVALIDITY …) UID MIN 1 COUNT 1
		S: * ESEARCH (TAG "c" MAILBOX folder2/banana/deep UIDVALIDITY …) UID MIN 2 COUNT 1
		S: c OK ESEARCH completed.
		C: d ESEARCH IN (mailboxes (nowhere folder1 folder1)) RETURN (PARTIAL 2:2) subject chad
		S: * ESEARCH (TAG "d" MAILBOX folder1 UIDVALIDITY …) UID PARTIAL (2:2 3)
		S: d OK ESEARCH completed.
		C: e ESEARCH IN (personal) subject nothing
		S: e OK ESEARCH completed.
		C: f ESEARCH subject chad
		S: f BAD No mailbox selected
		C: g ESEARCH IN (selected personal) ALL
		S: g BAD No mailbox selected
		C: h ESEARCH IN (personal) RETURN (SAVE) ALL
		S: h BAD SAVE is for the selected mailbox alone
		C: i ESEARCH IN (selected-delayed) ALL
		S: i BAD SELECTED-DELAYED is for NOTIFY
		C: j ESEARCH IN (personal) RETURN (UPDATE) ALL
		S: j BAD UPDATE needs a selected mailbox`)
	p.do("k SELECT folder1")
	p.do(`k STORE 3 +FLAGS (\Deleted)`)
	p.dialogue(`
		C: l ESEARCH subject chad
		S: * ESEARCH (TAG "l" MAILBOX folder1 UIDVALIDITY …) UID ALL 2:3
		S: l OK ESEARCH completed.
		C: m ESEARCH IN (selected inboxes) RETURN (ALL) subject chad UNDELETED 1:2
		S: * ESEARCH (TAG "m" MAILBOX INBOX UIDVALIDITY …) UID ALL 1
		S: * ESEARCH (TAG "m" MAILBOX folder1 UIDVALIDITY …) UID ALL 2
		S: m OK ESEARCH completed.
		C: n ESEARCH RETURN (SAVE) DELETED
		S: n OK ESEARCH completed.
		C: o SEARCH $
		S: * SEARCH 3
		S: o OK SEARCH completed.`)
	g := newFixture(t, func(s *imapserver.Server) { s.Limits.SearchMailboxes = 2 })
	g.box("a")
	g.box("b")
	_, status := g.login("").try("a ESEARCH IN (personal) ALL")
	require.Equal(t, "a NO [LIMIT] Too many mailboxes for one search.", status)
}

// draft-ietf-mailmaint-imap-uidbatches: equally many messages in each, the newest first, every UID in one.
func TestUIDBatches(t *testing.T) {
	f := newFixture(t, nil)
	p := f.login("INBOX")
	require.Equal(t, []string{`* UIDBATCHES (TAG "a")`}, p.do("a UIDBATCHES 500"))
	fill(f, "INBOX", 1700)
	p.do("x NOOP")
	p.do(`x STORE 1,1001:1200 +FLAGS.SILENT (\Deleted)`)
	p.do("x EXPUNGE") // 1499 are left: UIDs 2 to 1000 and 1201 to 1700
	p.dialogue(`
		C: a UIDBATCHES 500
		S: * UIDBATCHES (TAG "a") 1700:1001,1000:501,500:1
		S: a OK UIDBATCHES completed.
		C: b UIDBATCHES 600 2:2
		S: * UIDBATCHES (TAG "b") 900:301
		S: b OK UIDBATCHES completed.
		C: c UIDBATCHES 2000
		S: * UIDBATCHES (TAG "c") 1700:1
		S: c OK UIDBATCHES completed.
		C: d UIDBATCHES 500 9:10
		S: * UIDBATCHES (TAG "d")
		S: d OK UIDBATCHES completed.
		C: e UIDBATCHES 499
		S: e NO [TOOSMALL] …
		C: f UIDBATCHES 10000 1:11
		S: f NO [LIMIT] …
		C: g UIDBATCHES 500 6:5
		S: g BAD …
		C: h UIDBATCHES
		S: h BAD …
		C: i UIDBATCHES 500 5
		S: i BAD …`)
	for _, r := range []string{"1001:1700", "501:1000", "1:500"} {
		lines := p.do("s UID SEARCH RETURN (COUNT) UID " + r)
		require.Contains(t, lines[0], map[bool]string{true: "COUNT 499", false: "COUNT 500"}[r == "1:500"])
	}
}

// RFC 9738 section 3.1 to 3.4. The limit is smaller than what it should be, to be seen.
func TestMessageLimit(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Limits.MessagesPerCommand = 3 })
	fill(f, "INBOX", 8)
	f.box("Trash")
	p := f.login("INBOX")
	require.Contains(t, p.do("x CAPABILITY")[0], " MESSAGELIMIT=3")
	p.dialogue(`
		C: a FETCH 2:7 (UID)
		S: * 5 FETCH (UID 5)
		S: * 6 FETCH (UID 6)
		S: * 7 FETCH (UID 7)
		S: a OK [MESSAGELIMIT 3 5] Completed for the last 3 messages.
		C: b UID SEARCH UID 1:6 UNDELETED
		S: * SEARCH 4 5 6
		S: b OK [MESSAGELIMIT 3 4] …
		C: c UID COPY 1:4 Trash
		S: c NO [MESSAGELIMIT 3] Too many messages for one command.
		C: d UID COPY 1:3 Trash
		S: d OK [COPYUID …
		C: e UID STORE 1:6 +FLAGS.SILENT (\Deleted)
		S: e OK [MESSAGELIMIT 3 4] …
		C: f UID FETCH 1:* (UID) (PARTIAL -1:-4)
		S: f NO [MESSAGELIMIT 3] …
		C: g UID FETCH 1:* (UID) (PARTIAL 1:2)
		S: * 1 FETCH (UID 1)
		S: * 2 FETCH (UID 2)
		S: g OK UID FETCH completed.
		C: h UID SEARCH RETURN (SAVE) ALL
		S: h OK [MESSAGELIMIT 3 6] …
		C: i UID SEARCH RETURN (COUNT) UID $
		S: * ESEARCH (TAG "i") UID COUNT 3
		S: i OK UID SEARCH completed.
		C: j UID SEARCH UIDAFTER 5 UIDBEFORE 8
		S: * SEARCH 6 7
		S: j OK UID SEARCH completed.
		C: k THREAD REFERENCES UTF-8 ALL
		S: k NO [MESSAGELIMIT 3] …
		C: l UID SORT (REVERSE ARRIVAL SIZE) UTF-8 1:4
		S: * SORT 1 2 3 4
		S: l OK UID SORT completed.
		C: m UID MOVE 5:8 Trash
		S: * OK [COPYUID … 6:8 4:6] Moved.
		S: * 8 EXPUNGE
		S: * 7 EXPUNGE
		S: * 6 EXPUNGE
		S: m OK [MESSAGELIMIT 3 6] …
		C: n STORE 1:3 +FLAGS.SILENT (\Deleted)
		S: n OK STORE completed.
		C: o UID EXPUNGE 1:8
		S: * 5 EXPUNGE
		S: * 4 EXPUNGE
		S: * 3 EXPUNGE
		S: o OK [MESSAGELIMIT 3 3] …
		C: p EXPUNGE
		S: * 2 EXPUNGE
		S: * 1 EXPUNGE
		S: p OK EXPUNGE completed.`)
	p.send("q APPEND INBOX {1+}\r\nx {1+}\r\nx {1+}\r\nx {1+}\r\nx\r\n")
	require.Equal(t, "q NO [MESSAGELIMIT 3] Too many messages for one command.", p.line())
	require.Equal(t, []string{"* SEARCH"}, p.do("r SEARCH ALL"))

	// SAVELIMIT is for COPY and APPEND only.
	g := newFixture(t, func(s *imapserver.Server) { s.Limits.MessagesPerSave = 2 })
	fill(g, "INBOX", 4)
	g.box("Trash")
	p = g.login("INBOX")
	require.Contains(t, p.do("x CAPABILITY")[0], " SAVELIMIT=2")
	_, status := p.try("a COPY 1:3 Trash")
	require.Equal(t, "a NO [MESSAGELIMIT 2] Too many messages for one command.", status)
	require.Len(t, p.do("b FETCH 1:4 UID"), 4)
	// Switched off, there is no limit.
	g = newFixture(t, func(s *imapserver.Server) {
		s.Limits.MessagesPerCommand = 2
		s.Without = append(s.Without, "MESSAGELIMIT")
	})
	fill(g, "INBOX", 4)
	p = g.login("INBOX")
	require.NotContains(t, p.do("x CAPABILITY")[0], "LIMIT=2")
	require.Len(t, p.do("b FETCH 1:4 UID"), 4)
}

// slowCopy is a store whose COPY takes until it is let go, or cancelled.
type slowCopy struct {
	mail.Store
	begun, goOn chan struct{}
	cancelled   atomic.Bool
}
type slowCopyAccount struct {
	mail.Account
	s *slowCopy
}
type slowCopyMailbox struct {
	mail.Mailbox
	s *slowCopy
}

func (s *slowCopy) Account(ctx context.Context, name string) (mail.Account, error) {
	a, err := s.Store.Account(ctx, name)
	return slowCopyAccount{a, s}, err
}

func (a slowCopyAccount) Open(ctx context.Context, name string) (mail.Mailbox, error) {
	b, err := a.Account.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return slowCopyMailbox{b, a.s}, nil
}

func (b slowCopyMailbox) Copy(ctx context.Context, set mail.UIDSet, to mail.MailboxID, o *mail.CopyOptions) (mail.UIDMap, error) {
	b.s.begun <- struct{}{}
	select {
	case <-b.s.goOn:
		return b.Mailbox.Copy(ctx, set, to, o)
	case <-ctx.Done():
		b.s.cancelled.Store(true)
		return mail.UIDMap{}, ctx.Err()
	}
}

// RFC 9585 section 4: a COPY that takes long says so, and one whose client is gone is cancelled.
func TestInProgressCopy(t *testing.T) {
	store := &slowCopy{begun: make(chan struct{}, 1), goOn: make(chan struct{}, 1)}
	f := newFixture(t, func(s *imapserver.Server) {
		store.Store, s.Store = s.Store, store
		s.Timeouts.Progress = time.Millisecond
	})
	fill(f, "INBOX", 2)
	p := f.login("INBOX")
	p.send("a COPY 1:2 INBOX\r\n")
	<-store.begun
	require.Equal(t, `* OK [INPROGRESS ("a" NIL NIL)] Still working.`, p.line())
	store.goOn <- struct{}{}
	for {
		if l := p.line(); strings.HasPrefix(l, "a ") {
			require.Contains(t, l, "a OK [COPYUID ")
			break
		}
	}
	p.send("b COPY 1:2 INBOX\r\n")
	<-store.begun
	require.NoError(t, p.Conn.(*net.TCPConn).SetLinger(0))
	require.NoError(t, p.Close())
	require.Eventually(t, store.cancelled.Load, waitLong, waitShort)
}
