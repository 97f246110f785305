package queue

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
)

// envelopeReader is a place in the envelope's list of recipients. A list of 100,000 is read in parts, so that the memory
// it takes is that of a part.
type envelopeReader struct {
	at    int64 // where in the file the next recipient's line begins
	next  int   // its number
	total int   // recipients in all
	end   int64 // of the envelope
}

func (e *envelopeReader) left() int { return e.total - e.next }

// readEnvelope reads the envelope with at most n recipients, all for 0, and checks the sum of the whole.
func (f *queueFile) readEnvelope(r io.ReaderAt, n int) error {
	f.env = envelopeReader{at: int64(prologueSize), end: f.contentAt()}
	sum := &summedReader{r: io.NewSectionReader(r, f.env.at, f.envelope)}
	in := bufio.NewReaderSize(sum, int(min(f.envelope, 64<<10)))
	m, err := f.env.parse(in, new(Message), n)
	if err == nil {
		err = f.env.count(in)
	}
	if err != nil && !errors.Is(err, ErrCorrupt) {
		return err
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return err
	}
	// What a damaged envelope seems to say is of no interest.
	if sum.n != f.envelope || sum.sum != f.envelopeSum {
		return fmt.Errorf("%w: checksum of the envelope is wrong", ErrCorrupt)
	}
	if err != nil {
		return err
	}
	f.msg = m
	return m.complete()
}

type summedReader struct {
	r   io.Reader
	n   int64
	sum uint32
}

func (s *summedReader) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.n += int64(n)
	s.sum = crc32.Update(s.sum, castagnoli, b[:n])
	return n, err
}

// parse reads lines into m until it has n recipients and e stands at the next.
func (e *envelopeReader) parse(in *bufio.Reader, m *Message, n int) (*Message, error) {
	for first := e.next == 0; ; first = false {
		text, err := nextEnvelopeLine(in)
		if err == io.EOF {
			e.total = max(e.total, e.next)
			return m, nil
		}
		if err != nil {
			return nil, err
		}
		if n > 0 && len(m.Recipients) == n && strings.HasPrefix(text, "to ") {
			e.total = max(e.total, e.next+1) // this one is read again by the next part
			return m, nil
		}
		e.at += int64(len(text)) + 1
		l, err := parseLine(text)
		if err != nil {
			return nil, err
		}
		if first != (l.kind == "message") {
			return nil, fmt.Errorf("%w: %q where it must not be", ErrCorrupt, clip(l.kind))
		}
		if err := m.addLine(&l); err != nil {
			return nil, err
		}
		if l.kind == "to" {
			e.next++
		}
	}
}

// count counts the recipients that parse has left.
func (e *envelopeReader) count(in *bufio.Reader) error {
	for begin := true; ; {
		b, err := in.ReadSlice('\n')
		if begin && bytes.HasPrefix(b, []byte("to ")) {
			e.total++
		}
		begin = err == nil
		switch err {
		case nil, bufio.ErrBufferFull:
		case io.EOF:
			if len(b) > 0 {
				return errEnvelopeEnd
			}
			return nil
		default:
			return err
		}
	}
}

var errEnvelopeEnd = fmt.Errorf("%w: envelope ends within a line", ErrCorrupt)

// nextEnvelopeLine returns a line without its end, io.EOF after the last.
func nextEnvelopeLine(in *bufio.Reader) (string, error) {
	text, err := in.ReadString('\n')
	if err == io.EOF && text != "" {
		return "", errEnvelopeEnd
	}
	return strings.TrimSuffix(text, "\n"), err
}

// refill reads the next part of at most n recipients in which there is something left to be done, nil at the end.
func (f *queueFile) refill(r io.ReaderAt, n int) (*Message, error) {
	if f.was-f.journalAt() > 64<<10 {
		n = max(n, 1000) // a long journal isn't read for a few recipients
	}
	for f.env.left() > 0 {
		head := *f.msg // as the caller's part has it, but for the recipients
		head.Recipients, head.First = nil, f.env.next
		size := f.env.end - f.env.at
		in := bufio.NewReaderSize(io.NewSectionReader(r, f.env.at, size), int(min(size, 64<<10)))
		m, err := f.env.parse(in, &head, n)
		if err != nil {
			return nil, err
		}
		part := queueFile{prologue: f.prologue, msg: m, env: f.env}
		if err := part.readJournal(r, f.was); err != nil {
			return nil, err
		}
		if m.hasWork() {
			return m, nil
		}
	}
	return nil, nil
}

// hasWork reports whether a recipient is to be tried or somebody to be told of one.
func (m *Message) hasWork() bool {
	for i := range m.Recipients {
		if m.Recipients[i].State == Pending || m.Recipients[i].Owed {
			return true
		}
	}
	return false
}
