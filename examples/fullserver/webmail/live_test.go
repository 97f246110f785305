package webmail_test

import (
	"bufio"
	"net/http"
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

// News of the inbox come by IDLE, and of all folders where the server has NOTIFY; one connection serves all pages.
func TestLive(t *testing.T) {
	for _, without := range [][]imap.Capability{nil, {imap.CapNotify}} {
		f := newFixture(t)
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
