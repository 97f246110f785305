package textcache

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/buuta/mail/mime/searchtext"
)

const (
	textMagic  = "BuutaTxt"
	indexMagic = "BuutaTix"
	version    = 1
	headerSize = 40
	entrySize  = 20
	groupSize  = 32
	maxEntry   = 64 << 20 // octets of an entry's text that may be believed
)

var (
	le         = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// header begins both files. They belong together when they are alike but for the magic.
type header struct {
	validity   uint32
	key        uint64
	generation uint64
}

func (h header) appendTo(b []byte, magic string) []byte {
	start := len(b)
	b = append(b, magic...)
	b = le.AppendUint32(b, version)
	b = le.AppendUint32(b, h.validity)
	b = le.AppendUint64(b, h.key)
	b = le.AppendUint64(b, h.generation)
	b = append(b, 0, 0, 0, 0)
	return le.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

func parseHeader(b []byte, magic string) (h header, ok bool) {
	if len(b) < headerSize || string(b[:8]) != magic || le.Uint32(b[8:]) != version || le.Uint32(b[36:]) != crc32.Checksum(b[:36], castagnoli) {
		return h, false
	}
	return header{le.Uint32(b[12:]), le.Uint64(b[16:]), le.Uint64(b[24:])}, true
}

// sum is a checksum that holds only within one generation of the files.
func sum(generation uint64, pieces ...[]byte) uint32 {
	s := uint32(generation) ^ uint32(generation>>32)
	for _, p := range pieces {
		s = crc32.Update(s, castagnoli, p)
	}
	return s
}

// entry is what stands before a message's text, and in a group's directory.
type entry struct {
	uid                uint32
	header, mime, body uint32 // octets
	sum                uint32
}

func (e *entry) text() int64 { return int64(e.header) + int64(e.mime) + int64(e.body) }
func (e *entry) size() int64 { return entrySize + e.text() }

func newEntry(generation uint64, uid uint32, t searchtext.Text) entry {
	e := entry{uid: uid, header: uint32(t.Header), mime: uint32(t.MIME), body: uint32(len(t.All) - t.Header - t.MIME)}
	var b [16]byte
	e.sum = sum(generation, e.fields(b[:0]), t.All)
	return e
}

func (e *entry) fields(b []byte) []byte {
	b = le.AppendUint32(b, e.uid)
	b = le.AppendUint32(b, e.header)
	b = le.AppendUint32(b, e.mime)
	return le.AppendUint32(b, e.body)
}

func (e *entry) appendTo(b []byte) []byte { return le.AppendUint32(e.fields(b), e.sum) }

func parseEntry(b []byte) (e entry, ok bool) {
	e = entry{le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:]), le.Uint32(b[12:]), le.Uint32(b[16:])}
	return e, e.uid != 0 && e.text() <= maxEntry
}

// open returns the text of an entry that raw is said to be, if it is.
func (e *entry) open(generation uint64, raw []byte) (searchtext.Text, bool) {
	if got, ok := parseEntry(raw); !ok || got != *e || sum(generation, raw[:16], raw[entrySize:]) != e.sum {
		return searchtext.Text{}, false
	}
	return searchtext.Text{All: raw[entrySize:], Header: int(e.header), MIME: int(e.mime)}, true
}

// group is what stands before a group's directory and filter.
type group struct {
	n    int   // entries
	bits uint8 // the filter has 2^bits rows
	at   int64 // of the first entry in the text file
	sum  uint32
}

// Most entries of a group, one bit each in a row, whose last four octets are its checksum.
const (
	rowSize    = 64
	groupLimit = (rowSize - 4) * 8
)

func (g *group) directory() int64 { return int64(g.n) * entrySize }
func (g *group) filter() int64    { return rowSize << g.bits }
func (g *group) size() int64      { return groupSize + g.directory() + g.filter() }

func (g *group) fields(b []byte) []byte {
	b = append(b, "GROUP"...)
	b = append(b, g.bits)
	b = le.AppendUint16(b, uint16(g.n))
	b = le.AppendUint64(b, uint64(g.at))
	return append(b, make([]byte, groupSize-4-16)...)
}

func parseGroup(b []byte) (g group, ok bool) {
	g = group{n: int(le.Uint16(b[6:])), bits: b[5], at: int64(le.Uint64(b[8:])), sum: le.Uint32(b[groupSize-4:])}
	return g, string(b[:5]) == "GROUP" && g.n > 0 && g.n <= groupLimit && g.bits >= minBits && g.bits <= maxBits && g.at >= headerSize
}
