package dovecotauth

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// dialer says where a server is.
type dialer struct {
	path string
	dial func(ctx context.Context) (net.Conn, error)
}

func (d *dialer) connect(ctx context.Context) (net.Conn, error) {
	if d.dial != nil {
		return d.dial(ctx)
	}
	return new(net.Dialer).DialContext(ctx, "unix", d.path)
}

// link is a connection to a server, on which many requests run at once.
type link struct {
	nc         net.Conn
	r          *bufio.Reader
	mechanisms []string
	many       bool // an answer may be many lines: who is slow to take them holds up the server

	mu      sync.Mutex
	waiting map[uint32]chan []string
	last    uint32
	broken  error         // why it can't be used any more
	gone    chan struct{} // closed then
	done    chan struct{} // closed when nobody reads any more
}

// errBusy says that too many requests run already.
var errBusy = errors.New("dovecotauth: too many requests at once")

// open connects and goes through the handshake. done reports by its words whether a line of the server's is the last one.
func (d *dialer) open(ctx context.Context, hello []string, done func(words []string) bool) (l *link, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	nc, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	l = &link{nc: nc, waiting: map[uint32]chan []string{}, gone: make(chan struct{}), done: make(chan struct{})}
	r := bufio.NewReaderSize(nc, maxLine)
	l.r = r
	err = l.handshake(r, hello, done)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("dovecotauth: %w", err)
	}
	return l, nil
}

func (l *link) handshake(r *bufio.Reader, hello []string, done func([]string) bool) error {
	if _, err := io.WriteString(l.nc, strings.Join(hello, "")); err != nil {
		return err
	}
	for n := 0; ; n++ {
		text, err := readLine(r)
		if err != nil {
			return err
		}
		words := strings.Split(text, "\t")
		switch {
		case n == 0:
			if err := checkVersion(words); err != nil {
				return err
			}
		case n > 100:
			return errors.New("the handshake doesn't end")
		case words[0] == "MECH" && len(words) > 1:
			l.mechanisms = append(l.mechanisms, words[1])
		}
		if done(words) {
			return nil
		}
	}
}

// read hands the server's lines to those who wait for them.
func (l *link) read() {
	defer close(l.done)
	for {
		text, err := readLine(l.r)
		if err != nil {
			l.fail(err)
			return
		}
		words := strings.Split(text, "\t")
		if len(words) < 2 {
			continue
		}
		id, err := requestID(words[1])
		if err != nil {
			continue
		}
		l.mu.Lock()
		ch := l.waiting[id]
		l.mu.Unlock()
		if ch == nil {
			continue // somebody has lost patience
		}
		if l.many {
			select {
			case ch <- words:
			case <-l.gone:
			}
			continue
		}
		select {
		case ch <- words:
		default:
			l.fail(errors.New("the server answers without being asked"))
			return
		}
	}
}

// fail ends the connection.
func (l *link) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		l.broken = err
		close(l.gone)
		_ = l.nc.Close()
	}
}

// maxRequests is how many may run on one connection.
const maxRequests = 1000

// begin sends a request; command is what comes before and after its ID. The answers come on the channel.
func (l *link) begin(command string, after ...string) (id uint32, answers chan []string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.broken != nil:
		return 0, nil, l.broken
	case len(l.waiting) >= maxRequests:
		return 0, nil, errBusy
	}
	for l.last++; l.last == 0 || l.waiting[l.last] != nil; l.last++ {
	}
	answers = make(chan []string, 1)
	l.waiting[l.last] = answers
	return l.last, answers, l.write(line(append([]string{command, strconv.FormatUint(uint64(l.last), 10)}, after...)...))
}

// write sends a line; mu is held.
func (l *link) write(text string) error {
	if len(text) > maxLine {
		return errLine
	}
	_ = l.nc.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, err := io.WriteString(l.nc, text)
	return err
}

func (l *link) forget(id uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, id)
}

// wait waits for an answer.
func (l *link) wait(ctx context.Context, answers chan []string) ([]string, error) {
	select {
	case words := <-answers:
		return words, nil
	case <-l.gone:
		select { // it may have come before
		case words := <-answers:
			return words, nil
		default:
		}
		return nil, fmt.Errorf("dovecotauth: the connection is lost: %w", l.broken)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
