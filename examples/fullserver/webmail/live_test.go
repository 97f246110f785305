package webmail_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail/examples/fullserver/webmail"
	"github.com/buuta/mail/imap"
)

// stream opens the stream of events and returns what reads the next event.
func (f *fixture) stream() (next func() string, closeIt func()) {
	f.Helper()
	resp, err := f.http.Get(f.web.URL + "/events")
	require.NoError(f, err)
	require.Equal(f, http.StatusOK, resp.StatusCode)
	require.Equal(f, "text/event-stream", resp.Header.Get("Content-Type"))
	require.Equal(f, "no-store", resp.Header.Get("Cache-Control"))
	if resp.ProtoMajor == 1 {
		require.Empty(f, resp.TransferEncoding, "the server hasn't written it")
	}
	r := bufio.NewReader(resp.Body)
	line, err := r.ReadString('\n')
	require.NoError(f, err)
	require.Equal(f, ": hello\n", line)
	return func() string {
		f.Helper()
		event := ""
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return event + err.Error()
			}
			if line == "\n" && event != "" {
				return event
			}
			if line != "\n" && line[0] != ':' {
				event += line
			}
		}
	}, func() { resp.Body.Close() }
}

// overTLS makes the browser one that speaks HTTPS.
func (f *fixture) overTLS(http2 bool) {
	f.Helper()
	f.web = httptest.NewUnstartedServer(f.site)
	f.web.EnableHTTP2 = http2
	f.web.StartTLS()
	f.Cleanup(func() { f.site.Close(); f.web.Close() })
	f.http.Transport = f.web.Client().Transport
}

// News of the inbox come by IDLE, and of all folders where the server has NOTIFY; one connection serves all pages. Streams of HTTP/1.1 have been taken from the
// server, those of HTTP/2 can't be.
func TestLive(t *testing.T) {
	for _, c := range []struct {
		without    []imap.Capability
		tls, http2 bool
	}{{}, {without: []imap.Capability{imap.CapNotify}}, {tls: true}, {tls: true, http2: true}} {
		f := newFixture(t)
		if c.tls {
			f.overTLS(c.http2)
		}
		without := c.without
		f.imap.Config.Without = without
		f.add("Other", message(9))
		f.login()
		one, closeOne := f.stream()
		two, closeTwo := f.stream()
		box := "INBOX"
		if without == nil {
			box = "Other"
		}
		// The connection may not wait yet: mail comes until it is heard of.
		heard := make(chan string, 1)
		go func() { heard <- one() }()
		var got string
		for i := 0; got == ""; i++ {
			f.imap.Add(box, message(i))
			select {
			case got = <-heard:
			case <-time.After(20 * time.Millisecond):
			}
		}
		require.Equal(t, "event: mail\ndata: \""+box+"\"\n", got)
		require.Equal(t, "event: mail\ndata: \""+box+"\"\n", two())
		connections := 0
		for _, line := range f.trace.take() {
			if strings.Contains(line, " EXAMINE ") {
				connections++
			}
		}
		require.Equal(t, 1, connections, "one connection for all pages")
		closeOne()
		closeTwo()
	}
}

// A stream ends with the site, and a user has no more than a few.
func TestLiveEnds(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	f := newFixture(t, func(c *webmail.Config) { c.Limits.Streams = 2 }).login()
	next, closeIt := f.stream()
	_, closeOther := f.stream()
	defer closeOther()
	f.get("/events")
	require.Equal(t, http.StatusTooManyRequests, f.code)
	closeOther() // who has gone leaves room
	require.Eventually(t, func() bool { f.get("/events"); return f.code == http.StatusOK }, time.Minute, 5*time.Millisecond)
	f.site.Close()
	for {
		if e := next(); !strings.HasPrefix(e, "event: mail") {
			require.Equal(t, "event: over\ndata: {}\n", e)
			break
		}
	}
	closeIt()
	closeOther()
	f.web.CloseClientConnections()
	f.web.Close()
	f.imap.Close()
	f.smtp.Close()
	goleak.VerifyNone(t, ignore)
}

// silent is a browser's connection that is taken from a server, of which the other end reads nothing.
type silent struct {
	http.ResponseWriter
	conn net.Conn
}

func (s silent) Hijack() (net.Conn, *bufio.ReadWriter, error) { return s.conn, nil, nil }

// Who reads nothing keeps neither news nor the site's end waiting.
func TestLiveSlow(t *testing.T) {
	f := newFixture(t).login()
	ours, theirs := net.Pipe()
	defer theirs.Close()
	here := context.WithValue(t.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}))
	req, err := http.NewRequestWithContext(here, "GET", f.web.URL+"/events", nil)
	require.NoError(t, err)
	for _, c := range f.http.Jar.Cookies(req.URL) {
		req.AddCookie(c)
	}
	req.RemoteAddr = "127.0.0.1:1"
	answer := httptest.NewRecorder()
	f.site.ServeHTTP(silent{answer, ours}, req)
	require.Empty(t, answer.Body.String())
	began := time.Now()
	next, closeIt := f.stream()
	defer closeIt()
	heard := make(chan string, 1)
	go func() { heard <- next() }()
	for i := 0; ; i++ { // the connection may not wait yet
		f.imap.Add("INBOX", message(i))
		select {
		case got := <-heard:
			require.Equal(t, "event: mail\ndata: \"INBOX\"\n", got)
		case <-time.After(20 * time.Millisecond):
			continue
		}
		break
	}
	require.NoError(t, f.site.Close())
	require.Less(t, time.Since(began), 45*time.Second, "a page has 50 s to read, when nothing ends")
}
