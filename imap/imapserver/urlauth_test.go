package imapserver_test

import (
	"context"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver"
)

var quotedURL = regexp.MustCompile(`"([^"]*)"`)

// authorize makes alice's server authorize a URL.
func (p *peer) authorize(url string) string {
	p.Helper()
	lines := p.do(`g GENURLAUTH "` + url + `" INTERNAL`)
	require.Len(p, lines, 1)
	require.True(p, strings.HasPrefix(lines[0], "* GENURLAUTH "), lines[0])
	m := quotedURL.FindStringSubmatch(lines[0])
	require.NotNil(p, m, lines[0])
	require.True(p, strings.HasPrefix(m[1], url+":INTERNAL:"), m[1])
	return m[1]
}

// The examples of RFC 4467.
func TestURLAuth(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) {
		s.SubmissionServer = func(id *mail.Identity) bool { return id.AccountName() == "bob" }
	})
	f.add("INBOX", "Subject: x\n\nSi vis pacem, para bellum.\n")
	alice := f.login("")
	for _, bad := range []string{
		`"imap://alice@example.com/INBOX/;uid=1/;section=TEXT" INTERNAL`,                   // missing access identifier
		`"imap://example.com/Shared/;uid=1/;section=TEXT;urlauth=submit+fred" INTERNAL`,    // missing owner username
		`"imap://bob@example.com/INBOX/;uid=1/;section=TEXT;urlauth=submit+fred" INTERNAL`, // another's mailbox
		`"imap://alice@example.com/Nowhere/;uid=1;urlauth=submit+fred" INTERNAL`,           // no mailbox
		`"imap://alice@example.com/INBOX;urlauth=submit+fred" INTERNAL`,                    // a mailbox as a whole
		`"imap://alice@example.com/INBOX/;uid=1;urlauth=submit+fred" XSAMPLE`, `"x" INTERNAL`, `"x"`, ``,
	} {
		_, status := alice.try("a GENURLAUTH " + bad)
		require.Contains(t, status, "a BAD", bad)
	}
	const rump = "imap://alice@example.com/INBOX/;uid=1/;section=TEXT;urlauth="
	submit := alice.authorize(rump + "submit+alice")
	require.Equal(t, submit, alice.authorize(rump+"submit+alice"), "the token is deterministic")
	users := map[string]string{"submit+alice": "bob", "user+alice": "alice", "user+bob": "bob", "authuser": "alice bob", "anonymous": "alice bob"}
	peers := map[string]*peer{"alice": alice, "bob": f.as("bob")}
	for access, allowed := range users {
		url := alice.authorize(rump + access)
		for name, p := range peers {
			lines := p.do(`u URLFETCH "` + url + `"`)
			if strings.Contains(allowed, name) {
				require.Len(t, lines, 3, "%s as %s: %q", access, name, lines)
				require.Equal(t, "* URLFETCH \""+url+"\" {28}", lines[0])
				require.Equal(t, "Si vis pacem, para bellum.", lines[1])
			} else {
				require.Equal(t, []string{"* URLFETCH \"" + url + "\" NIL"}, lines, "%s as %s", access, name)
			}
		}
	}
	// "The returned data string is NIL if the URL is invalid for any reason."
	own := alice.authorize(rump + "user+alice")
	last := own[len(own)-1:]
	other := map[string]string{"0": "1"}[last]
	if other == "" {
		other = "0"
	}
	for _, url := range []string{own[:len(own)-1] + other, strings.Replace(own, "uid=1", "uid=2", 1), strings.Replace(own, "INBOX", "Inbox", 1),
		strings.Replace(own, "alice@", "bob@", 1), strings.Replace(own, "alice@", "nobody@", 1), strings.Replace(own, "INBOX", "Nowhere", 1),
		strings.Replace(own, ":INTERNAL:", ":XSAMPLE:", 1), strings.Replace(own, "TEXT", "3", 1), "imap://alice@example.com/INBOX", "rubbish", rump + "user+alice"} {
		require.Equal(t, []string{`* URLFETCH "` + url + `" NIL`}, alice.do(`v URLFETCH "`+url+`"`), url)
	}

	// RESETKEY.
	_, status := alice.try("r RESETKEY INBOX")
	require.Equal(t, "r OK [URLMECH INTERNAL] Key replaced.", status)
	require.Equal(t, []string{`* URLFETCH "` + own + `" NIL`}, alice.do(`x URLFETCH "`+own+`"`))
	again := alice.authorize(rump + "user+alice")
	require.NotEqual(t, own, again)
	require.Len(t, alice.do(`x URLFETCH "`+again+`"`), 3)
	alice.do("r RESETKEY")
	require.Equal(t, []string{`* URLFETCH "` + again + `" NIL`}, alice.do(`x URLFETCH "`+again+`"`))
	for _, bad := range []string{"RESETKEY INBOX XSAMPLE", "RESETKEY Nowhere", "RESETKEY INBOX INTERNAL x"} {
		_, status := alice.try("s " + bad)
		require.NotContains(t, status, "s OK", bad)
	}
	alice.do("t RESETKEY INBOX INTERNAL")
}

// "After that date and time, the URL has expired, and server implementations MUST reject the URL" (RFC 4467 section 3).
func TestURLAuthExpires(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", simple)
	p := f.login("")
	for expire, valid := range map[time.Time]bool{testTime.Add(time.Second): true, testTime.Add(-time.Second): false} {
		url := p.authorize("imap://alice@h/INBOX/;UID=1;EXPIRE=" + expire.UTC().Format(time.RFC3339) + ";URLAUTH=anonymous")
		require.Equal(t, valid, len(p.do(`a URLFETCH "`+url+`"`)) > 1)
	}
}

// What a submission server does with BURL (RFC 4468 section 3.3).
func TestFetchURL(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", "Subject: x\n\n0123456789\n")
	p := f.login("")
	const rump = "imap://alice@example.com/INBOX/;UID=1/;SECTION=TEXT/;PARTIAL=2.5;URLAUTH="
	url := p.authorize(rump + "submit+alice")
	body, err := f.srv.FetchURL(context.Background(), url, "alice")
	require.NoError(t, err)
	require.Equal(t, int64(5), body.Size())
	all, err := io.ReadAll(io.NewSectionReader(body, 0, 100))
	require.NoError(t, err)
	require.Equal(t, "23456", string(all))
	require.NoError(t, body.Close())
	for _, bad := range [][2]string{{url, "bob"}, {rump + "submit+alice", "alice"}, {url + "0", "alice"}, {"/INBOX/;UID=1", "alice"},
		{p.authorize(rump + "user+bob"), "alice"}, {p.authorize("imap://alice@h/INBOX/;UID=9;URLAUTH=submit+alice"), "alice"}} {
		_, err := f.srv.FetchURL(context.Background(), bad[0], bad[1])
		require.Error(t, err, bad[0])
	}
}

func TestURLAuthTakenAway(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Without = []imap.Capability{imap.CapURLAuth} })
	p := f.login("")
	require.NotContains(t, p.do("a CAPABILITY")[0], "URLAUTH")
	_, status := p.try("b RESETKEY")
	require.Contains(t, status, "b BAD Unknown command")
}
