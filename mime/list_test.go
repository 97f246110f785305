package mime_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
)

func listOf(fields string) mime.ListFields { return mime.ParseHeader([]byte(crlf(fields)), nil).List() }

// The examples of RFC 2369 section 3 and RFC 8058 section 8.
func TestListExamples(t *testing.T) {
	l := listOf(`List-Help: <mailto:list@host.com?subject=help> (List Instructions)
List-Unsubscribe: (Use this command to get off the list)
     <mailto:list-manager@host.com?body=unsubscribe%20list>,
     <http://www.host.com/list.cgi?cmd=unsub&lst=list>
List-Subscribe: <mailto:list-request@host.com?subject=subscribe>,
     <mailto:list-manager@host.com?body=subscribe%20list> (Subscribe me)
List-Post: NO (posting not allowed on this list)
List-Owner: <mailto:listmom@host.com> (Contact Person for Help)
List-Archive: <ftp://ftp.host.com/pub/list/archive/>
List-Id: "Lena's Personal Joke List" <lenas-jokes.da39efc25c530ad145d41b86f7420c3b.021999.localhost>
`)
	require.Equal(t, []string{"mailto:list@host.com?subject=help"}, l.Help)
	require.Equal(t, []string{"mailto:list-manager@host.com?body=unsubscribe%20list", "http://www.host.com/list.cgi?cmd=unsub&lst=list"}, l.Unsubscribe)
	require.Len(t, l.Subscribe, 2)
	require.Empty(t, l.Post)
	require.True(t, l.NoPost)
	require.Equal(t, []string{"mailto:listmom@host.com"}, l.Owner)
	require.Equal(t, []string{"ftp://ftp.host.com/pub/list/archive/"}, l.Archive)
	require.Equal(t, "Lena's Personal Joke List", l.Name)
	require.Equal(t, "lenas-jokes.da39efc25c530ad145d41b86f7420c3b.021999.localhost", l.ID)
	require.Empty(t, l.OneClick, "no List-Unsubscribe-Post")
	l = listOf("List-Unsubscribe: <mailto:listrequest@example.com?subject=unsubscribe>,\n <https://example.com/unsubscribe.html?opaque=123456789>\n" +
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click\n")
	require.Equal(t, "https://example.com/unsubscribe.html?opaque=123456789", l.OneClick)
	// "The List-Unsubscribe header field MUST contain one HTTPS URI" (RFC 8058 section 3.1).
	l = listOf("List-Unsubscribe: <http://example.com/u>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n")
	require.Empty(t, l.OneClick)
}

func TestParseListURLs(t *testing.T) {
	for body, want := range map[string][]string{
		"":                  nil,
		"<mailto:a@b.test>": {"mailto:a@b.test"},
		"< mailto:a@b.test\t?subject=x >, <https://b.test/>": {"mailto:a@b.test?subject=x", "https://b.test/"}, // "whitespace […] MUST be ignored"
		"<a:1>, , <b:2>":       {"a:1", "b:2"},
		"<a:1> <b:2>":          {"a:1"}, // "any characters following an angle bracket enclosed URL SHOULD be ignored, unless a comma"
		"https://b.test/":      nil,     // "begins with any character other than the opening angle bracket '<', the field SHOULD be ignored"
		"(x) <a:1> (y), <b:2":  {"a:1"},
		"<javascript\nx>":      nil,
		"<a:\"onclick>, <b:2>": {"b:2"},
		"<1:x>":                nil,
	} {
		require.Equal(t, want, mime.ParseListURLs(body), "%q", body)
	}
	require.Len(t, mime.ParseListURLs(strings.Repeat("<a:b>,", 1000)), 20)
}

func TestListID(t *testing.T) {
	for body, want := range map[string][2]string{
		"List Header Mailing List <list-header.nisto.com>": {"List Header Mailing List", "list-header.nisto.com"},
		"<commonspace-users.list-id.within.com>":           {"", "commonspace-users.list-id.within.com"},
		"plain.example.test":                               {"", "plain.example.test"},
		"=?utf-8?q?Th=C6=B0?= <thu.example.test>":          {"Thư", "thu.example.test"},
		"\"a \\\"b\\\"\" <c.test":                          {`a "b"`, "c.test"},
		"only words here":                                  {"only words here", ""},
	} {
		l := listOf("List-Id: " + body + "\n")
		require.Equal(t, want, [2]string{l.Name, l.ID}, body)
	}
}

func FuzzParseListURLs(f *testing.F) {
	f.Add("(a) <mailto:x@y>, <https://z>")
	f.Add("<a:1>((((((,<")
	f.Fuzz(func(t *testing.T, body string) {
		for _, u := range mime.ParseListURLs(body) {
			require.NotContains(t, u, " ")
			require.False(t, strings.ContainsAny(u, "<>\"\r\n\x00"), "%q", u)
			require.Equal(t, []string{u}, mime.ParseListURLs("<"+u+">"))
		}
	})
}
