package webmail

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/buuta/mail/examples/fullserver/internal/web/session"
)

const (
	beat    = 25 * time.Second // how often a stream shows that it lives, and looks whether its session does
	goodbye = time.Second      // how long a page has to read that its stream is over
)

// stream is a page's stream of server-sent events (HTML Living Standard section 9.2): "mail" with a folder's name, when something happened there, and "over" at its end.
type stream struct {
	acc  *account
	sess *session.Session
	*hearer
	wait func() (gone bool) // for something to tell, a beat at most
	send func(text string) error
}

// events opens a stream.
func (q *request) events() error {
	h, leave, err := q.acc.join()
	if err != nil {
		return err
	}
	s := &stream{acc: q.acc, sess: q.sess, hearer: h}
	head := q.w.Header()
	head.Set("Content-Type", "text/event-stream")
	head.Set("X-Accel-Buffering", "no") // nginx would keep it until it is long
	if q.takeOver(s, leave) {
		return nil
	}
	defer leave()
	control := http.NewResponseController(q.w)
	s.send = func(text string) error {
		_ = control.SetWriteDeadline(time.Now().Add(2 * beat))
		if _, err := io.WriteString(q.w, text); err != nil {
			return err
		}
		return control.Flush()
	}
	tick := time.NewTicker(beat)
	defer tick.Stop()
	s.wait = func() bool {
		select {
		case <-q.ctx.Done():
			return true
		case <-tick.C:
		case <-s.wake:
		}
		return false
	}
	s.run(": hello\n\n")
	return nil
}

// takeOver takes a connection of HTTP/1 from the server and goes on behind the request: hundreds of pages wait all day, and the server's buffers, the request, and the stacks of the
// goroutines that have served it are more than all else that is held for them. It reports whether that is possible.
func (q *request) takeOver(s *stream, leave func()) bool {
	if q.r.ProtoMajor != 1 || q.r.Method != http.MethodGet || !s.acc.outlive() {
		return false
	}
	group := &s.acc.owner.group
	conn, _, err := http.NewResponseController(q.w).Hijack()
	if err != nil {
		group.Done()
		return false
	}
	var b bytes.Buffer // takes everything
	b.WriteString("HTTP/1.1 200 OK\r\n")
	head := q.w.Header()
	head.Set("Date", q.cfg.Now().UTC().Format(http.TimeFormat))
	head.Set("Connection", "close")
	_ = head.Write(&b)
	b.WriteString("\r\n: hello\n\n")
	s.onto(conn)
	s.acc.retain()
	go func() {
		defer group.Done()
		defer s.acc.release()
		defer leave()
		defer conn.Close()
		s.run(b.String())
	}()
	return true
}

// onto has a stream written onto a connection of its own.
func (s *stream) onto(conn net.Conn) {
	l := &s.acc.live
	l.mu.Lock()
	s.conn = conn
	l.mu.Unlock()
	s.send = func(text string) error {
		l.mu.Lock()
		s.allow(2 * beat)
		l.mu.Unlock()
		_, err := io.WriteString(conn, text)
		return err
	}
	s.wait = func() bool {
		l.mu.Lock()
		if s.over || len(s.news) > 0 {
			l.mu.Unlock()
			return false
		}
		_ = conn.SetReadDeadline(time.Now().Add(beat))
		l.mu.Unlock()
		_, err := conn.Read(make([]byte, 1)) // a browser sends nothing more
		return !errors.Is(err, os.ErrDeadlineExceeded)
	}
}

// run sends what begins the stream, and what there is to tell until it ends.
func (s *stream) run(text string) {
	site := s.acc.owner.site
	for s.send(text) == nil {
		if s.wait() {
			return
		}
		s.acc.pool.Trim(site.limits.Idle) // a page that waits for news needs no other connection
		news, over := s.acc.live.take(s.hearer)
		if over || !site.sessions.Alive(s.sess) {
			_ = s.send("event: over\ndata: {}\n\n") // the page may have gone
			return
		}
		if text = ": still here\n\n"; len(news) > 0 {
			text = told(news)
		}
	}
}

// told is the events of folders' news.
func told(folders []string) string {
	var b strings.Builder
	for _, folder := range folders {
		name, _ := json.Marshal(folder) // no string makes it fail
		b.WriteString("event: mail\ndata: ")
		b.Write(name)
		b.WriteString("\n\n")
	}
	return b.String()
}
