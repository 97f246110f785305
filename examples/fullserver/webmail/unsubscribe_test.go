package webmail_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail"
)

// A list is asked to send no more by one POST that tells nothing else, where a signature that the trusted server has found good covers both fields (RFC 8058), and not
// else: neither where somebody may have written them, nor by anybody but who is signed in.
func TestOneClick(t *testing.T) {
	var got []string
	answer := http.StatusOK
	list := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = append(got, fmt.Sprint(r.Method, " ", r.Host, r.URL, " ", r.Header.Get("Content-Type"), " ", string(b), " ", r.Header.Get("Cookie"), r.Header.Get("Referer"), r.Header.Get("Authorization")))
		w.Header().Set("Location", "https://news.example/elsewhere")
		w.Header().Set("Set-Cookie", "a=b")
		w.WriteHeader(answer)
	}))
	defer list.Close()
	f := newFixture(t, func(c *webmail.Config) {
		c.AuthservID = "mx.example.test"
		c.Outward = list.Client()
		c.Outward.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		tr := c.Outward.Transport.(*http.Transport)
		tr.TLSClientConfig.ServerName = "example.com"
		tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, list.Listener.Addr().String())
		}
	})
	const (
		pass = "Authentication-Results: mx.example.test; dkim=pass header.d=news.example header.b=AbCdEf12\n"
		sig  = "DKIM-Signature: v=1; a=rsa-sha256; d=News.Example; s=x; h=From:List-Unsubscribe:\n List-unsubscribe-post:Subject; bh=x; b=AbCd\n Ef1234567\n"
		both = "List-Unsubscribe: <mailto:leave@news.example>, <https://news.example/u?id=1&x=%20>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n"
	)
	bad := []string{
		pass + sig + both + "List-Unsubscribe: <https://evil.example/>\n",
		strings.Replace(pass, "dkim=pass", "dkim=fail", 1) + sig + both,
		strings.Replace(pass, "mx.", "evil.", 1) + sig + both,
		pass + strings.Replace(sig, "List-unsubscribe-post:", "", 1) + both,
		pass + strings.Replace(sig, "AbCd", "abcd", 1) + both,
		strings.Replace(pass, " header.b=AbCdEf12", "", 1) + sig + both,
		pass + sig + strings.Replace(both, "https:", "http:", 1),
		pass + sig + strings.Replace(both, "news.example/u", "news.example:8443/u", 1),
		pass + sig + strings.Replace(both, "https://", "https://a:b@", 1),
		pass + sig + strings.Replace(both, "One-Click", "Two-Clicks", 1),
		sig + both,
	}
	for _, head := range append([]string{pass + sig + both}, bad...) {
		f.add("INBOX", head+"From: news@news.example\nSubject: News\n\nx\n")
	}
	f.login()
	f.get("/mail/INBOX/1")
	require.Contains(t, f.page, `formaction="/mail/INBOX/1/unsubscribe" title="news.example"`)
	f.submitTo("/mail/INBOX/1/unsubscribe")
	require.Contains(t, f.page, "Asked news.example to send you no more")
	require.Equal(t, []string{"POST news.example/u?id=1&x=%20 application/x-www-form-urlencoded List-Unsubscribe=One-Click "}, got)
	for _, answer = range []int{http.StatusFound, http.StatusInternalServerError} {
		f.get("/mail/INBOX/1")
		f.submitTo("/mail/INBOX/1/unsubscribe")
		require.Equal(t, http.StatusBadGateway, f.code)
		require.Contains(t, f.page, "news.example did not take it")
	}
	require.Len(t, got, 3, "redirects are not followed")
	f.get("/mail/INBOX/1")
	for i := range bad {
		f.get(fmt.Sprintf("/mail/INBOX/%d", i+2))
		require.NotContains(t, f.page, "/unsubscribe", bad[i])
		f.submitTo(fmt.Sprintf("/mail/INBOX/%d/unsubscribe", i+2))
		require.Equal(t, http.StatusNotFound, f.code, bad[i])
		f.get("/mail/INBOX/1")
	}
	require.Len(t, got, 3)

	// Without a client of its own the site reaches nothing of this network.
	own := newFixture(t, func(c *webmail.Config) { c.AuthservID = "mx.example.test" })
	own.add("INBOX", strings.ReplaceAll(pass+sig+both, "https://news.example", "https://localhost")+"Subject: x\n\nx\n")
	own.login()
	own.get("/mail/INBOX/1")
	own.submitTo("/mail/INBOX/1/unsubscribe")
	require.Equal(t, http.StatusBadGateway, own.code)
}

// submitTo posts the form of the open message to another address, as a button with one does.
func (f *fixture) submitTo(path string) {
	f.Helper()
	for _, form := range f.forms() {
		if form.values.Get("token") != "" {
			f.post(path, form.values)
			return
		}
	}
	require.Fail(f, "no form")
}

// A sender who shows another address, or whose domain is written to be mistaken, is warned of; names and domains as people have them are not.
func TestLookAlikes(t *testing.T) {
	f := newFixture(t)
	senders := []struct{ from, want string }{
		{`"support@bank.example" <x@evil.example>`, "shows the address support@bank.example, but the message comes from x@evil.example"},
		{`"Bank (support@bank.example)" <x@evil.example>`, "support@bank.example"},
		{`=?utf-8?q?B=E1=BA=A1n_support=40bank=2Eexample?= <x@evil.example>`, "support@bank.example"},
		{`x@xn--pple-43d.com`, "аpple.com is written with letters that look like others. Its real name is xn--pple-43d.com"}, // Cyrillic а
		{`x@xn--80ak6aa92e.com`, "xn--80ak6aa92e.com"},                                                                       // аррӏе, all of it Cyrillic
		{`x@mail.ρaypal.example`, "xn--"},
		{`"x@evil.example" <X@Evil.example>`, ""}, {`Nguyễn Văn An <an@bưu-điện.vn>`, ""}, {`"An @ home" <an@x.example>`, ""}, {`x@例え.jp`, ""}, {`x@почта.рф`, ""},
		{`x@münchen.de`, ""}, {`x@xn--vitnam-hk8b.example`, ""}, {`x@россия.com`, ""}, {`a@[192.0.2.1]`, ""}, {`nobody`, ""},
	}
	for _, s := range senders {
		f.add("INBOX", "From: "+s.from+"\nSubject: x\n\nx\n")
	}
	f.login()
	for i, s := range senders {
		f.get(fmt.Sprintf("/mail/INBOX/%d", i+1))
		if s.want == "" {
			require.NotContains(t, f.page, `class="notice bad"`, s.from)
		} else {
			require.Contains(t, f.page, s.want, s.from)
		}
	}
}
