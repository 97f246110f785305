package milter

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Content is a message that can be read from its beginning as often as needed. Lines end in CRLF.
type Content interface {
	NewReader() io.Reader
}

// Recipient is one that a filter has added.
type Recipient struct {
	Address string
	Params  []string // of RCPT: "NOTIFY=NEVER"
}

// HeaderChange is a change of a message's header.
type HeaderChange struct {
	// Index is where to insert: 0 above all, 1 above the first field that filters are told, 2 above the second; or, where Name has that field changed, which of those of the name, from 1; or -1 to add
	// at the end.
	Index  int
	Insert bool // insert at Index
	Change bool // change the field, or remove it if Value is ""
	Name   string
	Value  string // with the blank that follows the colon where the filter has negotiated so; lines end in LF
	Space  bool   // Value begins behind the blank: one is to be written
}

// Edits are what a filter wants changed in a message.
type Edits struct {
	Filter string

	ChangeSender bool
	Sender       string
	SenderParams []string
	Add          []Recipient
	Remove       []string
	Header       []HeaderChange
	ReplaceBody  bool
	Body         []byte
}

// Empty reports whether there are none.
func (e *Edits) Empty() bool {
	return !e.ChangeSender && len(e.Add)+len(e.Remove)+len(e.Header) == 0 && !e.ReplaceBody
}

// chunk is the most of a body that is told at a time.
const chunk = 65535

var chunks = sync.Pool{New: func() any {
	b := make([]byte, chunk)
	return &b
}}

// Message tells the filters a message, one filter after the other, and returns what they say of it as a whole. What a filter wants changed is handed to
// edit, whose result the next one is told; an error from there ends it and is returned as the verdict's Err, with the reply 451.
func (s *Session) Message(ctx context.Context, m Content, edit func(*Edits) (Content, error)) Verdict {
	defer s.Abort(context.WithoutCancel(ctx))
	return s.each(func(c *client) Verdict {
		e, v := c.message(ctx, m)
		if !v.goOn() || e.Empty() {
			return v
		}
		changed, err := edit(e)
		if err != nil {
			return Verdict{Reply: unavailable, Filter: c.f.name(), Err: err}
		}
		m = changed
		return v
	})
}

// message tells one filter the message.
func (c *client) message(ctx context.Context, m Content) (*Edits, Verdict) {
	e := &Edits{Filter: c.f.name()}
	if c.conn == nil {
		return e, c.fail(errNoMessage)
	}
	r := bufio.NewReaderSize(m.NewReader(), 32<<10)
	if v := c.header(ctx, r); !v.goOn() || c.state != asked {
		return e, v
	}
	if v := c.body(ctx, r); !v.goOn() || c.state != asked {
		return e, v
	}
	return e, c.end(ctx, e)
}

func (c *client) contentTimeout() time.Duration { return or(c.f.ContentTimeout, 300*time.Second) }

// maxField bounds a field of a header as filters are told it; the rest of a longer one is left out of what they see.
const maxField = 1 << 20

// header tells the fields and the end of the header.
func (c *client) header(ctx context.Context, r *bufio.Reader) Verdict {
	for {
		name, value, err := readField(r)
		if err == io.EOF {
			break
		}
		if err != nil {
			return c.fail(err)
		}
		if c.steps&noHeader != 0 {
			continue
		}
		if c.steps&leadingSpace == 0 && len(value) > 0 && value[0] == ' ' {
			value = value[1:]
		}
		answer, text, err := c.event(ctx, -1, cmdHeader, noHeader, quietHeader, c.contentTimeout(), cstring(name), cstring(value))
		if v := c.judge(cmdHeader, answer, text, err); !v.goOn() || c.state != asked {
			return v
		}
	}
	answer, text, err := c.event(ctx, StageEndOfHeader, cmdEOH, noEOH, quietEOH, c.contentTimeout())
	return c.judge(cmdEOH, answer, text, err)
}

// readField reads a field of a header, whose lines then end in LF, without the last; io.EOF is the end of the header.
func readField(r *bufio.Reader) (name, value string, err error) {
	var b []byte
	for {
		line, err := r.ReadSlice('\n')
		whole := err == nil
		if err != nil && err != bufio.ErrBufferFull && err != io.EOF {
			return "", "", err
		}
		if len(b) == 0 && (len(line) == 0 || string(line) == "\r\n" || string(line) == "\n") {
			return "", "", io.EOF
		}
		if len(b)+len(line) <= maxField {
			if n := len(line); n > 1 && line[n-1] == '\n' && line[n-2] == '\r' {
				b = append(append(b, line[:n-2]...), '\n')
			} else {
				b = append(b, line...)
			}
		}
		if err == io.EOF {
			break
		}
		if !whole {
			continue
		}
		if next, _ := r.Peek(1); len(next) == 0 || next[0] != ' ' && next[0] != '\t' {
			break
		}
	}
	b = bytes.TrimSuffix(b, []byte("\n"))
	i := bytes.IndexByte(b, ':')
	if i < 0 {
		return "", "", io.EOF // no header at all, or the end of one
	}
	return string(bytes.TrimRight(b[:i], " \t")), string(b[i+1:]), nil
}

// body tells the body.
func (c *client) body(ctx context.Context, r io.Reader) Verdict {
	if c.steps&noBody != 0 {
		return Verdict{}
	}
	buf := *chunks.Get().(*[]byte)
	defer chunks.Put(&buf)
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			answer, text, err := c.event(ctx, -1, cmdBody, noBody, quietBody, c.contentTimeout(), buf[:n])
			if answer == repSkip && err == nil {
				return Verdict{}
			}
			if v := c.judge(cmdBody, answer, text, err); !v.goOn() || c.state != asked {
				return v
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return Verdict{}
		}
		if err != nil {
			return c.fail(err)
		}
	}
}

// end tells the end of the message and gathers what is to be changed.
func (c *client) end(ctx context.Context, e *Edits) Verdict {
	timeout := c.contentTimeout()
	stop := c.watch(ctx, time.Now().Add(timeout))
	defer func() { stop() }()
	if err := c.tellMacros(StageEndOfMessage, cmdEOB); err != nil {
		return c.fail(err)
	}
	if err := c.send(cmdEOB); err != nil {
		return c.fail(err)
	}
	quarantine := ""
	for range 100_000 { // more changes than that are no message's
		cmd, data, err := c.receive()
		if err != nil {
			return c.fail(err)
		}
		_ = c.conn.SetDeadline(time.Now().Add(timeout))
		switch cmd {
		case repProgress:
			continue
		case repQuarantine:
			if quarantine, err = oneString(data); err == nil && c.actions&actQuarantine == 0 {
				err = fmt.Errorf("%w: it has not asked for quarantine", errPacket)
			}
		default:
			var done bool
			if done, err = c.change(e, cmd, data); err == nil && done {
				c.open = false
				v := c.judge(cmdEOB, cmd, data, nil)
				if v.Quarantine == "" && v.goOn() && quarantine != "" {
					v.Quarantine, v.Filter = clean(quarantine), c.f.name()
				}
				return v
			}
		}
		if err != nil {
			return c.fail(err)
		}
	}
	return c.fail(fmt.Errorf("%w: changes without end", errPacket))
}

// change notes a change, or says that the answer is the last one.
func (c *client) change(e *Edits, cmd byte, data []byte) (done bool, err error) {
	need, known := map[byte]uint32{
		repAddRcpt: actAddRcpt, repAddRcptPar: actAddRcptPar, repDelRcpt: actDelRcpt, repBody: actChangeBody, repChangeFrom: actChangeFrom,
		repAddHeader: actAddHeader, repInsHeader: actAddHeader, repChgHeader: actChangeHeader,
	}[cmd]
	if !known {
		return true, nil
	}
	if c.actions&need == 0 {
		return false, fmt.Errorf("%w: change %q, for which it has not asked", errPacket, cmd)
	}
	if cmd == repBody {
		most := c.f.MaxBody
		if most <= 0 {
			most = 64 << 20
		}
		if e.ReplaceBody = true; len(e.Body)+len(data) > most {
			return false, errors.New("milter: the body in place of the message's is too long")
		}
		e.Body = append(e.Body, data...)
		return false, nil
	}
	index := 0
	if cmd == repInsHeader || cmd == repChgHeader {
		if len(data) < 4 {
			return false, fmt.Errorf("%w: a header's change is cut off", errPacket)
		}
		index, data = int(int32(binary.BigEndian.Uint32(data))), data[4:]
	}
	words, err := cutStrings(data)
	if err != nil || len(words) == 0 {
		return false, errors.Join(err, fmt.Errorf("%w: change %q", errPacket, cmd))
	}
	switch cmd {
	case repAddRcpt, repAddRcptPar:
		r := Recipient{Address: angle(words[0])}
		for _, w := range words[1:] {
			r.Params = append(r.Params, fields(w)...)
		}
		e.Add = append(e.Add, r)
	case repDelRcpt:
		e.Remove = append(e.Remove, angle(words[0]))
	case repChangeFrom:
		e.ChangeSender, e.Sender, e.SenderParams = true, angle(words[0]), nil
		for _, w := range words[1:] {
			e.SenderParams = append(e.SenderParams, fields(w)...)
		}
	default:
		if len(words) < 2 || !validName(words[0]) {
			return false, fmt.Errorf("%w: a header's change has no name and value", errPacket)
		}
		h := HeaderChange{Index: index, Name: words[0], Value: words[1], Insert: cmd == repInsHeader, Change: cmd == repChgHeader, Space: c.steps&leadingSpace == 0}
		if cmd == repAddHeader {
			h.Index = -1
		}
		e.Header = append(e.Header, h)
	}
	return false, nil
}

// angle takes the angle brackets from an address.
func angle(s string) string {
	if len(s) >= 2 && s[0] == '<' && s[len(s)-1] == '>' {
		return s[1 : len(s)-1]
	}
	return s
}

// validName reports whether a field may be called so (RFC 5322 section 3.6.8).
func validName(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == ':' {
			return false
		}
	}
	return s != "" && len(s) <= 998
}
