package imapserver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver"
)

// sortable are messages that every criterion puts into another order.
func sortable(f *fixture) {
	f.add("INBOX",
		"Date: Mon, 5 Jan 2026 12:00:00 +0000\nFrom: \"Zoe\" <beta@x.test>\nTo: m2@x.test\nCc: c3@x.test\nSubject: Re: [list] banana\n\n"+strings.Repeat("x", 300),
		"Date: Mon, 5 Jan 2026 12:30:00 +0100\nFrom: alpha@x.test\nTo: \"An\" <m1@x.test>\nSubject: Apple\n\n",
		"From: =?UTF-8?Q?=C3=81nh?= <gamma@x.test>\nTo: group: a@x.test;\nCc: C1@x.test\nSubject: cherry (fwd)\n\n"+strings.Repeat("x", 100),
		"Date: Sun, 4 Jan 2026 23:00:00 -0800\nSubject: apple\nCc: c2@x.test\n\n"+strings.Repeat("x", 200))
}

// RFC 5256 section 3 (SORT) and RFC 5957 section 3 and 4.
func TestSort(t *testing.T) {
	f := newFixture(t, nil)
	sortable(f)
	p := f.login("INBOX")
	for criteria, want := range map[string]string{
		"ARRIVAL": " 1 2 3 4", "REVERSE ARRIVAL": " 1 2 3 4", // "REVERSE … does not affect the implicit "sequence number" sort criterion"
		// 4 is 5 Jan 07:00 UTC, 2 is 11:30 UTC, 1 is 12:00 UTC; 3 has no Date: "the INTERNALDATE for that message is used"
		"DATE": " 4 2 1 3", "REVERSE DATE": " 3 1 2 4",
		"SIZE": " 2 3 4 1",
		// base subjects are banana, Apple, cherry, apple: collation without case
		"SUBJECT": " 2 4 1 3", "REVERSE SUBJECT": " 3 1 2 4", "SUBJECT DATE": " 4 2 1 3", "SUBJECT REVERSE DATE": " 2 4 1 3",
		// "The empty string always collates before non-empty strings."
		"FROM": " 4 2 1 3", "CC": " 2 3 4 1", "TO": " 4 3 2 1",
		// alpha@x.test, Zoe, Ánh (which decomposes to A), none
		"DISPLAYFROM": " 4 2 3 1", "DISPLAYTO": " 4 2 3 1",
	} {
		require.Equal(t, []string{"* SORT" + want}, p.do("a SORT ("+criteria+") UTF-8 ALL"), criteria)
	}
	p.do(`s STORE 2 +FLAGS (\Deleted)`)
	p.dialogue(`
		C: a UID SORT (SUBJECT) US-ASCII UNDELETED
		S: * SORT 4 1 3
		S: a OK UID SORT completed.
		C: b SORT (SUBJECT) UTF-8 TEXT "not in mailbox"
		S: * SORT
		S: b OK SORT completed.
		C: c SORT (SUBJECT) KOI8-R ALL
		S: c NO [BADCHARSET (US-ASCII UTF-8)] Unknown charset.
		C: d SORT (FOO) UTF-8 ALL
		S: d BAD [PARSE] …
		C: e SORT (RELEVANCY) UTF-8 ALL
		S: e BAD RELEVANCY needs FUZZY`)
}

// RFC 5267 section 3.1 and 3.3: ESORT's options are SEARCH's, "in the requested sort order".
func TestESort(t *testing.T) {
	f := newFixture(t, nil)
	sortable(f)
	f.login("INBOX").dialogue(`
		C: a UID SORT RETURN () (REVERSE DATE) UTF-8 ALL
		S: * ESEARCH (TAG "a") UID ALL 3,1:2,4
		S: a OK UID SORT completed.
		C: b SORT RETURN (MIN MAX COUNT) (SUBJECT) UTF-8 ALL
		S: * ESEARCH (TAG "b") MIN 2 MAX 3 COUNT 4
		S: b OK SORT completed.
		C: c SORT RETURN (PARTIAL 2:3) (SUBJECT) UTF-8 ALL
		S: * ESEARCH (TAG "c") PARTIAL (2:3 4,1)
		S: c OK SORT completed.
		C: d SORT RETURN (PARTIAL -1:-2) (SUBJECT) UTF-8 ALL
		S: * ESEARCH (TAG "d") PARTIAL (-1:-2 1,3)
		S: d OK SORT completed.
		C: e SORT RETURN (SAVE MIN PARTIAL 4:9) (SUBJECT) UTF-8 ALL
		S: * ESEARCH (TAG "e") MIN 2 PARTIAL (4:9 3)
		S: e OK SORT completed.
		C: f SEARCH $
		S: * SEARCH 2 3
		S: f OK SEARCH completed.
		C: g SORT RETURN (MIN COUNT) (SUBJECT) UTF-8 DELETED
		S: * ESEARCH (TAG "g") COUNT 0
		S: g OK SORT completed.`)
}

// RFC 7162 section 3.1.9 and 3.1.10: the MODSEQ of SORT and of ESORT.
func TestSortModSeq(t *testing.T) {
	f := newFixture(t, nil)
	for _, s := range []string{"c", "b", "a"} {
		f.add("INBOX", "Subject: "+s+"\n\n")
	}
	f.login("INBOX").dialogue(`
		C: a SORT (SUBJECT) UTF-8 MODSEQ 3
		S: * OK [HIGHESTMODSEQ 4] Highest.
		S: * SORT 3 2 (MODSEQ 4)
		S: a OK SORT completed.
		C: b SORT RETURN (MAX) (SUBJECT) UTF-8 MODSEQ 1
		S: * ESEARCH (TAG "b") MAX 1 MODSEQ 2
		S: b OK SORT completed.
		C: c SORT RETURN (PARTIAL 1:1) (SUBJECT) UTF-8 MODSEQ 1
		S: * ESEARCH (TAG "c") PARTIAL (1:1 3) MODSEQ 4
		S: c OK SORT completed.
		C: d SORT (SUBJECT) UTF-8 MODSEQ 9
		S: * SORT
		S: d OK SORT completed.`)
}

// RFC 5256 section 3 (THREAD): the three algorithms, in numbers and UIDs, of the messages that match only.
func TestThread(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", "Subject: gone\n\n")
	message := func(id, date, subject, refs string) string {
		return fmt.Sprintf("Date: %s Jan 2026 12:00:00 +0000\nMessage-ID: <%s@x>\nSubject: %s\nReferences: %s\n\n", date, id, subject, refs)
	}
	f.add("INBOX", message("a", "1", "lunch", ""), message("b", "2", "Re: lunch", "<a@x>"), message("c", "3", "other", ""),
		message("d", "9", "Re: LUNCH", "<z@x>"), message("e", "5", "Re: lunch", "<a@x> <\"b\"@x>"))
	p := f.login("INBOX")
	p.do(`x STORE 1 +FLAGS (\Deleted)`)
	p.do(`x EXPUNGE`)
	p.dialogue(`
		C: a THREAD REFERENCES UTF-8 ALL
		S: * THREAD (1 (2 5)(4))(3)
		S: a OK THREAD completed.
		C: b UID THREAD references UTF-8 ALL
		S: * THREAD (2 (3 6)(5))(4)
		S: b OK UID THREAD completed.
		C: c THREAD ORDEREDSUBJECT UTF-8 ALL
		S: * THREAD (1 (2)(5)(4))(3)
		S: c OK THREAD completed.
		C: d THREAD REFS UTF-8 ALL
		S: * THREAD (3)(1 2 5)(4)
		S: d OK THREAD completed.
		C: e THREAD REFERENCES UTF-8 2:5
		S: * THREAD ((2 5)(4))(3)
		S: e OK THREAD completed.
		C: f THREAD REFERENCES US-ASCII TEXT "gewp"
		S: * THREAD
		S: f OK THREAD completed.
		C: g THREAD FOO UTF-8 ALL
		S: g BAD Unknown threading algorithm
		C: h THREAD REFERENCES KOI8-R ALL
		S: h NO [BADCHARSET …
		C: i UID SEARCH RETURN (SAVE) 1:2
		S: i OK …
		C: j THREAD REFERENCES UTF-8 $
		S: * THREAD (1 2)
		S: j OK THREAD completed.`)
}

// What the index doesn't have is read from the message.
func TestSortWithoutIndex(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Store = noIndex{s.Store} })
	sortable(f)
	p := f.login("INBOX")
	require.Equal(t, []string{"* SORT 2 4 1 3"}, p.do("a SORT (SUBJECT) UTF-8 ALL"))
	require.Equal(t, []string{"* THREAD (4 2)(1)(3)"}, p.do("a THREAD ORDEREDSUBJECT UTF-8 ALL"))
}

// Each extension of the family can be switched off, and is then neither announced nor known.
func TestSearchFamilySwitchedOff(t *testing.T) {
	for name, commands := range map[imap.Capability][]string{
		imap.CapSort: {"SORT (DATE) UTF-8 ALL", "SORT RETURN () (DATE) UTF-8 ALL"}, imap.CapSortDisplay: {"SORT (DISPLAYTO) UTF-8 ALL"},
		imap.CapESort:         nil,
		imap.CapThreadRefs:    {"THREAD REFS UTF-8 ALL"},
		imap.CapThreadOrdered: {"THREAD ORDEREDSUBJECT UTF-8 ALL"}, imap.CapThreadReferences: {"THREAD REFERENCES UTF-8 ALL"},
		imap.CapContextSearch: {"SEARCH RETURN (UPDATE) ALL", "SEARCH RETURN (CONTEXT COUNT) ALL"},
		imap.CapContextSort:   {"SORT RETURN (UPDATE) (DATE) UTF-8 ALL"},
		imap.CapPartial:       {"UID FETCH 1:* (FLAGS) (PARTIAL 1:2)"},
		imap.CapMultiSearch:   {"ESEARCH IN (personal) ALL"}, imap.CapSearchFuzzy: {"SEARCH FUZZY SUBJECT x", "SORT (RELEVANCY) UTF-8 FUZZY SUBJECT x"},
		imap.CapFilters: {"SEARCH FILTER x"}, imap.CapUIDBatches: {"UIDBATCHES 500"}, imap.CapWithin: {"SEARCH OLDER 5"},
		imap.CapObjectID: {"SEARCH EMAILID x"}, imap.CapSaveDate: {"SEARCH SAVEDON 1-Jan-2026"}, imap.CapSearchRes: {"SEARCH RETURN (SAVE) ALL"},
		imap.CapI18NLevel1: nil, imap.CapInProgress: nil,
	} {
		on := newFixture(t, nil)
		caps := " " + strings.Join(on.login("").do("c CAPABILITY"), " ") + " "
		require.Contains(t, caps, " "+string(name)+" ")
		p := on.login("INBOX")
		for _, c := range commands {
			_, status := p.try("a " + c)
			require.NotContains(t, status, "BAD", "%s", c)
		}
		off := newFixture(t, func(s *imapserver.Server) { s.Without = []imap.Capability{name} })
		caps = " " + strings.Join(off.login("").do("c CAPABILITY"), " ") + " "
		require.NotContains(t, caps, " "+string(name)+" ")
		p = off.login("INBOX")
		for _, c := range commands {
			_, status := p.try("a " + c)
			require.Contains(t, status, " BAD ", "%s", c)
		}
	}
}
