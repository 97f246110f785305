package imap

import (
	"errors"
	"io"
	"strings"
	"time"
)

// DecoderLimits bound what a peer can make a [Decoder] hold. The zero value of each field is its default.
type DecoderLimits struct {
	Line    int   // octets of a line without its CRLF; 0: 65536 (RFC 9051 section 4 wants at least 8192)
	Literal int64 // octets of a literal that stands for a string; 0: 65536
	NonSync int64 // octets of a non-synchronizing literal; 0: as any literal. LITERAL- wants 4096 (RFC 7888 section 5)
	Command int64 // octets of a command without the literals that are streamed; 0: 1 MiB
	Drain   int64 // octets of a refused non-synchronizing literal that are read and dropped; 0: 1 MiB. Above it reading ends
	Depth   int   // parentheses within parentheses; 0: 32
	Ranges  int   // ranges of a sequence set; 0: 10000
	Keys    int   // keys of a search program; 0: 1000
	Items   int   // elements of any list: flags, fetch items, header names; 0: 10000
}

func (l DecoderLimits) withDefaults() DecoderLimits {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def64 := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	def(&l.Line, 64<<10)
	def64(&l.Literal, 64<<10)
	def64(&l.Command, 1<<20)
	def64(&l.Drain, 1<<20)
	def(&l.Depth, 32)
	def(&l.Ranges, 10_000)
	def(&l.Keys, 1000)
	def(&l.Items, 10_000)
	return l
}

// ErrPeerTooLarge ends a conversation in which the peer sends more than can be dropped in good order.
var ErrPeerTooLarge = errors.New("imap: peer sends a literal beyond every limit")

// Decoder reads the grammar of RFC 9051 section 9. Its methods are called after the rules they read and come in two
// kinds: those that look and tell (Peek…, Try…), and those that must find what they name. The first that doesn't
// find it puts the Decoder into an error state in which every further method does nothing and returns zero values, until
// [Decoder.Err] has been asked and [Decoder.Skip] has dropped the rest of the command. So a handler reads a whole
// command and looks for errors once, at its end:
//
//	d.SP()
//	set := d.SequenceSet()
//	d.SP()
//	name := d.Mailbox()
//	if err := d.CRLF(); err != nil { … }
//
// Strings that are returned are copies. A Decoder is for one goroutine.
type Decoder struct {
	Limits DecoderLimits // defaults filled in by NewDecoder; may be changed between commands

	// Continue is called before a synchronizing literal is read: the server side sends "+ " here. nil on the client's side.
	Continue func() error
	// BareLF lets LF alone end a line. Otherwise such a line is a syntax error (RFC 9051 section 2.2).
	BareLF bool
	// UTF8 makes mailbox names UTF-8 rather than modified UTF-7 (RFC 6855 section 3, RFC 9051 section 5.1).
	UTF8 bool
	// Response is for the client's side. What servers are known to get wrong and what does no harm is taken: text that is not
	// UTF-8, stray NUL and CR, backslashes that escape nothing. Every literal counts as sent without asking.
	Response bool
	// Buffer is how many octets are read at once; 0: 4096.
	Buffer int

	r          io.Reader
	buf        []byte // buf[start:end] has been read and belongs to no line yet
	start, end int
	line       []byte          // what is left of the current line
	haveLine   bool            // line is valid; false before the first and after a literal
	literal    int64           // octets of an open literal that have not been read
	command    int64           // octets of the command so far
	open       bool            // a command has begun and has not ended
	lostTag    string          // of a command whose first line can't be read
	resting    bool            // Release was called: the next Wait does with restingSize
	text       strings.Builder // what the strings of this response share; see keep
	nodes      []node          // of the value that is being read
	zone       *time.Location  // of the last date-time, whose offset the next mostly has
	zoneOffset int
	label      []byte // the last label with a section, and what it says
	labelItem  FetchItem
	depth      int
	err        error
	fatal      error // of r: nothing works after it
}

// NewDecoder returns a Decoder that reads from r with default limits. It allocates its buffer when it first needs one.
func NewDecoder(r io.Reader) *Decoder {
	return &Decoder{r: r, Limits: DecoderLimits{}.withDefaults()}
}

// SetLimits replaces the limits; zero fields get their defaults.
func (d *Decoder) SetLimits(l DecoderLimits) { d.Limits = l.withDefaults() }

// Reset makes d read from r and forgets everything that was read before: after STARTTLS nothing that came in the clear
// may count (RFC 9051 section 6.2.1).
func (d *Decoder) Reset(r io.Reader) {
	d.r, d.start, d.end, d.line, d.haveLine, d.literal, d.command, d.err, d.fatal, d.open, d.lostTag = r, 0, 0, nil, false, 0, 0, nil, nil, false, ""
}

// InCommand reports whether a command has begun and neither [Decoder.CRLF] nor [Decoder.Skip] has ended it.
func (d *Decoder) InCommand() bool { return d.open }

// Rest returns what is left of the current line, for traces. It is valid until the next call.
func (d *Decoder) Rest() []byte {
	if !d.ok() {
		return nil
	}
	return d.line
}

// SkipLine drops what is left of the current line.
func (d *Decoder) SkipLine() {
	if d.ok() {
		d.line = nil
	}
}

// bufferSize is what a Decoder reads at once to begin with, restingSize while it waits long: enough for a short command.
const (
	bufferSize  = 4096
	restingSize = 64
)

func (d *Decoder) bufferSize() int { return max(d.Buffer, bufferSize) }

// Wait returns when there is something to read. Unlike the other methods it leaves no trace of an error: a wait that
// was interrupted can be done again.
func (d *Decoder) Wait() error {
	if d.start < d.end || d.haveLine {
		return nil
	}
	if d.fatal != nil {
		return d.fatal
	}
	if size := d.bufferSize(); len(d.buf) < size {
		if d.resting {
			size = restingSize
		}
		d.buf = make([]byte, size)
	}
	d.resting = false
	d.start, d.end = 0, 0
	return d.fill(len(d.buf))
}

// Buffered returns how many octets have been read from below and belong to no command yet.
func (d *Decoder) Buffered() int { return d.end - d.start }

// TakeBuffered returns what has been read from below and belongs to no command yet, and forgets it: it is not what it
// seems, when compression begins behind a command.
func (d *Decoder) TakeBuffered() []byte {
	b := append([]byte(nil), d.buf[d.start:d.end]...)
	d.start, d.end = 0, 0
	return b
}

// Release gives back the buffer when nothing is in it, so that a connection that waits costs little.
func (d *Decoder) Release() {
	if d.start == d.end && !d.haveLine && d.literal == 0 {
		d.buf, d.start, d.end, d.line, d.resting = nil, 0, 0, nil, true
	}
}

// Err returns why the current command could not be read: a [*Status] of type BAD or NO for what the peer did wrong, else
// the error of the reader below.
func (d *Decoder) Err() error {
	if d.fatal != nil {
		return d.fatal
	}
	return d.err
}

// Fail makes the current command fail, as if the syntax were wrong, unless it has failed before.
func (d *Decoder) Fail(s *Status) {
	if d.err == nil {
		d.err = s
	}
}

func (d *Decoder) fail(text string) { d.Fail(&Status{Type: BAD, Code: CodeParse, Text: text}) }

// ok makes sure that there is a line to look at.
func (d *Decoder) ok() bool {
	if d.err != nil || d.fatal != nil {
		return false
	}
	if d.literal > 0 {
		d.fail("Literal has not been read")
		return false
	}
	if !d.haveLine {
		d.readLine()
	}
	return d.err == nil && d.fatal == nil
}

// CRLF requires the end of the command and makes the Decoder ready for the next. It returns [Decoder.Err]; after an error
// the rest of the command is still there for [Decoder.Skip].
func (d *Decoder) CRLF() error {
	if d.ok() && len(d.line) > 0 {
		d.fail("Unexpected " + describe(d.line))
	}
	if err := d.Err(); err != nil {
		return err
	}
	d.next()
	return nil
}

// next forgets the current command.
func (d *Decoder) next() {
	d.haveLine, d.line, d.command, d.depth, d.err, d.open, d.lostTag = false, nil, 0, 0, nil, false, ""
	d.text.Reset()
	if d.start == d.end {
		d.start, d.end = 0, 0
	}
}
