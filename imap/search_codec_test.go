package imap_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap"
)

// read decodes a line with f.
func read[T any](t *testing.T, line string, f func(*imap.Decoder) T) T {
	t.Helper()
	d := imap.NewDecoder(strings.NewReader(line + "\r\n"))
	d.UTF8 = true
	v := f(d)
	require.NoError(t, d.CRLF(), "%s", line)
	return v
}

// refused requires that a line is a syntax error.
func refused(t *testing.T, line string, f func(*imap.Decoder)) {
	t.Helper()
	d := imap.NewDecoder(strings.NewReader(line + "\r\n"))
	f(d)
	require.Error(t, d.CRLF(), "%s", line)
}

type sortCommand struct {
	o   imap.SearchOptions
	by  []imap.SortCriterion
	key imap.SearchKey
}

func readSort(d *imap.Decoder) (s sortCommand) {
	s.o, s.by, s.key = d.SortProgram()
	return s
}

// RFC 5256 section 5, RFC 5267 section 3.3 and 4.4, RFC 5957 section 5, RFC 6203 section 6, RFC 9394 section 3.1.
func TestSortProgram(t *testing.T) {
	for _, line := range []string{
		`(SUBJECT REVERSE DATE) UTF-8 ALL`,
		`(SUBJECT) US-ASCII TEXT "not in mailbox"`,
		`RETURN (ALL) (REVERSE DATE) UTF-8 (UNDELETED UNKEYWORD $Junk)`,
		`RETURN (RELEVANCY ALL) (RELEVANCY) UTF-8 FUZZY TEXT "Helo there"`,
		`RETURN (UPDATE PARTIAL 1:10) (DISPLAYFROM REVERSE DISPLAYTO ARRIVAL CC FROM SIZE TO) UTF-8 (FILTER x UIDAFTER 7)`,
		`RETURN (CONTEXT SAVE MIN MAX COUNT PARTIAL -1:-100) (DATE) UTF-8 UIDBEFORE 7`,
	} {
		s := read(t, line, readSort)
		require.Equal(t, line, encode(func(e *imap.Encoder) { e.SortProgram(s.o, s.by, s.key) }))
	}
	s := read(t, `return () (reverse date) utf-8 all`, readSort)
	require.True(t, s.o.All)
	require.Equal(t, []imap.SortCriterion{{Key: imap.SortDate, Reverse: true}}, s.by)
	require.Equal(t, `(DATE) UTF-8 ALL`, encode(func(e *imap.Encoder) {
		e.SortProgram(imap.SearchOptions{}, []imap.SortCriterion{{Key: imap.SortDate}}, imap.SearchKey{Op: imap.SearchAll})
	}))
	for _, line := range []string{
		"() UTF-8 ALL", "(REVERSE) UTF-8 ALL", "(REVERSE REVERSE DATE) UTF-8 ALL", "(FOO) UTF-8 ALL", "(DATE) ALL",
		"DATE UTF-8 ALL", "(DATE) UTF-8", "RETURN (PARTIAL 0:1) (DATE) UTF-8 ALL", "RETURN (PARTIAL 1:*) (DATE) UTF-8 ALL",
		"RETURN (PARTIAL -1:1) (DATE) UTF-8 ALL", "RETURN (PARTIAL 1) (DATE) UTF-8 ALL",
		// "A single command MUST NOT contain more than one PARTIAL or ALL search return option"
		"RETURN (ALL PARTIAL 1:2) (DATE) UTF-8 ALL", "RETURN (PARTIAL 1:2 PARTIAL 1:2) (DATE) UTF-8 ALL",
		"(" + strings.Repeat("DATE ", 30) + "DATE) UTF-8 ALL", "(DATE) UTF-8 FILTER a/b", "(DATE) UTF-8 UIDAFTER 0", "(DATE) UTF-8 FUZZY",
	} {
		refused(t, line, func(d *imap.Decoder) { readSort(d) })
	}
}

// "A range 500:400 is the same as 400:500."; "a PARTIAL return data item that has … a potentially missing set of results
// that may be shorter than the extent of the range" (RFC 9394 section 3.1 and 4).
func TestPartialRange(t *testing.T) {
	for _, test := range []struct {
		line string
		n    int
		a, b int
	}{
		{"1:3", 10, 0, 3}, {"3:1", 10, 0, 3}, {"9:12", 10, 8, 10}, {"11:12", 10, 0, 0}, {"1:5", 0, 0, 0}, {"10:10", 10, 9, 10},
		{"-1:-3", 10, 7, 10}, {"-3:-1", 10, 7, 10}, {"-9:-12", 10, 0, 2}, {"-11:-12", 10, 0, 0}, {"-10:-10", 10, 0, 1},
		{"1:4294967295", 3, 0, 3}, {"-1:-4294967295", 3, 0, 3},
	} {
		p := read(t, test.line, (*imap.Decoder).PartialRange)
		require.Equal(t, test.line, p.String())
		a, b := p.Slice(test.n)
		require.Equal(t, [2]int{test.a, test.b}, [2]int{a, b}, "%s of %d", test.line, test.n)
	}
	require.Equal(t, 500, imap.PartialRange{First: 500, Last: 1}.Len())
}

// The examples of RFC 5256 section 4.
func TestThreadsCodec(t *testing.T) {
	got := read(t, " (2)(3 6 (4 23)(44 7 96))", (*imap.Decoder).Threads)
	require.Equal(t, []imap.Thread{{Num: 2}, {Num: 3, Replies: []imap.Thread{{Num: 6, Replies: []imap.Thread{
		{Num: 4, Replies: []imap.Thread{{Num: 23}}},
		{Num: 44, Replies: []imap.Thread{{Num: 7, Replies: []imap.Thread{{Num: 96}}}}}}}}}}, got)
	got = read(t, " ((3)(5))", (*imap.Decoder).Threads)
	require.Equal(t, []imap.Thread{{Replies: []imap.Thread{{Num: 3}, {Num: 5}}}}, got)
	for _, line := range []string{"", " (2)(3 6 (4 23)(44 7 96))", " ((3)(5))", " (166)((170)(179))(174 (175)(176)(178))((1 2)(3 (4)(5)) (6))"} {
		line = strings.ReplaceAll(line, ") (", ")(")
		got := read(t, line, (*imap.Decoder).Threads)
		require.Equal(t, line, encode(func(e *imap.Encoder) { e.Threads(got) }))
	}
	require.Equal(t, read(t, " (1)(2)", (*imap.Decoder).Threads), read(t, " (1) (2)", (*imap.Decoder).Threads))
	// What can't be written is written as what it means.
	require.Equal(t, " (1)(2)", encode(func(e *imap.Encoder) {
		e.Threads([]imap.Thread{{Replies: []imap.Thread{{Num: 1}}}, {}, {Num: 2}})
	}))
	for _, line := range []string{" (1", " 1)", " (1))", " ()", " (0)", " (1 x)", " (1(2)(3))x", " x"} {
		refused(t, line, func(d *imap.Decoder) { d.Threads() })
	}
}

// "There is no limit to the nesting of threads." (RFC 5256 section 4): neither side needs a stack for it.
func TestThreadsDeep(t *testing.T) {
	const n = 50_000
	root := []imap.Thread{{Num: 1}}
	for at, i := &root[0], uint32(0); i < n; i++ {
		at.Replies = []imap.Thread{{Num: 3*i + 2}, {Num: 3*i + 3}}
		at = &at.Replies[i%2]
	}
	s := encode(func(e *imap.Encoder) { e.Threads(root) })
	d := imap.NewDecoder(strings.NewReader(s + "\r\n"))
	d.SetLimits(imap.DecoderLimits{Line: 8 << 20, Command: 8 << 20})
	got := d.Threads()
	require.NoError(t, d.CRLF())
	again := encode(func(e *imap.Encoder) { e.Threads(got) })
	require.True(t, s == again)
}

type threadCommand struct {
	alg     imap.ThreadAlgorithm
	charset string
	key     imap.SearchKey
}

func TestThreadProgram(t *testing.T) {
	line := `REFERENCES UTF-8 SINCE 5-Mar-2000`
	c := read(t, line, func(d *imap.Decoder) (c threadCommand) {
		c.alg, c.charset, c.key = d.ThreadProgram()
		return c
	})
	require.Equal(t, threadCommand{imap.ThreadReferences, "UTF-8", imap.SearchKey{Op: imap.SearchSince,
		Date: time.Date(2000, 3, 5, 0, 0, 0, 0, time.UTC)}}, c)
	require.Equal(t, line, encode(func(e *imap.Encoder) { e.ThreadProgram(c.alg, "", c.key) }))
}

// Examples of RFC 4731, 5267, 6203, 7377, 9394 and 7162 as they stand, and in our order.
func TestESearchResponse(t *testing.T) {
	for in, want := range map[string]string{
		` (TAG "A282") MIN 2 COUNT 3`:                                     "",
		` (TAG "A283") ALL 2,10:11`:                                       "",
		` (TAG "E01") UID ALL 23765,23764,23763,23761`:                    "",
		` (TAG "A01") UID PARTIAL (-1:-100 7,9)`:                          "",
		` (TAG "A04") UID PARTIAL (24000:24500 NIL)`:                      "",
		` (TAG "B01") UID ADDTO (0 32768:32769)`:                          "",
		` (TAG "B01") UID REMOVEFROM (0 32768)`:                           "",
		` (TAG "C01") UID ADDTO (1 2733 1 2732 1 2731)`:                   ` (TAG "C01") UID ADDTO (1 2733) ADDTO (1 2732) ADDTO (1 2731)`,
		` (TAG "B1") ALL 1,5,10 RELEVANCY (4 99 42)`:                      "",
		` (TAG "C2") ALL 5,10,1 RELEVANCY (99 42 4)`:                      "",
		` (TAG "m") ALL 2 MODSEQ 9223372036854775807`:                     "",
		` (TAG "tag1" MAILBOX "folder1" UIDVALIDITY 1) UID ALL 4001,4003`: ` (TAG "tag1" MAILBOX folder1 UIDVALIDITY 1) UID ALL 4001,4003`,
		` COUNT 0`: ` (TAG "") COUNT 0`,
		` UID`:     ` (TAG "") UID`,
		``:         ` (TAG "")`,
		` (TAG x) X-NEW (a (1 "b")) X2 1:*,3 COUNT 1`: ` (TAG "x") COUNT 1`,
		` (TAG "z") RELEVANCY ()`:                     ` (TAG "z")`,
	} {
		if want == "" {
			want = in
		}
		r := read(t, in, (*imap.Decoder).ESearch)
		require.Equal(t, want, encode(func(e *imap.Encoder) { e.UTF8 = true; e.ESearch(r) }))
	}
	for _, line := range []string{` (TAG`, ` (FOO x) UID`, ` (TAG "a") ALL $`, ` (TAG "a") ALL *`, ` (TAG "a") MIN 0`,
		` (TAG "a") RELEVANCY (101)`, ` (TAG "a") RELEVANCY (0)`, ` (TAG "a") PARTIAL (1:2)`, ` (TAG "a") ADDTO ()`} {
		refused(t, line, func(d *imap.Decoder) { d.ESearch() })
	}
}

func TestSearchData(t *testing.T) {
	for _, line := range []string{"", " 2 3 6", " 20 23 (MODSEQ 917162500)"} {
		require.Equal(t, line, encode(func(e *imap.Encoder) { e.SearchData(read(t, line, (*imap.Decoder).SearchData)) }))
	}
	require.Equal(t, []uint32{2}, read(t, " 2 ", (*imap.Decoder).SearchData).Nums)
	refused(t, " 2 0", func(d *imap.Decoder) { d.SearchData() })
	refused(t, " 2 (FOO 1)", func(d *imap.Decoder) { d.SearchData() })
}

type eSearchCommand struct {
	in  []imap.MailboxFilter
	o   imap.SearchOptions
	key imap.SearchKey
}

func readESearch(d *imap.Decoder) (c eSearchCommand) {
	c.in, c.o, c.key = d.ESearchProgram()
	return c
}

// RFC 7377 section 3 and 4, RFC 5465 section 8.
func TestESearchProgram(t *testing.T) {
	for in, want := range map[string]string{
		`IN (mailboxes "folder1" subtree "folder2") unseen`:                          `IN (MAILBOXES (folder1) SUBTREE (folder2)) UNSEEN`,
		`IN (mailboxes ("folder1" b) subtree-one "folder2") subject "chad"`:          `IN (MAILBOXES (folder1 b) SUBTREE-ONE (folder2)) SUBJECT chad`,
		`in (selected personal inboxes subscribed) return (count) charset utf-8 all`: `IN (SELECTED PERSONAL INBOXES SUBSCRIBED) RETURN (COUNT) CHARSET utf-8 ALL`,
		`RETURN (MIN) 1:100`: `RETURN (MIN) 1:100`,
		`ALL`:                `ALL`,
	} {
		c := read(t, in, readESearch)
		require.Equal(t, want, encode(func(e *imap.Encoder) { e.ESearchProgram(c.in, c.o, c.key) }))
	}
	for _, line := range []string{"IN () ALL", "IN (foo) ALL", "IN (mailboxes) ALL", "IN (mailboxes ()) ALL", "IN (selected (x 1)) ALL", "IN selected ALL", "IN (selected)"} {
		refused(t, line, func(d *imap.Decoder) { readESearch(d) })
	}
}

func TestUIDBatches(t *testing.T) {
	for _, line := range []string{` (TAG "A143") 215295:99696,99695:20351,20350:7830,7829:1`, ` (TAG "A143")`, ` (TAG "A143") 99695`} {
		require.Equal(t, line, encode(func(e *imap.Encoder) { e.UIDBatches(read(t, line, (*imap.Decoder).UIDBatches)) }))
	}
	refused(t, ` (TAG "A143") *`, func(d *imap.Decoder) { d.UIDBatches() })
}

// RFC 9585 section 4 has these, RFC 9738 section 3.1 the limits.
func TestProgressArguments(t *testing.T) {
	for _, arg := range []string{"", `("tag" NIL NIL)`, `("tag" 175 NIL)`, `("tag" 175 1000)`, `(NIL 175 1000)`} {
		p, ok := imap.ParseProgress(arg)
		require.True(t, ok, "%s", arg)
		require.Equal(t, arg, p.Arg())
	}
	require.Equal(t, "(NIL 1 NIL)", imap.Progress{Tag: "a]", Done: 1, Known: true}.Arg())
	for _, arg := range []string{"x", "()", `("t" NIL 1)`, `("t" 1 0)`, `("t" 1 1) x`, `("t" 1)`} {
		_, ok := imap.ParseProgress(arg)
		require.False(t, ok, "%s", arg)
	}
	for _, arg := range []string{"1000", "1000 23221"} {
		limit, lowest, ok := imap.ParseMessageLimit(arg)
		require.True(t, ok)
		require.Equal(t, arg, imap.MessageLimitArg(limit, lowest))
	}
	for _, arg := range []string{"", "0", "1 0", "1 2 3", "x"} {
		_, _, ok := imap.ParseMessageLimit(arg)
		require.False(t, ok, "%s", arg)
	}
}

// FuzzSearchResponses reads whatever comes as each of the responses and commands of the search family; what was read is
// written, and read again as the same.
func FuzzSearchResponses(f *testing.F) {
	for i, s := range []string{` (2)(3 6 (4 23)(44 7 96))((1)(2))`, ` (TAG "B01" MAILBOX x UIDVALIDITY 1) UID MIN 1 MAX 2 ADDTO (0 3:4) REMOVEFROM (1 5) PARTIAL (-1:-2 NIL) COUNT 0 RELEVANCY (1 100) MODSEQ 7`,
		` 2 3 (MODSEQ 4)`, `RETURN (PARTIAL 1:2 SAVE) (REVERSE SUBJECT) UTF-8 FUZZY (FILTER x)`, `IN (mailboxes (a b) selected) RETURN () CHARSET x OR 1 UIDAFTER 2`,
		` (TAG "x") 9:4,3:1`, ` (TAG "x") X-Y ("a" {1+}` + "\r\nb)"} {
		f.Add(byte(i), s)
	}
	f.Fuzz(func(t *testing.T, kind byte, s string) {
		once := recode(kind, s)
		if once != "" {
			require.Equal(t, once, recode(kind, once), "%q", s)
		}
	})
}

// recode reads s and writes what was read, "" when s can't be read.
func recode(kind byte, s string) string {
	d := imap.NewDecoder(strings.NewReader(s + "\r\n"))
	write := func(*imap.Encoder) {}
	switch kind % 6 {
	case 0:
		list := d.Threads()
		write = func(e *imap.Encoder) { e.Threads(list) }
	case 1:
		r := d.ESearch()
		write = func(e *imap.Encoder) { e.ESearch(r) }
	case 2:
		r := d.SearchData()
		write = func(e *imap.Encoder) { e.SearchData(r) }
	case 3:
		c := readSort(d)
		write = func(e *imap.Encoder) { e.SortProgram(c.o, c.by, c.key) }
	case 4:
		c := readESearch(d)
		write = func(e *imap.Encoder) { e.ESearchProgram(c.in, c.o, c.key) }
	case 5:
		r := d.UIDBatches()
		write = func(e *imap.Encoder) { e.UIDBatches(r) }
	}
	if d.CRLF() != nil {
		return ""
	}
	return fmt.Sprint(encode(write))
}
