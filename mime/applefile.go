package mime

import (
	"encoding/binary"
	"errors"
)

// ErrNotAppleFile says that the octets are neither an AppleSingle nor an AppleDouble file.
var ErrNotAppleFile = errors.New("mime: not an AppleSingle or AppleDouble file")

// AppleFile is a file of the old Macintosh with its two forks. An application/applefile part alone is AppleSingle: all is in
// it. In a multipart/appledouble the first part is an AppleDouble file that holds all but the data fork, which
// is the second part (RFC 1740). The slices refer to what was parsed.
type AppleFile struct {
	Double       bool   // the data fork is elsewhere
	Name         string // the name on the Macintosh, as UTF-8; "" when not said
	Type         string // four characters such as "TEXT", as UTF-8
	Creator      string
	DataFork     []byte // the file as others know it
	ResourceFork []byte
	Comment      string
}

// The entries that are read (RFC 1740 section 5, "Entry ID").
const (
	appleSingle       = 0x00051600
	appleDouble       = 0x00051607
	appleVersion      = 0x00020000
	appleDataFork     = 1
	appleResourceFork = 2
	appleRealName     = 3
	appleComment      = 4
	appleFinderInfo   = 9
	appleHeader       = 26
	appleEntry        = 12
	appleEntries      = 1000
)

// ParseAppleFile reads the content of an application/applefile part (RFC 1740 appendixes A and B). Entries that lie outside the file
// are passed over. macRoman is asked with the name "macintosh" for names that aren't ASCII; nil reads them as [DecodeCharset]
// does. The error is ErrNotAppleFile.
func ParseAppleFile(b []byte, macRoman CharsetReader) (*AppleFile, error) {
	if len(b) < appleHeader {
		return nil, ErrNotAppleFile
	}
	magic, version := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if magic != appleSingle && magic != appleDouble || version != appleVersion && version != 0x00010000 {
		return nil, ErrNotAppleFile
	}
	f := &AppleFile{Double: magic == appleDouble}
	text := func(v []byte) string {
		return cleanText(DecodeCharset("macintosh", v[:min(len(v), 1024)], macRoman))
	}
	n := min(int(binary.BigEndian.Uint16(b[24:])), (len(b)-appleHeader)/appleEntry, appleEntries)
	for i := range n {
		e := b[appleHeader+i*appleEntry:]
		offset, size := uint64(binary.BigEndian.Uint32(e[4:])), uint64(binary.BigEndian.Uint32(e[8:]))
		if offset+size > uint64(len(b)) {
			continue
		}
		v := b[offset : offset+size : offset+size]
		switch binary.BigEndian.Uint32(e) {
		case appleDataFork:
			f.DataFork = v
		case appleResourceFork:
			f.ResourceFork = v
		case appleRealName:
			f.Name = text(v)
		case appleComment:
			f.Comment = text(v)
		case appleFinderInfo:
			if len(v) >= 8 {
				f.Type, f.Creator = text(v[:4]), text(v[4:8])
			}
		}
	}
	return f, nil
}
