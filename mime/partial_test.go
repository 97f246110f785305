package mime_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/mime"
)

func fragment(t testing.TB, msg string) mime.Fragment {
	return mime.Fragment{R: strings.NewReader(msg), Index: index(t, msg)}
}

// The example of RFC 2046 section 5.2.2.2.
var partialExample = [2]string{crlf(`X-Weird-Header-1: Foo
From: Bill@host.com
To: joe@otherhost.com
Date: Fri, 26 Mar 1993 12:59:38 -0500 (EST)
Subject: Audio mail (part 1 of 2)
Message-ID: <id1@host.com>
MIME-Version: 1.0
Content-type: message/partial; id="ABC@host.com";
              number=1; total=2

X-Weird-Header-1: Bar
X-Weird-Header-2: Hello
Message-ID: <anotherid@foo.com>
Subject: Audio mail
MIME-Version: 1.0
Content-type: audio/basic
Content-transfer-encoding: base64

Zmlyc3QgaGFs
`), crlf(`From: Bill@host.com
To: joe@otherhost.com
Date: Fri, 26 Mar 1993 12:59:38 -0500 (EST)
Subject: Audio mail (part 2 of 2)
MIME-Version: 1.0
Message-ID: <id2@host.com>
Content-type: message/partial;
              id="ABC@host.com"; number=2; total=2

ZiBzZWNvbmQ=
`)}

func TestJoinPartialsExample(t *testing.T) {
	r, err := mime.JoinPartials([]mime.Fragment{fragment(t, partialExample[1]), fragment(t, partialExample[0])}, nil)
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, crlf(`X-Weird-Header-1: Foo
From: Bill@host.com
To: joe@otherhost.com
Date: Fri, 26 Mar 1993 12:59:38 -0500 (EST)
Message-ID: <anotherid@foo.com>
Subject: Audio mail
MIME-Version: 1.0
Content-type: audio/basic
Content-transfer-encoding: base64

Zmlyc3QgaGFs
ZiBzZWNvbmQ=
`), string(got))
	m, err := mime.Read(strings.NewReader(string(got)))
	require.NoError(t, err)
	require.Equal(t, "first half second", string(m.Attachments[0].Data))
}

func TestPartialParameters(t *testing.T) {
	ct, err := mime.ParseContentType(`message/partial; number=2; total=3; id="oc=jpbe0M2Yt4s@thumper.bellcore.com"`)
	require.NoError(t, err)
	p, ok := ct.Partial()
	require.True(t, ok)
	require.Equal(t, mime.Partial{ID: "oc=jpbe0M2Yt4s@thumper.bellcore.com", Number: 2, Total: 3}, p)
	for _, bad := range []string{"message/partial; number=1", "message/partial; id=x", "message/partial; id=x; number=0",
		"message/partial; id=x; number=-1", "message/partial; id=x; number=99999999999", "message/rfc822; id=x; number=1"} {
		ct, _ := mime.ParseContentType(bad)
		_, ok := ct.Partial()
		require.False(t, ok, bad)
	}
}

func TestJoinPartialsRefuses(t *testing.T) {
	one, two := partialExample[0], partialExample[1]
	other := strings.Replace(two, "ABC@", "DEF@", 1)
	for name, list := range map[string][]string{
		"none": {}, "one missing": {one}, "twice": {one, one}, "of two messages": {one, other}, "too many": {one, two, two},
		"not a fragment":       {one, "Subject: x\r\n\r\n"},
		"nobody says how many": {strings.Replace(one, "; total=2", "", 1), strings.Replace(two, "; total=2", "", 1)},
	} {
		var fragments []mime.Fragment
		for _, m := range list {
			fragments = append(fragments, fragment(t, m))
		}
		_, err := mime.JoinPartials(fragments, nil)
		require.ErrorIs(t, err, mime.ErrPartials, name)
	}
	_, err := mime.JoinPartials([]mime.Fragment{fragment(t, one), fragment(t, two)}, &mime.Limits{HeaderBytes: 20})
	require.ErrorIs(t, err, mime.ErrPartials, "a header over the limit")
	cutShort := mime.Fragment{R: strings.NewReader(one[:30]), Index: index(t, one)}
	_, err = mime.JoinPartials([]mime.Fragment{cutShort, fragment(t, two)}, nil)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// Whatever message is cut at line ends comes back with its own header fields and its body.
func TestJoinPartialsModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lines := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "", "--x", "dòng"}), 1, 30).Draw(rt, "lines")
		header := "Subject: inner\r\nMessage-ID: <i@x.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
		total := rapid.IntRange(1, 5).Draw(rt, "total")
		var fragments []mime.Fragment
		for i := range total {
			from, to := len(lines)*i/total, len(lines)*(i+1)/total
			body := ""
			for _, l := range lines[from:to] {
				body += l + "\r\n"
			}
			if i == 0 {
				body = header + body
			}
			fragments = append(fragments, fragment(t, fmt.Sprintf("From: a@b.test\r\nSubject: part\r\nContent-Type: message/partial; id=q; number=%d; total=%d\r\n\r\n%s", i+1, total, body)))
		}
		r, err := mime.JoinPartials(rapid.Permutation(fragments).Draw(rt, "order"), nil)
		require.NoError(rt, err)
		got, err := io.ReadAll(r)
		require.NoError(rt, err)
		require.Equal(rt, "From: a@b.test\r\n"+header+strings.Join(lines, "\r\n")+"\r\n", string(got))
	})
}

func TestExternalBody(t *testing.T) {
	// The first is RFC 2046's, the second RFC 2017's example.
	for _, c := range []struct {
		field string
		want  mime.ExternalBody
	}{
		{`message/external-body; name="BodyFormats.ps"; site="thumper.bellcore.com"; mode="image"; access-type=ANON-FTP; directory="pub";
 expiration="Fri, 14 Jun 1991 19:13:14 -0400 (EDT)"; size=1234`,
			mime.ExternalBody{AccessType: "anon-ftp", Name: "BodyFormats.ps", Site: "thumper.bellcore.com", Mode: "image", Directory: "pub", Size: 1234}},
		{`message/external-body; access-type=URL; URL="ftp://ftp.deepdirt.org/1/2/3/4/5/6/7/
 8/9/10/11/12/13/14/15/16/17/18/20/21/file.html"`,
			mime.ExternalBody{AccessType: "url", URL: "ftp://ftp.deepdirt.org/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/20/21/file.html"}},
		{`message/external-body; access-type=mail-server; server="listserv@bogus.bitnet"; subject="x"; size=-4`,
			mime.ExternalBody{AccessType: "mail-server", Server: "listserv@bogus.bitnet", Subject: "x"}},
	} {
		ct, err := mime.ParseContentType(c.field)
		require.NoError(t, err)
		got, ok := ct.ExternalBody()
		require.True(t, ok)
		if c.want.Mode != "" {
			require.Equal(t, int64(676941194), got.Expiration.Unix())
			c.want.Expiration = got.Expiration
		}
		require.Equal(t, c.want, got)
	}
	ct, _ := mime.ParseContentType("message/external-body; name=x")
	_, ok := ct.ExternalBody()
	require.False(t, ok, "access-type is required")
	msg := crlf("Content-Type: message/external-body; access-type=local-file; name=\"/x\"\n\nContent-Type: image/jpeg\nContent-ID: <id42@guppylake.bellcore.com>\n\nTHIS IS NOT REALLY THE BODY!\n")
	ix := index(t, msg)
	e, ok := ix.Root.ExternalBody()
	require.True(t, ok)
	require.Equal(t, "/x", e.Name)
	h, err := ix.Root.PhantomHeader(strings.NewReader(msg), nil)
	require.NoError(t, err)
	phantom := h.ContentType()
	require.Equal(t, "image/jpeg", phantom.MediaType())
	require.Equal(t, []string{"id42@guppylake.bellcore.com"}, h.MessageIDs("Content-ID"))
}

func TestReport(t *testing.T) {
	msg := crlf("Content-Type: multipart/report; report-type=Delivery-Status; boundary=b\n\n--b\n\nfailed\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n--b\nContent-Type: text/rfc822-headers\n\nSubject: x\n--b--\n")
	r, ok := index(t, msg).Root.Report()
	require.True(t, ok)
	require.Equal(t, "delivery-status", r.Type)
	require.Equal(t, "plain", r.Text.Subtype)
	require.Equal(t, "delivery-status", r.Machine.Subtype)
	require.Equal(t, "rfc822-headers", r.Original.Subtype)
	r, ok = index(t, strings.Replace(msg, "report-type=Delivery-Status; ", "", 1)).Root.Report()
	require.True(t, ok)
	require.Equal(t, "delivery-status", r.Type)
	_, ok = index(t, strings.Replace(msg, "multipart/report", "multipart/mixed", 1)).Root.Report()
	require.False(t, ok)
	_, ok = index(t, "Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n").Root.Report()
	require.False(t, ok)
}

func FuzzJoinPartials(f *testing.F) {
	f.Add(partialExample[0], partialExample[1])
	f.Add("Content-Type: message/partial; id=a; number=1; total=2\r\n\r\nnot a field\r\n", "Content-Type: message/partial; id=a; number=2\r\n\r\n")
	f.Fuzz(func(t *testing.T, one, two string) {
		r, err := mime.JoinPartials([]mime.Fragment{fragment(t, one), fragment(t, two)}, nil)
		if err != nil {
			require.ErrorIs(t, err, mime.ErrPartials)
			return
		}
		joined, err := io.ReadAll(r)
		require.NoError(t, err)
		require.LessOrEqual(t, len(joined), len(one)+len(two)+4)
	})
}

func ExampleHeader_List() {
	h := mime.ParseHeader([]byte("List-Id: Jokes <jokes.example.test>\r\nList-Unsubscribe: <https://example.test/u?1>\r\n"+
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\n"), nil)
	l := h.List()
	fmt.Println(l.ID, l.OneClick)
	// Output: jokes.example.test https://example.test/u?1
}
