package pipe

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"time"
)

// head is what stands before the message.
func (t *transaction) head() string {
	c, s := t.d.c, ""
	if c.From {
		s += "From " + strings.ReplaceAll(unquote(t.sender()), " ", "_") + "  " + time.Now().Format("Mon Jan _2 15:04:05 2006") + "\r\n"
	}
	if c.ReturnPath {
		s += "Return-Path: <" + t.returnPath() + ">\r\n"
	}
	if c.OriginalTo {
		s += "X-Original-To: " + t.orig[0] + "\r\n"
	}
	if c.DeliveredTo {
		s += "Delivered-To: " + t.to[0] + "\r\n"
	}
	return s
}

// returnPath is the sender in a Return-Path field, where nobody is nobody (RFC 5321 section 4.4).
func (t *transaction) returnPath() string {
	if t.from == "" && t.d.c.NullSender == "" {
		return ""
	}
	return t.sender()
}

// maxHeader is how much of a message is looked at for a Delivered-To field.
const maxHeader = 64 << 10

// loops reports whether a message has been delivered to an address before.
func loops(r *bufio.Reader, to string) bool {
	head, _ := r.Peek(maxHeader)
	for len(head) > 0 {
		line := head
		if i := bytes.IndexByte(head, '\n'); i >= 0 {
			line, head = head[:i], head[i+1:]
		} else {
			head = nil
		}
		line = bytes.TrimRight(line, "\r")
		if len(line) == 0 {
			return false
		}
		name, value, ok := strings.Cut(string(line), ":")
		if ok && strings.EqualFold(strings.TrimRight(name, " \t"), "Delivered-To") && strings.EqualFold(strings.TrimSpace(value), to) {
			return true
		}
	}
	return false
}

// lines gives lines of a message that begin with "From " or a dot what flags > and . want, and ends it with an empty line for flag B.
type lines struct {
	r       *bufio.Reader
	c       *Command
	pending []byte
	middle  bool // the line has begun
	last    byte
	err     error
}

func (l *lines) Read(p []byte) (int, error) {
	for len(l.pending) == 0 {
		if l.err != nil {
			return 0, l.err
		}
		line, err := l.r.ReadSlice('\n')
		if !l.middle {
			if l.c.QuoteFrom && strings.HasPrefix(string(line), "From ") {
				l.pending = append(l.pending, '>')
			}
			if l.c.Dots && len(line) > 0 && line[0] == '.' {
				l.pending = append(l.pending, '.')
			}
		}
		l.pending = append(l.pending, line...)
		if len(line) > 0 {
			l.last = line[len(line)-1]
		}
		l.middle = err == bufio.ErrBufferFull
		if err == io.EOF {
			if l.c.Blank {
				if l.last != '\n' {
					l.pending = append(l.pending, "\r\n"...)
				}
				l.pending = append(l.pending, "\r\n"...)
			}
			l.err = io.EOF
		} else if err != nil && err != bufio.ErrBufferFull {
			l.err = err
		}
	}
	n := copy(p, l.pending)
	l.pending = append(l.pending[:0], l.pending[n:]...)
	return n, nil
}
