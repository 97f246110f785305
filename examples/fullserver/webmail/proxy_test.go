package webmail_test

import (
	"context"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail"
)

const pixel = "GIF89a\x01\x00\x01\x00\x00\x00\x00;xx"

// Pictures from elsewhere come through this site: the server that has them doesn't learn who reads, nobody but the session of the message gets one, and the browser is allowed no other place.
func TestPictures(t *testing.T) {
	var asked []http.Header
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header)
		w.Header().Set("Set-Cookie", "who=alice")
		if r.URL.Path == "/page" {
			_, _ = w.Write([]byte("<script>pwn</script>"))
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(pixel))
	}))
	defer elsewhere.Close()
	f := newFixture(t, func(c *webmail.Config) {
		c.Pictures = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, elsewhere.Listener.Addr().String())
		}}
	})
	text := "From: shop@example.net\nContent-Type: text/html\n\n<img src=\"http://cdn.example.net/a.png?x=1&amp;y=2\"><img src=\"http://cdn.example.net/page\"><table background=\"//cdn.example.net/b\"></table>\n"
	f.add("INBOX", text)
	f.add("INBOX", text)
	f.login()
	f.get("/mail/INBOX/1")
	link := regexp.MustCompile(`/mail/INBOX/1\?images=[^"]*`).FindString(f.page)
	require.NotEmpty(t, link)
	f.get("/mail/INBOX/1/body")
	require.NotContains(t, f.page, "cdn.example.net")
	f.get(strings.Replace(link, "/1?", "/1/body?", 1))
	require.Contains(t, f.head.Get("Content-Security-Policy"), "img-src data: "+f.web.URL+"/mail/INBOX/1/part/ "+f.web.URL+"/mail/INBOX/1/image;")
	require.Empty(t, asked, "nothing is fetched before the browser wants it")
	var urls []string
	for _, m := range regexp.MustCompile(`/mail/INBOX/1/image\?[^"]*`).FindAllString(f.page, -1) {
		urls = append(urls, html.UnescapeString(m))
	}
	require.Len(t, urls, 3)
	require.NotRegexp(t, `["( ](https?:)?//cdn`, f.page)

	f.get(urls[0])
	require.Equal(t, http.StatusOK, f.code)
	require.Equal(t, pixel, f.page)
	require.Equal(t, "image/gif", f.head.Get("Content-Type"))
	require.Equal(t, "nosniff", f.head.Get("X-Content-Type-Options"))
	require.Contains(t, f.head.Get("Content-Security-Policy"), "sandbox")
	require.Equal(t, "private, max-age=3600", f.head.Get("Cache-Control"))
	require.Empty(t, f.head.Get("Set-Cookie"))
	require.Len(t, asked, 1)
	for _, h := range []string{"Cookie", "Referer", "Accept-Language", "X-Forwarded-For"} {
		require.Empty(t, asked[0].Get(h), h)
	}
	f.get(urls[1])
	require.Equal(t, http.StatusBadGateway, f.code, "a page is no picture")
	require.Empty(t, f.page)
	require.Len(t, asked, 2)

	for _, bad := range []string{strings.Replace(urls[0], "/1/", "/2/", 1), strings.Replace(urls[0], "cdn", "evil", 1), "/mail/INBOX/1/image?u=http%3A%2F%2Fcdn.example.net%2Fa.png"} {
		f.get(bad)
		require.Equal(t, http.StatusNotFound, f.code, bad)
	}
	f.http = f.newBrowser()
	f.get(urls[0])
	require.Contains(t, f.url, "/login")
	f.login()
	f.get(urls[0])
	require.Equal(t, http.StatusNotFound, f.code, "another session's")
	require.Len(t, asked, 2)

	// Without a transport of its own the site reaches nothing of this network, whatever the port.
	own := newFixture(t)
	own.add("INBOX", strings.ReplaceAll(text, "cdn.example.net", "localhost"))
	own.login()
	own.get("/mail/INBOX/1")
	own.get(strings.Replace(regexp.MustCompile(`/mail/INBOX/1\?images=[^"]*`).FindString(own.page), "/1?", "/1/body?", 1))
	own.get(html.UnescapeString(regexp.MustCompile(`/mail/INBOX/1/image\?[^"]*`).FindString(own.page)))
	require.Equal(t, http.StatusBadGateway, own.code)
}
