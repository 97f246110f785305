package maildir

import (
	"encoding/binary"
	"hash/crc32"
)

// FixHeader makes a log header's checksum right.
func FixHeader(b []byte) {
	binary.LittleEndian.PutUint32(b[24:], crc32.Checksum(b[:24], castagnoli))
}
