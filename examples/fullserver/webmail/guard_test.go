package webmail_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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
	return strings.NewReplacer("{$}", "", "{folder}", "INBOX", "{uid}", "1", "{part}", "1").Replace(path)
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
			require.Equal(t, "off", f.head.Get("X-DNS-Prefetch-Control"), where)
			switch {
			case signedIn && strings.HasSuffix(r.Path, "/body"):
				require.Equal(t, "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: "+f.web.URL+
					"/mail/INBOX/1/part/; form-action 'none'; base-uri 'none'; frame-ancestors 'self'", csp)
			case signedIn && regexp.MustCompile(`/(part/\{part\}|source|headers|eml)$`).MatchString(r.Path):
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

// TestSession: the cookie is drawn at the log-in and shown to nobody, an old one opens nothing, and what is kept has no password (D9).
func TestSession(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sessions")
	f := newFixture(t, func(c *webmail.Config) { c.Sessions = file })
	f.get("/login")
	form := f.forms()[0]
	form.values.Set("user", imaptest.Username)
	form.values.Set("password", imaptest.Password)
	req, err := http.NewRequest("POST", f.web.URL+"/login", strings.NewReader(form.values.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.AddCookie(&http.Cookie{Name: "wm", Value: strings.Repeat("A", 43)}) // chosen by somebody else
	f.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := f.http.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	var cookie *http.Cookie
	for _, c := range resp.Cookies() {
		if c.Name == "wm" {
			cookie = c
		}
	}
	require.NotNil(t, cookie)
	require.NotEqual(t, strings.Repeat("A", 43), cookie.Value)
	require.True(t, cookie.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NotContains(t, string(b), cookie.Value)
	require.NotContains(t, string(b), imaptest.Password)
	f.get("/mail/INBOX")
	require.Equal(t, http.StatusOK, f.code)
	require.NotContains(t, f.page, cookie.Value)

	again, err := webmail.New(webmail.Config{IMAP: "x:143", Sessions: file})
	require.NoError(t, err)
	defer again.Close()
	r := httptest.NewRequest("GET", "https://mail.example.test/login", nil)
	r.AddCookie(&http.Cookie{Name: "__Host-wm", Value: cookie.Value})
	w := httptest.NewRecorder()
	again.ServeHTTP(w, r)
	require.Equal(t, http.StatusSeeOther, w.Code, "a restart keeps the session")

	f.http.CheckRedirect = nil
	f.submit("/logout")
	req, err = http.NewRequest("GET", f.web.URL+"/mail/INBOX", nil)
	require.NoError(t, err)
	req.AddCookie(cookie)
	f.do(req)
	require.Contains(t, f.url, "/login")
}

func TestSecureCookie(t *testing.T) {
	site, err := webmail.New(webmail.Config{IMAP: "x:143"})
	require.NoError(t, err)
	defer site.Close()
	w := httptest.NewRecorder()
	site.ServeHTTP(w, httptest.NewRequest("GET", "https://mail.example.test/login", nil))
	require.Equal(t, http.StatusOK, w.Code)
	c := w.Result().Cookies()[0]
	require.True(t, c.Secure && c.HttpOnly && c.Path == "/" && c.Domain == "" && strings.HasPrefix(c.Name, "__Host-"))
	require.NotEmpty(t, w.Header().Get("Strict-Transport-Security"))
}

// Plain HTTP is for this machine, by its own name: not for others, and not for a name of elsewhere that leads here.
func TestPlainHTTP(t *testing.T) {
	f := newFixture(t)
	f.get("/login")
	require.Equal(t, http.StatusOK, f.code)
	for _, host := range []string{"evil.example", "127.0.0.1.evil.example", "192.0.2.1"} {
		req, err := http.NewRequest("GET", f.web.URL+"/login", nil)
		require.NoError(t, err)
		req.Host = host
		f.do(req)
		require.Equal(t, http.StatusForbidden, f.code, host)
	}
	w := httptest.NewRecorder()
	f.site.ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1/login", nil))
	require.Equal(t, http.StatusForbidden, w.Code)
	w = httptest.NewRecorder()
	r := httptest.NewRequest("GET", "https://x/login", nil)
	r.Host = "a;script-src *"
	f.site.ServeHTTP(w, r)
	require.Equal(t, http.StatusBadRequest, w.Code)
}

// TestGuessing makes who guesses wait (D10), whether the account exists or not.
func TestGuessing(t *testing.T) {
	f := newFixture(t)
	for _, user := range []string{imaptest.Username, "nobody"} {
		f.get("/login")
		for range 4 {
			f.submit("/login", "user", user, "password", "wrong")
			require.Equal(t, http.StatusUnauthorized, f.code)
		}
		f.submit("/login", "user", user, "password", imaptest.Password)
		require.Equal(t, http.StatusTooManyRequests, f.code)
		require.Regexp(t, "Please wait [0-9]+ second", f.page)
	}
}

// TestSources holds the templates to texts of the catalogue, and the code to one place where HTML is made and none for scripts.
func TestSources(t *testing.T) {
	actions := regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	used := map[string]bool{}
	files, err := filepath.Glob("templates/*.html")
	require.NoError(t, err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\$?\.[TN] "([^"]+)"`).FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
		}
		text := actions.ReplaceAllString(string(b), "")
		z := html.NewTokenizer(strings.NewReader(text))
		for {
			kind := z.Next()
			if kind == html.ErrorToken {
				break
			}
			token := z.Token()
			if kind == html.TextToken {
				require.NotRegexp(t, `\pL`, html.UnescapeString(token.Data), name)
			}
			for _, a := range token.Attr {
				switch a.Key {
				case "title", "aria-label", "alt", "placeholder":
					require.NotRegexp(t, `\pL`, a.Val, name)
				case "style":
					require.Fail(t, "style attribute", name)
				}
				require.False(t, strings.HasPrefix(a.Key, "on"), name)
			}
		}
	}
	all, err := filepath.Glob("*.go")
	require.NoError(t, err)
	scripts, err := filepath.Glob("static/*.js")
	require.NoError(t, err)
	for _, name := range append(all, scripts...) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		if name != "safe.go" {
			require.NotRegexp(t, `template\.(HTML|JS|CSS|URL|HTMLAttr|Srcset)\(`, string(b), name)
		}
		require.NotRegexp(t, `insertAdjacentHTML|outerHTML|document\.write|\beval\(|new Function`, string(b), name)
		if name != "static/swap.js" {
			require.NotRegexp(t, `innerHTML|parseFromString|setHTMLUnsafe`, string(b), name)
		}
		for _, m := range regexp.MustCompile(`"([a-z]+\.[a-z]+)"`).FindAllStringSubmatch(string(b), -1) {
			if ext := filepath.Ext(m[1]); ext != ".js" && ext != ".css" && ext != ".svg" {
				used[m[1]] = true
			}
		}
	}
	texts := webmail.Texts()
	for key := range used {
		group, _, _ := strings.Cut(key, ".")
		if _, ok := texts[key]; !ok && texts["group "+group] != "" {
			require.Fail(t, "no text", key)
		}
	}
}

func TestHelpers(t *testing.T) {
	for _, name := range []string{"INBOX", "a/b", "..", ".", "~", "a~2Fb", "Dự án", "x y", "%2e%2e", `a\b`, "?#"} {
		esc := webmail.EscapeFolder(name)
		require.NotRegexp(t, `[/.\\ ?#%]`, esc)
		got, ok := webmail.UnescapeFolder(esc)
		require.True(t, ok, esc)
		require.Equal(t, name, got)
	}
	for _, bad := range []string{"", "~", "~2", "~2f", "~zz", "a/b", "a.b", "~41", "a~0Db", "\xff"} {
		_, ok := webmail.UnescapeFolder(bad)
		require.False(t, ok, bad)
	}
	for to, want := range map[string]string{"/mail/x?p=2": "/mail/x?p=2", "": "/", "//evil.example": "/", "https://evil.example": "/", `/\evil.example`: "/", "/\tx": "/", "javascript:x": "/", "mail": "/"} {
		require.Equal(t, want, webmail.LocalPath(to, "/"), to)
	}
	for in, want := range map[string]string{"": "", "a@b.test": "a@b.test", "A <a@b.test>; c@d.test,": "a@b.test c@d.test", "a@b.test\nc@d.test": "a@b.test c@d.test",
		"Nhóm: a@b.test, c@d.test;": "a@b.test c@d.test"} {
		list, bad := webmail.ParseRecipients(in)
		require.Empty(t, bad, in)
		var got []string
		for _, a := range list {
			got = append(got, a.Addr())
		}
		require.Equal(t, want, strings.Join(got, " "), in)
	}
	for _, in := range []string{"jo", "a@", "a@b c@d", "<>", "a@b.test, jo"} {
		_, bad := webmail.ParseRecipients(in)
		require.NotEmpty(t, bad, in)
	}
	require.Equal(t, "a  b", webmail.Clean("a\r\nb\u202e\x00", 10))
	require.Equal(t, "abc", webmail.Clean("abcdef", 3))
	require.Equal(t, `inline; filename="H_p _x_.pdf"; filename*=UTF-8''H%E1%BB%A3p%20%22x%2F.pdf`, webmail.Disposition("inline", `Hợp "x/.pdf`))
}

// FuzzFolderURL: what the address of a folder means is what it was made of, whatever the name is.
func FuzzFolderURL(f *testing.F) {
	f.Add("a~2Fb")
	f.Add("../x")
	f.Fuzz(func(t *testing.T, s string) {
		if got, ok := webmail.UnescapeFolder(webmail.EscapeFolder(s)); ok {
			require.Equal(t, s, got)
		}
		if name, ok := webmail.UnescapeFolder(s); ok {
			require.Equal(t, s, webmail.EscapeFolder(name))
		}
	})
}
