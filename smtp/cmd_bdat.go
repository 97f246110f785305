package smtp

import (
	"bytes"
	"errors"
	"io"
	"strconv"
)

// errEnded ends a message because a command that the client has sent between two BDAT does so.
var errEnded = errors.New("smtp: transaction ended by the client")

// chunk is the argument of BDAT (RFC 3030 section 2), or what BURL has fetched (RFC 4468).
type chunk struct {
	size int64
	last bool
	url  *fetched // nil for BDAT
}

func parseChunk(args []byte) (ch chunk, ok bool) {
	size, rest, more := bytes.Cut(bytes.TrimRight(args, " "), []byte(" "))
	if len(size) == 0 || len(size) > 18 {
		return ch, false
	}
	for _, c := range size {
		if c < '0' || c > '9' {
			return ch, false
		}
		ch.size = 10*ch.size + int64(c-'0')
	}
	ch.last = more
	return ch, !more || bytes.EqualFold(bytes.TrimLeft(rest, " "), []byte("LAST"))
}

// cmdBdat takes a message in chunks (RFC 3030 section 2). It works on all chunks of one message, and on the commands
// between them, as the transaction reads on.
func (c *Conn) cmdBdat(args []byte) *Reply {
	ch, ok := parseChunk(args)
	if !ok {
		return c.badChunk()
	}
	r := c.messageAllowed()
	if !c.exts.Has(Chunking) || c.helloVerb == verbHELO && c.hello != "" {
		r = NewReply(502, EnhancedCode{5, 5, 1}, "Error: command not implemented")
	}
	if r == nil {
		r = c.startData()
	}
	if r != nil {
		// The octets are on their way all the same: whoever leaves them lying takes them for commands.
		c.data = 0
		if err := c.skip(ch.size); err != nil {
			c.lost(err)
			return nil
		}
		return r
	}
	return c.takeChunks(verbBDAT, ch)
}

// takeChunks takes the message that begins with ch.
func (c *Conn) takeChunks(v verb, ch chunk) *Reply {
	tx := c.tx
	tx.chunks, c.data = true, 0
	c.last = verbUpper[v]
	src := &tx.chunk
	*src = chunkReader{c: c, chunk: ch}
	tx.message = messageReader{c: c, src: src, max: c.srv.maxSize()}
	r := c.takeMessage(&tx.message)
	if src.url != nil {
		src.url.close()
		return r
	}
	if r == nil || src.size == 0 {
		return r
	}
	// All chunks have been read unless the message was refused; then this one's rest is still to come. The
	// transaction is gone, and further chunks are refused one by one.
	if err := c.skip(src.size); err != nil {
		c.lost(err)
		return nil
	}
	return r
}

// badChunk is the answer to a BDAT whose size can't be read. What follows can't be told from commands.
func (c *Conn) badChunk() *Reply {
	c.finish(CauseErrors, nil)
	return syntaxReply("BDAT count [LAST]")
}

// skip reads n octets and drops them.
func (c *Conn) skip(n int64) error {
	was := c.phase
	c.phase = phaseChunk
	c.startClock()
	defer func() { c.phase = was }()
	got, err := io.CopyN(io.Discard, c.r, n)
	c.data += got
	return err
}

// chunkReader reads the chunks of one message.
type chunkReader struct {
	c *Conn
	chunk
	fetched bool // the chunk before came by BURL
}

// Read implements [io.Reader].
func (s *chunkReader) Read(p []byte) (int, error) {
	for {
		if s.url != nil {
			n, err := s.url.Read(p)
			if err != io.EOF {
				return n, err
			}
			s.url.close()
			s.url = nil
			s.fetched = true
			if n > 0 {
				return n, nil
			}
		}
		if s.size > 0 {
			break
		}
		if s.last {
			return 0, io.EOF
		}
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	s.c.phase = phaseChunk
	n, err := s.c.r.Read(p[:min(int64(len(p)), s.size)])
	s.c.phase = phaseCommand
	s.size -= int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next answers a chunk that has come and waits for the next one. Commands that have nothing to do with mail are
// worked on meanwhile; one that ends the transaction ends the message.
func (s *chunkReader) next() error {
	c := s.c
	v := verbBDAT
	if s.fetched {
		v, s.fetched = verbBURL, false
	}
	c.count(v, NewReply(250, EnhancedCode{2, 0, 0}, "Ok: "+strconv.FormatInt(c.data, 10)+" bytes"))
	for c.end == nil {
		b, err := c.readLine(limit(c.srv.Limits.AuthLine, 12288))
		if err != nil {
			if r := c.lineError(err); r != nil {
				c.count(verbUnknown, r)
			}
			continue
		}
		if c.srv.Trace != nil {
			c.traceCommand(b)
		}
		v, name, args := splitVerb(b)
		switch v {
		case verbBDAT, verbBURL:
			ch, r := c.nextChunk(v, name, args)
			if r != nil {
				c.count(v, r)
				return errEnded
			}
			s.chunk = ch
			c.last = verbUpper[v]
			return nil
		case verbRSET, verbQUIT, verbEHLO, verbHELO, verbLHLO:
			c.pending = string(b)
			return errEnded
		case verbMAIL, verbRCPT, verbDATA, verbSTARTTLS, verbAUTH, verbETRN, verbXCLIENT, verbXFORWARD:
			c.count(v, replyInBDAT)
		default:
			c.command(v, name, args)
		}
	}
	return errEnded
}

// nextChunk reads a further BDAT or BURL. A reply ends the message.
func (c *Conn) nextChunk(v verb, name, args []byte) (chunk, *Reply) {
	if v == verbBDAT {
		ch, ok := parseChunk(args)
		if !ok {
			return ch, c.badChunk()
		}
		return ch, nil
	}
	if r := c.checkLine(v, name, args); r != nil {
		return chunk{}, r
	}
	return c.fetch(string(args))
}
