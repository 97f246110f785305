package queue

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// A queue id names a message for as long as it is in the queue. Both forms are Postfix's.
//
// The short form is the microseconds of the time of arrival as five hexadecimal digits and the file's inode number in
// hexadecimal. No two files have the same inode at the same time, so no two messages have the same id, but an id
// comes back some day.
//
// The long form has seconds and microseconds in base 52 and the inode in base 51 with "z" between them, and doesn't
// come back. Its digits are the figures and the consonants, so that it spells no words.

const (
	idDigits = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
	maxID    = 64
)

func shortID(t time.Time, inode uint64) string {
	return fmt.Sprintf("%05X%X", t.Nanosecond()/1000, inode)
}

func longID(t time.Time, inode uint64) string {
	b := make([]byte, 0, 24)
	b = appendBase(b, uint64(t.Unix()), 52, 6)
	b = appendBase(b, uint64(t.Nanosecond()/1000), 52, 4)
	b = append(b, 'z')
	return string(appendBase(b, inode, 51, 1))
}

// appendBase writes n with at least width digits.
func appendBase(b []byte, n, base uint64, width int) []byte {
	var rev [16]byte
	i := 0
	for n > 0 || i < width {
		rev[i] = idDigits[n%base]
		n /= base
		i++
	}
	for i--; i >= 0; i-- {
		b = append(b, rev[i])
	}
	return b
}

// validID reports whether s may be a queue id, of this or another program: what is safe as a file name.
func validID(s string) bool {
	if len(s) == 0 || len(s) > maxID {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// inodeOf returns the file's inode number, or a random number of 48 bits on a file system that has none. own says
// that the number is the file's.
func inodeOf(info fs.FileInfo) (n uint64, own bool) {
	if n, ok := sysInode(info); ok && n != 0 {
		return n, true
	}
	return rand.Uint64()>>16 | 1<<47, false
}

// idHas reports whether an id was made from this inode number.
func idHas(id string, inode uint64) bool {
	var b [24]byte
	return len(id) > 5 && strings.EqualFold(id[5:], string(strconv.AppendUint(b[:0], inode, 16))) ||
		strings.HasSuffix(id, string(appendBase(append(b[:0], 'z'), inode, 51, 1)))
}
