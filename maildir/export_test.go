package maildir

import (
	"encoding/binary"
	"hash/crc32"
)

// FixHeader makes a log header's checksum right.
func FixHeader(b []byte) {
	binary.LittleEndian.PutUint32(b[24:], crc32.Checksum(b[:24], castagnoli))
}

// OtherIndexVersion gives the last entry of a cache file another version of the index. All entries are as long as it.
func OtherIndexVersion(cache []byte) {
	for n := cacheEntry + 1; n <= len(cache); n++ {
		e := cache[len(cache)-n:]
		if binary.LittleEndian.Uint32(e) == crc32.Checksum(e[4:], castagnoli) {
			e[cacheEntry]++
			binary.LittleEndian.PutUint32(e, crc32.Checksum(e[4:], castagnoli))
			return
		}
	}
	panic("no entry")
}

// SetLogSlack sets how many records any log may have behind its snapshot.
func (s *Store) SetLogSlack(n int) { s.logSlack = n }
