package maildir

import (
	"encoding/binary"
	"flag"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/require"
)

// Fewer lets rapid's checks of one test be so many, unless the command line says how many.
func Fewer(t *testing.T, n int) {
	checks := flag.Lookup("rapid.checks")
	if was := checks.Value.String(); was == checks.DefValue {
		require.NoError(t, checks.Value.Set(fmt.Sprint(n)))
		t.Cleanup(func() { _ = checks.Value.Set(was) })
	}
}

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
