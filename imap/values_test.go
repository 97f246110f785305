package imap_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

func numSet(t require.TestingT, s string) (out imap.NumSet) {
	require.NoError(t, decode(s+"\r\n", func(d *imap.Decoder) { out = d.SequenceSet() }))
	return out
}

// RFC 9051 section 9, sequence-set: "2,4:7,9,12:* for a mailbox with 15 messages is equivalent to 2,4,5,6,7,9,12,13,14,15";
// "*:4,5:7 for a mailbox with 10 messages is equivalent to … 4,5,6,7,8,9,10".
func TestNumSet(t *testing.T) {
	seqs, ok := numSet(t, "2,4:7,9,12:*").Seqs(15)
	require.True(t, ok)
	require.Equal(t, "2,4:7,9,12:15", seqs.String())
	seqs, ok = numSet(t, "*:4,5:7").Seqs(10)
	require.True(t, ok)
	require.Equal(t, "4:10", seqs.String())
	for _, bad := range []string{"11", "1:11", "*:11"} {
		_, ok = numSet(t, bad).Seqs(10)
		require.False(t, ok, bad)
	}
	_, ok = numSet(t, "*").Seqs(0)
	require.False(t, ok, "This includes * if the selected mailbox is empty.")
	// "3291:* includes the UID of the last message in the mailbox, even if that value is less than 3291."
	require.Equal(t, "100:3291", numSet(t, "3291:*").UIDs(100).String())
	require.True(t, numSet(t, "$").Saved)
	require.Equal(t, "$", numSet(t, "$").String())
}

// A set that was resolved holds exactly the numbers that its ranges name.
func TestNumSetModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint32Range(1, 60).Draw(t, "n")
		var set imap.NumSet
		want := map[uint32]bool{}
		for range rapid.IntRange(1, 8).Draw(t, "ranges") {
			r := imap.NumRange{First: rapid.Uint32Range(0, n).Draw(t, "first"), Last: rapid.Uint32Range(0, n).Draw(t, "last")}
			set.Ranges = append(set.Ranges, r)
			a, b := r.First, r.Last
			if a == 0 {
				a = n
			}
			if b == 0 {
				b = n
			}
			for i := min(a, b); i <= max(a, b); i++ {
				want[i] = true
			}
		}
		set = numSet(t, set.String())
		seqs, ok := set.Seqs(n)
		require.True(t, ok)
		uids := set.UIDs(mail.UID(n))
		count := 0
		for i := range seqs.All() {
			require.True(t, want[i])
			count++
		}
		require.Len(t, want, count)
		for i := uint32(1); i <= n+1; i++ {
			require.Equal(t, want[i], seqs.Contains(i))
			require.Equal(t, want[i], uids.Contains(mail.UID(i)))
		}
	})
}

func TestSeqSet(t *testing.T) {
	s := imap.SeqSetOf(1, 2, 4)
	s.AddRange(5, 9)
	s.AddRange(7, 8)
	require.Equal(t, "1:2,4:9", s.String())
	require.False(t, s.Empty())
	require.True(t, imap.SeqSet{}.Empty())
	require.Equal(t, []imap.NumRange{{First: 1, Last: 2}, {First: 4, Last: 9}}, s.Ranges())
	for n := range s.All() {
		if n == 5 {
			break
		}
	}
}

func fetchItems(in string) (items []imap.FetchItem, err error) {
	err = decode(in+"\r\n", func(d *imap.Decoder) {
		items = d.FetchItems()
		_ = d.CRLF()
	})
	return items, err
}

func TestFetchItems(t *testing.T) {
	for in, want := range map[string]string{
		"flags":                                  "FLAGS",
		"fast":                                   "FLAGS INTERNALDATE RFC822.SIZE",
		"ALL":                                    "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE",
		"FULL":                                   "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY",
		"(UID BODYSTRUCTURE RFC822.TEXT MODSEQ)": "UID BODYSTRUCTURE RFC822.TEXT MODSEQ",
		"BODY[]":                                 "BODY[]",
		"body.peek[1.2.mime]<0.5>":               "BODY.PEEK[1.2.MIME]<0.5>",
		"BODY[HEADER.FIELDS (Date \"From\")]":    "BODY[HEADER.FIELDS (Date From)]",
		"BODY[3.HEADER.FIELDS.NOT ({4+}\r\nDate)]": "BODY[3.HEADER.FIELDS.NOT (Date)]",
		"BINARY.PEEK[1]":                   "BINARY.PEEK[1]",
		"(BINARY.SIZE[1.2] BINARY[]<5.6>)": "BINARY.SIZE[1.2] BINARY[]<5.6>",
	} {
		items, err := fetchItems(in)
		require.NoError(t, err, in)
		var got []string
		for _, i := range items {
			got = append(got, i.String())
		}
		require.Equal(t, want, strings.Join(got, " "))
	}
	for _, in := range []string{"", "()", "(ALL)", "FOO", "BODY[", "BODY[0]", "BODY[1.]", "BODY[.1]", "BODY[MIME]", "BODY[HEADER.FIELDS]",
		"BODY[HEADER.FIELDS ()]", "BODY[HEADER.FIELDS (a:b)]", "BODY[]<1>", "BODY[]<1.2", "BINARY[HEADER]", "BINARY", "BODY.PEEK",
		"FLAGS[1]", "(FLAGS  UID)", "BODY[1.2.3]x"} {
		_, err := fetchItems(in)
		require.Error(t, err, "%q", in)
	}
	items, err := fetchItems("BODY.PEEK[1]<3.9>")
	require.NoError(t, err)
	require.Equal(t, "BODY[1]<3>", items[0].Label(), "a response has no .PEEK and only the offset")
}

func searchKey(in string) (key imap.SearchKey, opts imap.SearchOptions, err error) {
	err = decode(in+"\r\n", func(d *imap.Decoder) {
		opts = d.SearchOptions()
		key = d.SearchProgram()
		_ = d.CRLF()
	})
	return key, opts, err
}

func TestSearchProgram(t *testing.T) {
	for in, want := range map[string]string{
		"all":                           "ALL",
		"1:3,* unseen":                  "(1:3,* UNSEEN)",
		"or (flagged new) not uid 5":    "OR (FLAGGED NEW) NOT UID 5",
		"from {3+}\r\na b subject \"\"": `(FROM "a b" SUBJECT "")`,
		"header x-y z keyword $K":       `(HEADER "x-y" "z" KEYWORD $K)`,
		"since 1-feb-1994 larger 70":    "(SINCE 1-Feb-1994 LARGER 70)",
		"older 60 modseq 7":             "(OLDER 60 MODSEQ 7)",
		`modseq "/flags/\\seen" priv 7`: `MODSEQ "/flags/\\seen" PRIV 7`,
		"((all))":                       "((ALL))",
		"$":                             "$",
	} {
		key, _, err := searchKey(in)
		require.NoError(t, err, in)
		require.Equal(t, want, key.String())
	}
	_, opts, err := searchKey("return (min max count save) charset utf-8 all")
	require.NoError(t, err)
	require.Equal(t, imap.SearchOptions{Return: true, Min: true, Max: true, Count: true, Save: true, Charset: "utf-8"}, opts)
	_, opts, err = searchKey("return () all")
	require.NoError(t, err)
	require.True(t, opts.All)
	for _, in := range []string{"", "foo", "not", "or 1", "(", "()", "uid", "header x", "since", "since x", "larger x", "keyword \\Seen",
		"all  all", "all ", "younger 0", "modseq x", "charset", "return min all"} {
		_, _, err := searchKey(in)
		require.Error(t, err, "%q", in)
	}
}

// What an Encoder writes of a search program, a Decoder reads as the same.
func FuzzSearchProgram(f *testing.F) {
	for _, s := range []string{"ALL", "OR (1:* NOT SEEN) HEADER a {2+}\r\n\"b", "UID $ SINCE 1-Feb-1994", "FROM \"é\" MODSEQ \"x\" all 3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key, _, err := searchKey(s)
		if err != nil {
			return
		}
		var b strings.Builder
		e := imap.NewEncoder(&b)
		require.NoError(t, e.SearchKey(key).CRLF().Flush())
		again, _, err := searchKey(strings.TrimSuffix(b.String(), "\r\n"))
		require.NoError(t, err, "%q", b.String())
		require.Equal(t, key, again)
	})
}

func FuzzFetchItems(f *testing.F) {
	for _, s := range []string{"FULL", "(UID BODY.PEEK[1.2.HEADER.FIELDS (a \"b c\")]<1.2>)", "BINARY[1]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		items, err := fetchItems(s)
		if err != nil || len(items) == 0 {
			return
		}
		var out []string
		for _, i := range items {
			out = append(out, i.String())
		}
		again, err := fetchItems("(" + strings.Join(out, " ") + ")")
		require.NoError(t, err, "%q", out)
		require.Equal(t, items, again)
	})
}

func TestUTF7(t *testing.T) {
	for utf8, utf7 := range map[string]string{
		"INBOX": "INBOX", "&": "&-", "a&b": "a&-b", "日本語": "&ZeVnLIqe-", "~peter/mail/台北/日本語": "~peter/mail/&U,BTFw-/&ZeVnLIqe-",
		"😀": "&2D3eAA-", "Gửi": "G&Hu0-i", "a\tb": "a&AAk-b",
	} {
		require.Equal(t, utf7, imap.EncodeUTF7(utf8))
		got, err := imap.DecodeUTF7(utf7)
		require.NoError(t, err)
		require.Equal(t, utf8, got)
	}
	for _, bad := range []string{"&", "&AOk", "&AOk=-", "&AGE-", "&AOk-&AOk-", "&2D0-", "&3gA-", "&AO-", "&AOkA-", "&!!-", "\xff"} {
		_, err := imap.DecodeUTF7(bad)
		require.ErrorIs(t, err, imap.ErrUTF7, "%q", bad)
	}
}

// Every name that can be read is written back as it was: there is one spelling.
func FuzzUTF7(f *testing.F) {
	f.Add("&ZeVnLIqe-x&-")
	f.Fuzz(func(t *testing.T, s string) {
		name, err := imap.DecodeUTF7(s)
		if err != nil {
			return
		}
		back, err := imap.DecodeUTF7(imap.EncodeUTF7(name))
		require.NoError(t, err)
		require.Equal(t, name, back)
	})
}

func TestStatus(t *testing.T) {
	s := imap.No(imap.CodeTryCreate, "No such\r\n* OK mailbox")
	require.Equal(t, "NO [TRYCREATE] No such  * OK mailbox", s.String(), "text can't split a response")
	require.Equal(t, "OK [UIDNEXT 5] Completed.", imap.Okay(imap.CodeUIDNext, "5", "").String())
	require.Nil(t, imap.StatusOf(nil))
	wrapped := &imap.Status{Err: io.ErrNoProgress}
	require.ErrorIs(t, wrapped, io.ErrNoProgress)
	require.Equal(t, imap.CodeServerBug, imap.StatusOf(io.ErrNoProgress).Code)
	require.NotContains(t, imap.StatusOf(io.ErrNoProgress).String(), io.ErrNoProgress.Error())
}
