package mime_test

import (
	stdmime "mime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// parseIMAP reads one value of an IMAP response: a list becomes []any, a string or atom string, NIL nil.
func parseIMAP(t *testing.T, s string) (value any, rest string) {
	t.Helper()
	s = strings.TrimLeft(s, " ")
	require.NotEmpty(t, s)
	switch s[0] {
	case '(':
		list := []any{}
		for s = s[1:]; ; {
			s = strings.TrimLeft(s, " ")
			if s[0] == ')' {
				return list, s[1:]
			}
			var v any
			v, s = parseIMAP(t, s)
			list = append(list, v)
		}
	case '"':
		var b strings.Builder
		i := 1
		for ; s[i] != '"'; i++ {
			if s[i] == '\\' {
				i++
			}
			b.WriteByte(s[i])
		}
		return b.String(), s[i+1:]
	case '{':
		size, after, ok := strings.Cut(s[1:], "}\r\n")
		require.True(t, ok)
		n, err := strconv.Atoi(strings.TrimSuffix(size, "+"))
		require.NoError(t, err)
		return after[:n], after[n:]
	}
	end := strings.IndexAny(s, " ()\r\n")
	require.Positive(t, end)
	if s[:end] == "NIL" {
		return nil, s[end:]
	}
	return s[:end], s[end:]
}

// stdWord decodes encoded words with the standard library.
func stdWord(t *testing.T, v any) string {
	t.Helper()
	if v == nil {
		return ""
	}
	s, err := (&stdmime.WordDecoder{}).DecodeHeader(v.(string))
	require.NoError(t, err)
	return s
}

func imapAddresses(t *testing.T, v any) [][2]string {
	t.Helper()
	out := [][2]string{}
	if v == nil {
		return out
	}
	for _, a := range v.([]any) {
		f := a.([]any)
		require.Len(t, f, 4)
		out = append(out, [2]string{stdWord(t, f[0]), f[2].(string) + "@" + f[3].(string)})
	}
	return out
}

type imapLeaf struct{ typ, disposition, filename string }

// imapLeaves lists the leaves of a BODYSTRUCTURE (RFC 9051 section 7.5.2). Parameters are read by the standard library.
func imapLeaves(t *testing.T, body []any) (out []imapLeaf) {
	t.Helper()
	if _, ok := body[0].([]any); ok {
		for _, c := range body {
			sub, ok := c.([]any)
			if !ok {
				break
			}
			out = append(out, imapLeaves(t, sub)...)
		}
		return out
	}
	l := imapLeaf{typ: strings.ToLower(body[0].(string) + "/" + body[1].(string))}
	at := 8 // the disposition, after MD5
	if strings.HasPrefix(l.typ, "text/") {
		at = 9
	}
	if d, ok := body[at].([]any); ok {
		l.disposition = strings.ToLower(d[0].(string))
		if params, ok := d[1].([]any); ok {
			field := l.disposition
			for i := 0; i+1 < len(params); i += 2 {
				name, value := params[i].(string), params[i+1].(string)
				if strings.HasSuffix(name, "*") {
					field += "; " + name + "=" + value
				} else {
					field += "; " + name + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
				}
			}
			_, got, err := stdmime.ParseMediaType(field)
			require.NoError(t, err, field)
			l.filename = got["filename"]
		}
	}
	return append(out, l)
}
