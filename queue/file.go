package queue

import (
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
)

// A queue file is
//
//	prologue   one line of fixed length: version, lengths and checksums of what follows, its own checksum
//	envelope   lines of text
//	content    the message as it was given, CRLF line ends
//	journal    lines of text, appended while the message is in the queue: what has become of each recipient
//
// The prologue is written when the content is complete. Checksums are CRC-32C in hexadecimal.

const (
	fileMagic    = "Buuta-Queue-File:"
	fileVersion  = 1
	prologueSize = len("Buuta-Queue-File: 01 0000000000 0000000000000000 00000000 00000000 00000000\n")

	maxEnvelope = 1 << 30 // of 100,000 recipients with long addresses and parameters there is room
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// prologue is what the first line says.
type prologue struct {
	envelope, content       int64
	envelopeSum, contentSum uint32
	sum                     uint32 // its own; the journal's checksums start from it
}

func (p *prologue) contentAt() int64 { return int64(prologueSize) + p.envelope }

func (p *prologue) journalAt() int64 { return p.contentAt() + p.content }

// appendTo writes the line and sets p.sum.
func (p *prologue) appendTo(buf []byte) []byte {
	at := len(buf)
	buf = fmt.Appendf(buf, "%s %02d %010d %016d %08x %08x ", fileMagic, fileVersion, p.envelope, p.content, p.envelopeSum, p.contentSum)
	p.sum = crc32.Checksum(buf[at:], castagnoli)
	return fmt.Appendf(buf, "%08x\n", p.sum)
}

func parsePrologue(b []byte) (*prologue, error) {
	bad := func(what string) (*prologue, error) { return nil, fmt.Errorf("%w: %s", ErrCorrupt, what) }
	if len(b) != prologueSize || !strings.HasPrefix(string(b), fileMagic+" ") || b[len(b)-1] != '\n' {
		return bad("not a queue file")
	}
	f := strings.Split(string(b[len(fileMagic)+1:len(b)-1]), " ")
	if len(f) != 6 {
		return bad("not a queue file")
	}
	if f[5] != fmt.Sprintf("%08x", crc32.Checksum(b[:len(b)-9], castagnoli)) {
		return bad("checksum of the first line is wrong")
	}
	if f[0] != fmt.Sprintf("%02d", fileVersion) {
		return bad("version " + clip(f[0]) + " is not known")
	}
	env, err1 := strconv.ParseInt(f[1], 10, 64)
	content, err2 := strconv.ParseInt(f[2], 10, 64)
	esum, err3 := strconv.ParseUint(f[3], 16, 32)
	csum, err4 := strconv.ParseUint(f[4], 16, 32)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || env <= 0 || env > maxEnvelope || content < 0 {
		return bad("bad length or checksum in the first line")
	}
	p := &prologue{envelope: env, content: content, envelopeSum: uint32(esum), contentSum: uint32(csum)}
	if string(p.appendTo(nil)) != string(b) {
		return bad("bad first line")
	}
	return p, nil
}

// queueFile is what a queue file says, but for the content.
type queueFile struct {
	prologue
	msg   *Message
	was   int64          // end when the file was read: later lines are not about recipients that are yet to be read
	env   envelopeReader // at the first recipient that is not in msg
	clock bool           // msg.Arrived is not what the file says: a line of the journal has to
	place                // where the next journal line goes, and the checksum it continues; what stands behind, a crash has cut off
}

// readQueueFile reads envelope and journal from a file of the given size. Damage is an ErrCorrupt.
func readQueueFile(r io.ReaderAt, size int64) (*queueFile, error) { return readQueuePart(r, size, 0) }

// readQueuePart is readQueueFile with at most n recipients in memory, if n is not 0: the first that have something left to
// be done.
func readQueuePart(r io.ReaderAt, size int64, n int) (*queueFile, error) {
	return readQueueTold(r, size, n, nil)
}

// readQueueTold is readQueuePart that tells seen of each outcome in the journal.
func readQueueTold(r io.ReaderAt, size int64, n int, seen func(*Outcome)) (*queueFile, error) {
	if size < int64(prologueSize) {
		return nil, fmt.Errorf("%w: file is too short", ErrCorrupt)
	}
	head := make([]byte, prologueSize)
	if err := readAt(r, head, 0); err != nil {
		return nil, err
	}
	p, err := parsePrologue(head)
	if err != nil {
		return nil, err
	}
	if p.content > size || p.journalAt() > size {
		return nil, fmt.Errorf("%w: file is cut off", ErrCorrupt)
	}
	f := &queueFile{prologue: *p}
	if err := f.readEnvelope(r, n); err != nil {
		return nil, err
	}
	f.msg.Size = p.content
	f.msg.seen = seen
	if err := f.readJournal(r, size); err != nil {
		return nil, err
	}
	f.msg.seen = nil
	f.was = f.end
	if f.env.left() == 0 || f.msg.hasWork() {
		return f, nil
	}
	m, err := f.refill(r, n)
	if m != nil {
		m.Warned = f.msg.Warned
		f.msg = m
	}
	return f, err
}

// readAt fills b. That the file is shorter than it just was is damage, not the end.
func readAt(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		return fmt.Errorf("%w: file is cut off", ErrCorrupt)
	}
	return err
}
