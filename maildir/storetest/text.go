package storetest

import (
	"slices"
	"strings"
	"unicode"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

// searcher opens a mailbox that implements mail.TextSearcher, or skips the test.
func (e *env) searcher(name string) (mail.Mailbox, mail.TextSearcher) {
	e.Helper()
	m := e.create(name)
	s, ok := m.(mail.TextSearcher)
	if !ok {
		e.Skip("the store implements no mail.TextSearcher")
	}
	return m, s
}

func (e *env) find(s mail.TextSearcher, set mail.UIDSet, q mail.TextQuery) string {
	e.Helper()
	got, err := s.SearchText(e.ctx, set, q)
	e.ok(err)
	return got.String()
}

func (e *env) findAll(s mail.TextSearcher, in mail.TextPart, field, text string) string {
	e.Helper()
	return e.find(s, mail.AllUIDs(), mail.TextQuery{In: in, Field: field, Text: text})
}

// testSearchText is what mail.TextSearcher promises about folding, decoding and the parts of a message.
func testSearchText(e *env) {
	m, s := e.searcher("text")
	e.equal("", e.findAll(s, mail.InText, "", ""))
	for _, text := range []string{
		"Subject: =?utf-8?b?SMOzYSDEkcahbg==?= th\xc3\xa1ng 7\r\nFrom: \"Smith, John\" <John@example.test>\r\n\r\nPlain  body,\r\n\ttwo lines.\r\n",
		"Subject: second\r\nX-Empty:\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<style>p{color:red}</style><p class=3D\"body\">C=C3=B3 <b>h</b>=C3=B3a &#273;&#x1a1;n</p><p>n=E1=BB=AFa</p>",
		"Subject: third\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: base64\r\n\r\nQ2Fm6Q==\r\n" +
			"--B\r\nContent-Type: message/rfc822\r\n\r\nSubject: Inner one\r\n\r\ninner body\r\n--B\r\nContent-Type: image/png; name=photo.png\r\n\r\nplain body\r\n--B--\r\n",
		"Subject: Ho\xcc\x81a \xc4\x90O\xcc\x9bN\r\nX-Note: second hand\r\n\r\nStra\xc3\x9fe, \xce\xa3\xce\xaf\xcf\x83\xcf\x85\xcf\x86\xce\xbf\xcf\x82\r\n",
	} {
		e.add(m, text)
	}
	for _, c := range []struct {
		in                mail.TextPart
		field, text, want string
	}{
		// Case, accents, đ; decoded words, transfer encodings, charsets; composed or not.
		{mail.InText, "", "hoa don", "1:2,4"},
		{mail.InText, "", "HÓA ĐƠN", "1:2,4"},
		{mail.InText, "", "Ho\u0301a \u0111o\u031bn", "1:2,4"},
		{mail.InBody, "", "hoa don", "2"},
		{mail.InBody, "", "CAFE", "3"},
		{mail.InBody, "", "strasse", "4"},
		{mail.InBody, "", "σισυφοσ", "4"},
		// "runs of white space are one space"
		{mail.InBody, "", "body, two \r\n lines", "1"},
		{mail.InBody, "", "body,two", ""},
		// HTML to text: no tags, no styles; what is a block ends a word.
		{mail.InBody, "", "co hoa don nua", "2"},
		{mail.InText, "", "color", ""},
		{mail.InText, "", "class", ""},
		// BODY has no header, "TEXT" has, MIME headers too, and both have the header of a message inside (RFC 9051 section 6.4.4).
		{mail.InBody, "", "third", ""},
		{mail.InText, "", "third", "3"},
		{mail.InText, "", "photo.png", "3"},
		{mail.InBody, "", "photo.png", ""},
		{mail.InBody, "", "inner one", "3"},
		{mail.InBody, "", "inner body", "3"},
		{mail.InBody, "", "plain body", "1"}, // not in the picture
		// One field, what follows its colon.
		{mail.InHeader, "Subject", "second", "2"},
		{mail.InHeader, "SUBJECT", "hoa don thang 7", "1"},
		{mail.InHeader, "subject", "subject", ""},
		{mail.InHeader, "Subject", "inner", ""},
		{mail.InHeader, "x-note", "SECOND", "4"},
		{mail.InHeader, "From", "john@EXAMPLE", "1"},
		{mail.InHeader, "From", "smith, j", "1"},
		{mail.InHeader, "From", "Smith, John <john", "1"}, // as people write it
		// "" matches every message that has the part searched in.
		{mail.InHeader, "X-Empty", "", "2"},
		{mail.InHeader, "X-None", "", ""},
		{mail.InHeader, "Subject", "", "1:4"},
		{mail.InBody, "", "", "1:4"},
		{mail.InText, "", "", "1:4"},
		// Nothing is found across the borders of fields and parts.
		{mail.InText, "", "7 from", ""},
		{mail.InBody, "", "cafe subject", ""},
		{mail.InBody, "", "%", ""},
	} {
		e.equal(c.want, e.findAll(s, c.in, c.field, c.text))
	}
	e.equal("2", e.find(s, mail.UIDRangeSet(2, 3), mail.TextQuery{In: mail.InText, Text: "hoa"}))
	e.equal("4", e.find(s, mail.UIDRangeSet(3, 99), mail.TextQuery{In: mail.InText, Text: "hoa"}))
	e.equal("3", e.find(s, mail.UIDRangeSet(3, 3), mail.TextQuery{In: mail.InText}))
	e.equal("", e.find(s, mail.UIDSet{}, mail.TextQuery{In: mail.InText, Text: "hoa"}))
	// "words in any order"
	e.equal("1:2,4", e.find(s, mail.AllUIDs(), mail.TextQuery{In: mail.InText, Text: "đơn hóa", Fuzzy: true}))
	e.equal("1", e.find(s, mail.AllUIDs(), mail.TextQuery{In: mail.InHeader, Field: "subject", Text: "7 HOA", Fuzzy: true}))
	e.equal("", e.find(s, mail.AllUIDs(), mail.TextQuery{In: mail.InText, Text: "hoa thisisnowhere", Fuzzy: true}))
}

// testSearchTextNow: "The answer holds for the messages as of the call, whatever has been indexed before it."
func testSearchTextNow(e *env) {
	m, s := e.searcher("text")
	for n := range 5 {
		e.add(m, text(n))
	}
	e.equal("1:5", e.findAll(s, mail.InText, "", "message"))
	e.add(m, text(5))
	e.equal("1:6", e.findAll(s, mail.InText, "", "message"))
	_, err := m.Expunge(e.ctx, mail.UIDSetOf(2, 3), nil)
	e.ok(err)
	e.equal("1,4:6", e.findAll(s, mail.InText, "", "message"))
	to := e.create("other")
	_, err = m.Copy(e.ctx, mail.UIDSetOf(1, 5), to.Info().ID, nil)
	e.ok(err)
	_, err = m.Copy(e.ctx, mail.UIDSetOf(6), to.Info().ID, &mail.CopyOptions{Move: true})
	e.ok(err)
	e.equal("1,4:5", e.findAll(s, mail.InText, "", "message"))
	e.equal("1:3", e.findAll(to.(mail.TextSearcher), mail.InText, "", "message"))
	e.equal("3", e.findAll(to.(mail.TextSearcher), mail.InBody, "", "message 5"))
	e.equal("2", e.findAll(e.open("other").(mail.TextSearcher), mail.InBody, "", "message 4"))
	e.ok(e.a.Rename(e.ctx, "other", "renamed"))
	e.equal("2", e.findAll(e.open("renamed").(mail.TextSearcher), mail.InBody, "", "message 4"))
	e.ok(e.a.Delete(e.ctx, "renamed"))
	e.add(e.create("renamed"), text(9))
	e.equal("", e.findAll(e.open("renamed").(mail.TextSearcher), mail.InBody, "", "message 4"))
	_, err = to.(mail.TextSearcher).SearchText(e.ctx, mail.AllUIDs(), mail.TextQuery{Text: "x"})
	e.is(err, mail.ErrNoMailbox)
}

// plainFold is folding as far as the words of testSearchTextModel need it.
func plainFold(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(s))
	return strings.ReplaceAll(s, "đ", "d")
}

// testSearchTextModel searches for random words while messages come and go, and holds the answers against a look at each message.
func testSearchTextModel(e *env) {
	n := 0
	vocabulary := strings.Fields("Hóa hoa ĐƠN đơn don invoice INVOICES voice in tháng 7 77 x")
	rapid.Check(e.T, func(t *rapid.T) {
		n++
		name := "text-" + string(rune('a'+n%26)) + strings.Repeat("x", n/26)
		_, err := e.a.Create(e.ctx, name, nil)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, e.a.Delete(e.ctx, name)) })
		m, err := e.a.Open(e.ctx, name)
		require.NoError(t, err)
		t.Cleanup(func() { m.Close() })
		s, ok := m.(mail.TextSearcher)
		if !ok {
			e.Skip("the store implements no mail.TextSearcher")
		}
		type message struct{ subject, body string }
		known := map[mail.UID]message{}
		words := func(t *rapid.T, label string, least int) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom(vocabulary), least, 5).Draw(t, label), " ")
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				msg := message{words(t, "subject", 1), words(t, "body", 0)}
				got, err := add(e.ctx, m, "Subject: "+msg.subject+"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"+msg.body+"\r\n", nil)
				require.NoError(t, err)
				known[got.UIDs[0]] = msg
			},
			"expunge": func(t *rapid.T) {
				uid := mail.UID(rapid.IntRange(1, 20).Draw(t, "uid"))
				_, err := m.Expunge(e.ctx, mail.UIDSetOf(uid), nil)
				require.NoError(t, err)
				delete(known, uid)
			},
			"": func(t *rapid.T) {
				set := mail.AllUIDs()
				if rapid.Bool().Draw(t, "some") {
					set = mail.UIDRangeSet(mail.UID(rapid.IntRange(1, 20).Draw(t, "first")), mail.UID(rapid.IntRange(1, 20).Draw(t, "last")))
				}
				q := mail.TextQuery{In: mail.TextPart(rapid.IntRange(0, 2).Draw(t, "in")), Field: "Subject", Text: words(t, "text", 1)}
				var want []mail.UID
				for uid, msg := range known {
					in := plainFold(msg.body)
					switch q.In {
					case mail.InHeader:
						in = plainFold(msg.subject)
					case mail.InText:
						in = "subject: " + plainFold(msg.subject) + "\ncontent-type: text/plain; charset=utf-8\n" + in
					}
					if set.Contains(uid) && strings.Contains(in, plainFold(q.Text)) {
						want = append(want, uid)
					}
				}
				slices.Sort(want)
				got, err := s.SearchText(e.ctx, set, q)
				require.NoError(t, err)
				require.Equal(t, mail.UIDSetOf(want...).String(), got.String(), "%+v", q)
			},
		})
	})
}
