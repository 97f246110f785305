package maildir

import (
	"math/bits"
	"strconv"
	"strings"

	"github.com/buuta/mail"
)

// maxKeywords is how many keywords the letters a to z can stand for in one mailbox.
const maxKeywords = 26

// infoMark begins the flags in a file name; "2" is the only version there ever was.
const infoMark = ":2,"

// flagLetters are the system flags as Maildir has them, in the order in which they must stand, which is that of ASCII.
// "P" (passed on) has no IMAP flag; it is kept where it is found.
var flagLetters = [...]struct {
	letter byte
	flag   mail.SystemFlags
}{{'D', mail.Draft}, {'F', mail.Flagged}, {'R', mail.Answered}, {'S', mail.Seen}, {'T', mail.Deleted}}

// fileName builds a file name. A file in new that has no flags has no info at all. other are letters that we don't know.
func fileName(base string, where, sys uint8, kw uint32, other string) string {
	var buf [320]byte
	return string(appendInfo(append(buf[:0], base...), where, sys, kw, other))
}

// appendInfo puts behind a base name what makes it a file name.
func appendInfo(b []byte, where, sys uint8, kw uint32, other string) []byte {
	if where == inNew && sys == 0 && kw == 0 && other == "" {
		return b
	}
	b = append(b, infoMark...)
	start := len(b)
	b = append(b, other...)
	for _, l := range flagLetters {
		if sys&uint8(l.flag) != 0 {
			b = append(b, l.letter)
		}
	}
	if other != "" { // few: an insertion sort
		info := b[start:]
		for i := 1; i < len(info); i++ {
			for j := i; j > 0 && info[j] < info[j-1]; j-- {
				info[j], info[j-1] = info[j-1], info[j]
			}
		}
	}
	for rest := kw; rest != 0; rest &= rest - 1 {
		b = append(b, 'a'+byte(bits.TrailingZeros32(rest)))
	}
	return b
}

// parseName takes a file name apart. Letters of flags that have no meaning here are returned in other, upper case only,
// in the order of ASCII and at most 21.
func parseName(name string) (base string, sys uint8, kw uint32, other string) {
	base, info, ok := strings.Cut(name, ":")
	if !ok || !strings.HasPrefix(info, "2,") {
		return base, 0, 0, ""
	}
	var rest [26]bool
	for _, c := range []byte(info[2:]) {
		switch {
		case c >= 'a' && c <= 'z':
			kw |= 1 << (c - 'a')
		case c >= 'A' && c <= 'Z':
			rest[c-'A'] = true
		}
	}
	for _, l := range flagLetters {
		if rest[l.letter-'A'] {
			sys |= uint8(l.flag)
			rest[l.letter-'A'] = false
		}
	}
	for i, set := range rest {
		if set {
			other += string(rune('A' + i))
		}
	}
	return base, sys, kw, other
}

// safeBase reports whether name may be a file of a mailbox and stand in the UID list.
func safeBase(name string) bool {
	if name == "" || len(name) > 255 || name[0] == '.' {
		return false
	}
	for i := range len(name) {
		if c := name[i]; c < ' ' || c == 0x7f || c == '/' {
			return false
		}
	}
	return true
}

// withSizes adds the sizes to a base name: S= of the file, W= with CRLF line ends.
func withSizes(base string, physical, virtual int64) string {
	return string(appendSizes([]byte(base), physical, virtual))
}

// sizesOf returns the sizes that a base name tells; -1 where it doesn't.
func sizesOf(base string) (physical, virtual int64) {
	physical, virtual = -1, -1
	_, rest, _ := strings.Cut(base, ",")
	for rest != "" {
		var field string
		field, rest, _ = strings.Cut(rest, ",")
		if len(field) < 3 || field[1] != '=' {
			continue
		}
		n, err := strconv.ParseUint(field[2:], 10, 62)
		if err != nil {
			continue
		}
		switch field[0] {
		case 'S':
			physical = int64(n)
		case 'W':
			virtual = int64(n)
		}
	}
	return physical, virtual
}

// secondsOf returns the time that a base name begins with, 0 when it doesn't.
func secondsOf(base string) int64 {
	s, _, _ := strings.Cut(base, ".")
	n, err := strconv.ParseUint(s, 10, 40)
	if err != nil {
		return 0
	}
	return int64(n)
}

// microsOf returns the microseconds in a file name of the common form "1204680122.M532521P1234.host", which have from one to six digits;
// 0 where there are none.
func microsOf(base string) int {
	_, rest, _ := strings.Cut(base, ".")
	rest, ok := strings.CutPrefix(rest, "M")
	n := 0
	for i := 0; ok && i < len(rest) && i < 6 && rest[i] >= '0' && rest[i] <= '9'; i++ {
		n = n*10 + int(rest[i]-'0')
	}
	return n
}
