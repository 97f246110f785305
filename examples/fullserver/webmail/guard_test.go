package webmail_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/webmail"
	"github.com/buuta/mail/imap/imaptest"
)

// concrete fills a route's path in.
func concrete(path string) string {
	return strings.NewReplacer("{$}", "", "{folder}", "INBOX", "{uid}", "1", "{part}", "1", "{contact}", "new", "{account}", "new").Replace(path)
}

// TestHeaders walks every route, signed in and not (D3): there is none without a policy, and only a mail's own document may have styles.
func TestHeaders(t *testing.T) {
	f := newFixture(t)
	f.add("INBOX", "Subject: x\nContent-Type: text/html\n\n<b>x</b>\n")
	f.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, signedIn := range []bool{false, true} {
		if signedIn {
			f.http.CheckRedirect = nil
			f.login()
			f.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		}
		for _, r := range append(webmail.Routes(), webmail.Route{Method: "GET", Path: "/nothing"}, webmail.Route{Method: "GET", Path: "/static/x/app.css"}, webmail.Route{Method: "POST", Path: "/mail/x"}) {
			req, err := http.NewRequest(r.Method, f.web.URL+concrete(r.Path), nil)
			require.NoError(t, err)
			if r.Path == "/logout" {
				continue // TestLogin has it
			}
			f.do(req)
			where := fmt.Sprint(r, signedIn)
			csp := f.head.Get("Content-Security-Policy")
			require.Contains(t, csp, "default-src 'none'", where)
			require.NotContains(t, csp, "unsafe-eval", where)
			require.NotContains(t, csp, "allow-scripts", where)
			require.Equal(t, "nosniff", f.head.Get("X-Content-Type-Options"), where)
			require.Equal(t, "no-referrer", f.head.Get("Referrer-Policy"), where)
			require.NotEmpty(t, f.head.Get("X-Frame-Options"), where)
			if f.head.Get("X-Page") != "" { // what scripts put into the page is never what somebody else has written
				require.NotContains(t, csp, "sandbox", where)
			}
			require.Equal(t, "off", f.head.Get("X-DNS-Prefetch-Control"), where)
			switch {
			case signedIn && strings.HasSuffix(r.Path, "/body"):
				require.Equal(t, "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: "+f.web.URL+
					"/mail/INBOX/1/part/; form-action 'none'; base-uri 'none'; frame-ancestors 'self'", csp)
			case signedIn && regexp.MustCompile(`/(part/\{part\}|source|headers|eml|export)$`).MatchString(r.Path):
				require.Equal(t, "sandbox; default-src 'none'; frame-ancestors 'none'", csp, where)
			default:
				require.Equal(t, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; "+
					"base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types wm", csp, where)
			}
			if !signedIn && !r.Public && f.code < 400 && r.Path != "/static/x/app.css" && r.Path != "/nothing" {
				require.Equal(t, http.StatusSeeOther, f.code, where)
				require.True(t, strings.HasPrefix(f.head.Get("Location"), "/login"), where)
			}
		}
	}
}

// TestForgedRequests sends every form without its token, with another session's, and from another site (D8).
func TestForgedRequests(t *testing.T) {
	f := newFixture(t)
	f.add("INBOX", message(1))
	f.login()
	f.get("/folders")
	token := f.forms()[1].values.Get("token")
	other := f.http
	f.http = f.newBrowser()
	f.login()
	f.get("/folders")
	foreign := f.forms()[1].values.Get("token")
	f.http = other
	require.NotEqual(t, token, foreign)
	before := f.hash()
	for _, r := range webmail.Routes() {
		if r.Method != "POST" {
			continue
		}
		body := "do=delete&uid=1&folder=INBOX&sure=yes&to=x&user=eve&password=x"
		for name, change := range map[string]func(*http.Request, *string){
			"no token":        func(*http.Request, *string) {},
			"another's token": func(_ *http.Request, b *string) { *b += "&token=" + foreign },
			"bad token":       func(_ *http.Request, b *string) { *b += "&token=" + token[1:] },
			"other site": func(r *http.Request, b *string) {
				*b += "&token=" + token
				r.Header.Set("Sec-Fetch-Site", "cross-site")
			},
			"same site": func(r *http.Request, b *string) { r.Header.Set("Sec-Fetch-Site", "same-site") },
			"other origin": func(r *http.Request, b *string) {
				*b += "&token=" + token
				r.Header.Set("Origin", "https://evil.example")
			},
			"null origin": func(r *http.Request, b *string) { *b += "&token=" + token; r.Header.Set("Origin", "null") },
		} {
			b := body
			req, err := http.NewRequest("POST", f.web.URL+concrete(r.Path), nil)
			require.NoError(t, err)
			change(req, &b)
			req.Body, req.ContentLength = io.NopCloser(strings.NewReader(b)), int64(len(b))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			f.do(req)
			require.Equal(t, http.StatusForbidden, f.code, "%s %s", r.Path, name)
		}
	}
	require.Equal(t, before, f.hash())
	f.get("/mail/INBOX")
	require.Equal(t, "/mail/INBOX", f.url, "the session is still there")
}

// hash is of all there is in the account.
func (f *fixture) hash() string {
	f.Helper()
	h := sha256.New()
	acc, err := f.imap.Store.Account(f.Context(), imaptest.Username)
	require.NoError(f, err)
	for box, err := range acc.Mailboxes(f.Context()) {
		require.NoError(f, err)
		fmt.Fprintln(h, box)
		for m, err := range f.imap.Mailbox(box.Name).Messages(f.Context(), mail.AllUIDs(), mail.FieldFlags|mail.FieldGUID) {
			require.NoError(f, err)
			fmt.Fprintln(h, m.UID, m.ModSeq, m.Flags.Names(), m.GUID)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// TestGetChangesNothing follows every link of every page (D8).
func TestGetChangesNothing(t *testing.T) {
	f := newFixture(t)
	for i := range 60 {
		f.add("INBOX", message(i))
	}
	f.add("INBOX", poisoned(0))
	f.add("Drafts", message(2))
	f.add("Trash", message(3))
	f.login()
	before := f.hash()
	seen := map[string]bool{}
	queue := []string{"/"}
	for _, r := range webmail.Routes() {
		if r.Method == "GET" {
			queue = append(queue, concrete(r.Path), concrete(r.Path)+"?do=delete&uid=1&token=x&draft=1&folder=Drafts&mode=reply")
		}
	}
	for len(queue) > 0 && len(seen) < 150 {
		path := queue[0]
		queue = queue[1:]
		if seen[path] || strings.HasPrefix(path, "/static/") {
			continue
		}
		seen[path] = true
		f.get(path)
		require.Less(t, f.code, 500, path)
		if !strings.HasPrefix(f.head.Get("Content-Type"), "text/html") {
			continue
		}
		doc, err := html.Parse(strings.NewReader(f.page))
		require.NoError(t, err)
		for n := range doc.Descendants() {
			for _, name := range []string{"href", "src"} {
				if v := attr(n, name); strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "//") {
					queue = append(queue, v)
				}
			}
		}
	}
	require.Greater(t, len(seen), 90)
	require.Equal(t, before, f.hash())
	require.Empty(t, f.smtp.Messages())
}
