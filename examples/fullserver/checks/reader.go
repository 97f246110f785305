package checks

import (
	"bufio"
	"context"
	"errors"
	"io"
	"mime"
	"strings"

	"github.com/buuta/mail"
)

// Reader is a message on its way through a Checker: what is read from it is the message as it is to go on. When it has been read to its end,
// Verdict says what is to be done with it.
type Reader struct {
	Verdict Verdict

	c    *Checker
	ctx  context.Context
	note func(string)
	in   *bufio.Reader
	out  []byte
	err  error

	state      kind
	field      strings.Builder // a header field that may go on
	boundaries []string
	attached   bool  // the part that begins is a message
	seen       int64 // octets of this part's body
}

const (
	maxField      = 1 << 20 // octets of a field that are kept together
	maxBoundaries = 100     // parts within parts
)

// NewReader returns a Reader for a message. note gets what is to be logged.
func (c *Checker) NewReader(ctx context.Context, r io.Reader, note func(string)) *Reader {
	return &Reader{c: c, ctx: ctx, note: note, in: bufio.NewReaderSize(r, 16<<10)}
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	for len(r.out) == 0 && r.err == nil {
		r.step()
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	if n == 0 && len(p) > 0 {
		return 0, r.err
	}
	return n, nil
}

// step takes a line, or a piece of one that is very long.
func (r *Reader) step() {
	line, err := r.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		err = nil
	}
	if len(line) > 0 {
		r.line(string(line))
	}
	if err != nil {
		r.endField()
		r.err = err
	}
}

func (r *Reader) line(s string) {
	bare := strings.TrimRight(s, "\r\n")
	if r.state == body {
		if r.boundary(bare) {
			r.out = append(r.out, s...)
			return
		}
		r.bodyLine(s, bare)
		return
	}
	switch {
	case r.field.Len() > 0 && (s[0] == ' ' || s[0] == '\t' || !strings.HasSuffix(r.field.String(), "\n")) && r.field.Len() < maxField:
		r.field.WriteString(s)
	case bare == "":
		r.endField()
		r.out = append(r.out, s...)
		r.beginBody()
	case r.boundary(bare): // a header without a body
		r.out = append(r.out, s...)
	case strings.IndexByte(bare, ':') <= 0: // no field: the body has begun
		r.endField()
		r.beginBody()
		r.bodyLine(s, bare)
	default:
		r.endField()
		r.field.WriteString(s)
	}
}

// endField looks a whole field up.
func (r *Reader) endField() {
	if r.field.Len() == 0 {
		return
	}
	field := r.field.String()
	r.field.Reset()
	key := strings.TrimRight(strings.ReplaceAll(field, "\r\n", "\n"), "\r\n")
	r.structure(key)
	k := r.state
	name, _, _ := strings.Cut(strings.ToLower(key), ":")
	if k == header && (strings.HasPrefix(name, "content-") || strings.TrimSpace(name) == "mime-version") {
		k = mimeHeader
	}
	limit := r.c.HeaderLimit
	if limit == 0 {
		limit = 102400
	}
	r.out = append(r.out, r.check(k, field, key[:min(len(key), limit)])...)
}

// check looks a line up and does what the answer says.
func (r *Reader) check(k kind, line, key string) string {
	t := r.c.table(k)
	if t == nil || r.Verdict.Reject != nil {
		return line
	}
	answer, found, err := t.Find(r.ctx, key)
	if err != nil {
		r.Verdict.Reject = &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 0}, Text: "Error: queue file write error", Err: err}
		return line
	}
	if !found {
		return line
	}
	return r.act(k, line, key, answer)
}

func (r *Reader) bodyLine(line, bare string) {
	limit := r.c.BodyLimit
	if limit == 0 {
		limit = 51200
	}
	if r.seen >= limit {
		r.out = append(r.out, line...)
		return
	}
	r.seen += int64(len(line))
	r.out = append(r.out, r.check(body, line, bare)...)
}

// structure remembers what a Content-Type says of what follows.
func (r *Reader) structure(field string) {
	name, value, _ := strings.Cut(field, ":")
	if !strings.EqualFold(strings.TrimSpace(name), "Content-Type") {
		return
	}
	media, params, err := mime.ParseMediaType(strings.ReplaceAll(value, "\n", " "))
	if err != nil && media == "" {
		return
	}
	switch {
	case strings.HasPrefix(media, "multipart/") && params["boundary"] != "" && len(r.boundaries) < maxBoundaries:
		r.boundaries = append(r.boundaries, params["boundary"])
	case media == "message/rfc822", media == "message/global":
		r.attached = true
	}
}

// beginBody is where a header ends: at the body, or at the header of an attached message.
func (r *Reader) beginBody() {
	r.seen = 0
	if r.attached {
		r.state, r.attached = nested, false
		return
	}
	r.state = body
}

// boundary reports whether a line begins or ends a part, and what comes then.
func (r *Reader) boundary(line string) bool {
	rest, ok := strings.CutPrefix(line, "--")
	if !ok || len(r.boundaries) == 0 {
		return false
	}
	rest = strings.TrimRight(rest, " \t")
	for i := len(r.boundaries) - 1; i >= 0; i-- {
		switch rest {
		case r.boundaries[i]:
			r.endField()
			r.boundaries = r.boundaries[:i+1]
			r.state, r.attached = mimeHeader, false
			return true
		case r.boundaries[i] + "--":
			r.endField()
			r.boundaries = r.boundaries[:i]
			r.state, r.attached, r.seen = body, false, 0
			return true
		}
	}
	return false
}
