package maillog

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// facilities are syslog's, by the names that syslog_facility has (syslog.conf(5)).
var facilities = map[string]int{
	"kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7, "uucp": 8, "cron": 9, "authpriv": 10, "ftp": 11,
	"local0": 16, "local1": 17, "local2": 18, "local3": 19, "local4": 20, "local5": 21, "local6": 22, "local7": 23,
}

// Facilities are the names that a facility can have.
func Facilities() []string {
	return slices.Sorted(maps.Keys(facilities))
}

// socket is a daemon's, to which a connection is made when there is something to write, and again when the daemon has been started anew.
type socket struct {
	path   string
	conn   net.Conn
	stream bool
	failed time.Time // when it could not be reached; it is tried again a moment later
}

const (
	retryAfter   = 100 * time.Millisecond
	writeTimeout = time.Second // for a daemon whose queue is full
)

var errAway = errors.New("nobody listens")

func (s *socket) dial() error {
	if s.conn != nil {
		return nil
	}
	if time.Since(s.failed) < retryAfter {
		return errAway
	}
	c, err := net.Dial("unixgram", s.path)
	s.stream = false
	if errors.Is(err, syscall.EPROTOTYPE) { // as syslog(3) does
		c, err = net.Dial("unix", s.path)
		s.stream = true
	}
	if err != nil {
		s.failed = time.Now()
		return err
	}
	s.conn = c
	return nil
}

// send sends an octet string whole. A daemon that was started anew has another socket at the same path: it is sent there.
func (s *socket) send(b []byte) error {
	for again := false; ; again = true {
		if err := s.dial(); err != nil {
			return err
		}
		_ = s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		_, err := s.conn.Write(b)
		if err == nil {
			return nil
		}
		if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() && !s.stream {
			return err // it is there, and busy
		}
		s.close()
		if again {
			s.failed = time.Now()
			return err
		}
	}
}

func (s *socket) close() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

type syslogTarget struct {
	socket
	facility int
	buf      []byte
}

// Syslog writes to the daemon that listens at a path, "" for /dev/log, in the form of syslog(3) (RFC 3164 section 4.1 without the host, which the daemon knows):
//
//	<22>Nov 22 09:00:00 postfix/smtpd[3125]: connect from localhost[127.0.0.1]
func Syslog(path, facility string) (Target, error) {
	f, ok := facilities[facility]
	if !ok {
		return nil, fmt.Errorf("there is no facility %q", facility)
	}
	if path == "" {
		path = "/dev/log"
	}
	return &syslogTarget{socket: socket{path: path}, facility: f}, nil
}

func (t *syslogTarget) name() string { return "syslog" }

func (t *syslogTarget) write(e *entry) error {
	b := append(t.buf[:0], '<')
	b = strconv.AppendInt(b, int64(t.facility<<3|e.severity()), 10)
	b = append(b, '>')
	b = e.at.AppendFormat(b, time.Stamp)
	b = append(append(b, ' '), strings.TrimSuffix(e.program, ":")...)
	if !strings.HasSuffix(e.program, ":") {
		b = append(append(append(b, '['), e.pid...), ']')
	}
	b = append(append(b, ": "...), e.text...)
	t.buf = b
	if t.dial() == nil && t.stream {
		b = append(b, 0)
	}
	return t.send(b)
}
