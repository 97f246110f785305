package webmail_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail"
)

// TestInjection writes commands into every field whose text goes to the IMAP or the SMTP server (D12): the server gets the commands that it gets for a
// harmless text, or none.
func TestInjection(t *testing.T) {
	f := newFixture(t)
	f.add("INBOX", message(1))
	f.login()
	verbs := func(text string) string {
		t.Helper()
		f.trace.take()
		for _, path := range []string{"/search?q=T", "/search?from=T&in=INBOX", "/search?q=x&in=T", "/search?since=T&in=INBOX", "/mail/" + webmail.EscapeFolder("T"), "/compose?mode=reply&folder=T&uid=1", "/compose?draft=1&folder=T",
			"/mail/INBOX/1/part/T"} {
			t := url.QueryEscape(text)
			if strings.HasPrefix(path, "/mail/") {
				t = url.PathEscape(webmail.EscapeFolder(text))
			}
			f.get(strings.Replace(path, "T", t, 1))
			require.Less(f, f.code, 500, "%q %s", text, path)
		}
		f.get("/folders")
		for _, do := range []string{"subscribe", "delete", "rename"} {
			f.post("/folders", url.Values{"token": {f.forms()[1].values.Get("token")}, "do": {do}, "folder": {text}, "to": {text}, "sure": {"yes"}})
			f.get("/folders")
		}
		var out []string
		for _, line := range f.trace.take() {
			fields := strings.Fields(line)
			require.Greater(t, len(fields), 1, "%q", line)
			out = append(out, strings.Join(fields[1:min(len(fields), 3)], " "))
		}
		return strings.Join(out, "\n")
	}
	harmless := strings.Split(verbs("nothing"), "\n")
	for _, text := range []string{"x\r\nA9 LOGOUT\r\n", "x\nA9 LOGOUT", "x\x00y", `x" A9 LOGOUT "`, "x{10}", "x{3+}\r\nabc", "x\\", "%", "*", "$", "(((", "\xff\xfe", strings.Repeat("x", 5000), "NIL"} {
		for _, line := range strings.Split(verbs(text), "\n") {
			verb := strings.Fields(line + " ")
			if len(verb) == 0 {
				continue
			}
			require.NotContains(t, []string{"LOGOUT", "A9"}, verb[0], "%q", text)
			known := false
			for _, h := range harmless {
				known = known || strings.HasPrefix(h+" ", verb[0]+" ")
			}
			require.True(t, known, "%q: %s", text, line)
		}
		f.get("/mail/INBOX")
		require.Equal(t, http.StatusOK, f.code, "%q", text)
	}
	for i, text := range []string{"bob@example.test\r\nDATA\r\nx", "bob@example.test>\r\nRCPT TO:<eve@example.test", "\"a\r\nb\"@example.test", "<bob@example.test> SIZE=1"} {
		f.get("/compose")
		f.submit("/compose", "do", "send", "to", text, "subject", "x\r\nBcc: eve@example.test\r\n\r\nbody")
		require.Less(t, f.code, 500, fmt.Sprint(i))
	}
	for _, m := range f.smtp.Messages() {
		for _, r := range m.Recipients {
			require.NotContains(t, r.Address, "eve")
		}
		require.NotContains(t, string(m.Data), "\r\nBcc:")
	}
}
