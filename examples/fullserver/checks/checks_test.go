package checks_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/buuta/mail/examples/fullserver/checks"
	"github.com/buuta/mail/examples/fullserver/lookup"
	"github.com/stretchr/testify/require"
)

func table(t testing.TB, rules string) checks.Table {
	x, err := lookup.Open(context.Background(), "regexp:{"+rules+"}", nil)
	require.NoError(t, err)
	return x
}

func run(t testing.TB, c *checks.Checker, message string) (string, checks.Verdict, []string) {
	var notes []string
	r := c.NewReader(context.Background(), iotest.OneByteReader(strings.NewReader(message)), func(s string) { notes = append(notes, s) })
	out, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(out), r.Verdict, notes
}

// header_checks(5), ACTIONS.
func TestActions(t *testing.T) {
	const in = "Subject: bad\r\n thing\r\nX-Old: 1\r\nX-Gone: 2\r\n\r\nline one\r\nviagra\r\n"
	for _, tt := range []struct{ rule, out, want, notes string }{
		{"{/^Subject: bad/ REJECT no such things}", in, "550 5.7.1 no such things", "reject: header Subject: bad  thing: no such things"},
		{"{/^Subject/ REJECT}", in, "550 5.7.1 message content rejected", "reject: header Subject: bad  thing"},
		{"{/^Subject/ REJECT 4.7.0 later}", in, "450 4.7.0 later", "reject: header Subject: bad  thing: 4.7.0 later"},
		{"{/^X-Old/ REPLACE X-New: 3}", strings.Replace(in, "X-Old: 1", "X-New: 3", 1), "", "replace: header X-Old: 1: X-New: 3"},
		{"{/^X-Gone/ IGNORE}", strings.Replace(in, "X-Gone: 2\r\n", "", 1), "", ""},
		{"{/^X-Gone/ STRIP why}", strings.Replace(in, "X-Gone: 2\r\n", "", 1), "", "strip: header X-Gone: 2: why"},
		{"{/^X-Old/ PREPEND X-Top: 0}", strings.Replace(in, "X-Old", "X-Top: 0\r\nX-Old", 1), "", "prepend: header X-Old: 1: X-Top: 0"},
		{"{/^X-Old/ WARN look}", in, "", "warning: header X-Old: 1: look"},
		{"{/^X-Old/ DUNNO}", in, "", ""},
		{"{/^X-Old/ FROB x}", in, "", "warning: unknown command in header_checks: FROB x"},
		{"{/^X-Old/ REPLACE nothing}", in, "", "warning: REPLACE without what may stand there: REPLACE nothing"},
		{"{/viagra/ REJECT}", in, "", ""},
	} {
		out, v, notes := run(t, &checks.Checker{Header: table(t, tt.rule)}, in)
		require.Equal(t, tt.out, out, tt.rule)
		require.Equal(t, tt.notes, strings.Join(notes, "|"), tt.rule)
		got := ""
		if v.Reject != nil {
			got = v.Reject.String()
		}
		require.Equal(t, tt.want, got, tt.rule)
	}
	_, v, _ := run(t, &checks.Checker{Body: table(t, "{/viagra/ REJECT} {/line/ HOLD}")}, in)
	require.Equal(t, "550 5.7.1 message content rejected", v.Reject.String())
	require.True(t, v.Hold)
	_, v, _ = run(t, &checks.Checker{Header: table(t, "{/^Subject/ DISCARD} {/^X-Old/ REDIRECT a@b.test} {/^X-Gone/ BCC c@d.test}"), Body: table(t, "{/one/ FILTER smtp:[f.test]}")}, in)
	require.Equal(t, checks.Verdict{Discard: true, Redirect: "a@b.test", BCC: []string{"c@d.test"}, Filter: "smtp:[f.test]"}, v)
}

// Each kind of header has a table of its own: the message's, that of its parts, and that of attached messages (header_checks(5)).
func TestMIME(t *testing.T) {
	const in = "Subject: top\r\nContent-Type: multipart/mixed;\r\n boundary=\"b\"\r\n\r\nX: preamble\r\n--b\r\nContent-Type: text/plain; name=x.exe\r\n\r\nSubject: in the body\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" +
		"Subject: nested\r\n\r\nnested body\r\n--b--\r\nepilogue\r\n"
	all := table(t, "{/./ WARN}")
	seen := func(c *checks.Checker) string {
		out, _, notes := run(t, c, in)
		require.Equal(t, in, out)
		return strings.Join(notes, "\n")
	}
	require.Equal(t, "warning: header Subject: top", seen(&checks.Checker{Header: all}))
	require.Equal(t, "warning: mime-header Content-Type: multipart/mixed;  boundary=\"b\"\nwarning: mime-header Content-Type: text/plain; name=x.exe\nwarning: mime-header Content-Type: message/rfc822", seen(&checks.Checker{MIME: all}))
	require.Equal(t, "warning: nested-header Subject: nested", seen(&checks.Checker{Nested: all}))
	require.Equal(t, "warning: body X: preamble\nwarning: body Subject: in the body\nwarning: body nested body\nwarning: body epilogue", seen(&checks.Checker{Body: all}))
	require.Equal(t, 2, strings.Count(seen(&checks.Checker{Body: table(t, "{/body/ WARN}"), BodyLimit: 5}), "warning"), "the limit is each part's own")
}

type broken struct{}

func (broken) Find(context.Context, string) (string, bool, error) {
	return "", false, errors.New("down")
}

func TestBrokenTable(t *testing.T) {
	out, v, _ := run(t, &checks.Checker{Header: broken{}}, "A: b\r\n\r\nc\r\n")
	require.Equal(t, "A: b\r\n\r\nc\r\n", out, "the message is read to its end")
	require.Equal(t, 451, v.Reject.Code)
}

func FuzzReader(f *testing.F) {
	for _, s := range []string{"A: b\r\n c\r\n\r\nd\n", "Content-Type: multipart/x; boundary=b\n\n--b\n\n--b--", "Content-Type: message/rfc822\n\nA: b", ":", "\n", "A"} {
		f.Add(s)
	}
	all := table(f, "{/zzz/ REJECT}")
	f.Fuzz(func(t *testing.T, s string) {
		c := &checks.Checker{Header: all, MIME: all, Nested: all, Body: all, BodyLimit: 100}
		out, _, _ := run(t, c, s)
		require.Equal(t, s, out)
	})
}

func BenchmarkReader(b *testing.B) {
	message := "Subject: x\r\n\r\n" + strings.Repeat(strings.Repeat("x", 76)+"\r\n", 500)
	c := &checks.Checker{Header: table(b, "{/^Subject: viagra/ REJECT}"), Body: table(b, "{/viagra/ REJECT}")}
	b.SetBytes(int64(len(message)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.Copy(io.Discard, c.NewReader(context.Background(), strings.NewReader(message), nil)); err != nil {
			b.Fatal(err)
		}
	}
}

// What is on its way out is changed in its lines, and in nothing else.
func TestOutgoing(t *testing.T) {
	const in = "Subject: bad\r\nX-Old: 1\r\n\r\nbody\r\n"
	for rule, want := range map[string]string{
		"REJECT no": "REJECT no", "DISCARD": "DISCARD", "HOLD": "HOLD", "FILTER smtp:[x]": "FILTER smtp:[x]", "REDIRECT a@b.test": "REDIRECT a@b.test", "BCC a@b.test": "BCC a@b.test", "nosuch": "nosuch",
	} {
		out, verdict, notes := run(t, &checks.Checker{Outgoing: true, Name: "smtp_", Header: table(t, "{/^Subject/ "+rule+"}")}, in)
		require.Equal(t, in, out)
		require.Equal(t, checks.Verdict{}, verdict, rule)
		require.Equal(t, []string{"warning: unsupported command in smtp_header_checks map: " + want}, notes)
	}
	out, _, _ := run(t, &checks.Checker{Outgoing: true, Name: "smtp_", Header: table(t, "{/^Subject/ IGNORE}"), Body: table(t, "{/^body/ REPLACE other}")}, in)
	require.Equal(t, "X-Old: 1\r\n\r\nother\r\n", out)
}
