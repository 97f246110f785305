package maildir

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"strings"

	"github.com/buuta/mail/internal/vfs"
)

// The cache file holds the structure indexes of messages, one behind the other, each with the UID it belongs to and a
// checksum over both. The log says where each lies. It is never synced: an entry whose checksum is wrong is made again
// from the message.
const (
	cacheName  = "buuta.index.cache"
	cacheEntry = 8 // checksum, UID
)

// keepIndex puts an index into the cache and returns where it will be.
func (t *txn) keepIndex(uid uint32, index []byte) (at int64, n uint32) {
	at = t.b.cacheSize + int64(len(t.cache))
	start := len(t.cache)
	t.cache = append(t.cache, 0, 0, 0, 0)
	t.cache = binary.LittleEndian.AppendUint32(t.cache, uid)
	t.cache = append(t.cache, index...)
	binary.LittleEndian.PutUint32(t.cache[start:], crc32.Checksum(t.cache[start+4:], castagnoli))
	return at, uint32(len(t.cache) - start)
}

// cacheReader reads entries of a cache file.
type cacheReader struct {
	fs     FS
	name   string
	f      vfs.File
	failed bool
	octet  byte // with which an index of today's package mime begins; 0 means any

	// Entries that are read one after the other come in pieces, which are never used again: what is given out lies in them.
	piece   []byte
	pieceAt int64
	end     int64 // of the entry last read
}

const (
	cachePiece = 32 << 10
	cacheGap   = 4 << 10 // less than this between two entries is read with them
)

// read returns an entry's index, nil when it isn't what it should be.
func (c *cacheReader) read(uid uint32, at int64, n uint32) []byte {
	if e := c.entry(uid, at, n); e != nil && (c.octet == 0 || e[cacheEntry] == c.octet) {
		return e[cacheEntry:]
	}
	return nil
}

// entry returns the whole entry.
func (c *cacheReader) entry(uid uint32, at int64, n uint32) []byte {
	if c.f == nil && !c.failed {
		f, err := c.fs.OpenFile(c.name, os.O_RDONLY, 0)
		if c.failed = err != nil; !c.failed {
			c.f = f
		}
	}
	const most = 64 << 20 // no index is nearly as large; a damaged record may say so
	if c.failed || n <= cacheEntry || n > most {
		return nil
	}
	b := c.octets(at, int(n))
	if b == nil {
		return nil
	}
	if binary.LittleEndian.Uint32(b) != crc32.Checksum(b[4:], castagnoli) || binary.LittleEndian.Uint32(b[4:]) != uid {
		return nil
	}
	return b
}

// octets returns n octets of the file, nil when it has fewer.
func (c *cacheReader) octets(at int64, n int) []byte {
	if from := at - c.pieceAt; from < 0 || from+int64(n) > int64(len(c.piece)) {
		size := n
		if c.end > 0 && at >= c.end && at-c.end < cacheGap {
			size = max(n, cachePiece)
		}
		b := make([]byte, size)
		got, err := c.f.ReadAt(b, at)
		if c.piece, c.pieceAt = b[:got], at; err != nil && got < n {
			return nil
		}
	}
	from := int(at - c.pieceAt)
	c.end = at + int64(n)
	return c.piece[from : from+n : from+n]
}

func (c *cacheReader) close() {
	if c.f != nil {
		c.f.Close()
	}
}

// indexOctet returns the first octet of an index as package mime writes it: its version. What another version wrote is made again.
func indexOctet() byte {
	b, err := (&Store{}).buildIndex(strings.NewReader(""), 0)
	if err != nil || len(b) == 0 {
		return 0
	}
	return b[0]
}
