package rewrite_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/buuta/mail/smtp/rewrite"
	"github.com/stretchr/testify/require"
)

// RFC 5322 section 3.4: mailboxes with and without names, groups, comments, quoted strings. The rest of the header stays as it is.
func TestHeader(t *testing.T) {
	var asked []string
	f := func(a string, k rewrite.Kind) (string, error) {
		s := "s:"
		if k == rewrite.HeaderRecipient {
			s = "r:"
		}
		asked = append(asked, s+a)
		return strings.Replace(a, "in.test", "out.test", 1), nil
	}
	in := "From: Alice \"in.test\" <alice@in.test> (at in.test)\r\nSubject: x@in.test\r\nTo: bob@in.test,\r\n \"a b\"@in.test, Group: c@in.test, <d@in.test>;, bare\r\n" +
		"Cc: (in.test) e@in.test (x), <@r.test:f@in.test>, g @ in.test, h@[1.2.3.4]\r\nX-To: z@in.test\r\nResent-Sender: i@in.test\r\n"
	out, err := rewrite.Header([]byte(in), f)
	require.NoError(t, err)
	require.Equal(t, "From: Alice \"in.test\" <alice@out.test> (at in.test)\r\nSubject: x@in.test\r\nTo: bob@out.test,\r\n \"a b\"@out.test, Group: c@out.test, <d@out.test>;, bare\r\n"+
		"Cc: (in.test) e@out.test (x), <@r.test:f@out.test>, g @ in.test, h@[1.2.3.4]\r\nX-To: z@in.test\r\nResent-Sender: i@out.test\r\n", string(out))
	require.Equal(t, []string{"s:alice@in.test", "r:bob@in.test", `r:"a b"@in.test`, "r:c@in.test", "r:d@in.test", "r:bare", "r:e@in.test", "r:f@in.test", "r:h@[1.2.3.4]", "s:i@in.test"}, asked)
	same, err := rewrite.Header([]byte("To: x@y.test\n"), f)
	require.NoError(t, err)
	require.Equal(t, "To: x@y.test\n", string(same))
	_, err = rewrite.Header([]byte("To: x@y.test\n"), func(string, rewrite.Kind) (string, error) { return "", errors.New("down") })
	require.Error(t, err)
}

func FuzzHeader(f *testing.F) {
	for _, s := range []string{"From: a <b@c>, d\r\n e\r\nTo: \"", "Cc: (a(b)c) <@x:y@z>\n", "To: g: a, b;\\", "From:[", "To: <"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		same, err := rewrite.Header([]byte(s), func(a string, _ rewrite.Kind) (string, error) { return a, nil })
		require.NoError(t, err)
		require.Equal(t, s, string(same))
		grown, err := rewrite.Header([]byte(s), func(a string, _ rewrite.Kind) (string, error) { return a + "X", nil })
		require.NoError(t, err)
		require.Equal(t, strings.Count(s, "\n"), strings.Count(string(grown), "\n"))
	})
}
