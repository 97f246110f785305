// Package compress is how messages can lie compressed in a [maildir.Store]: as Dovecot's mail_compress (zlib plugin) writes and reads them.
//
// The file of a compressed message is named by the sizes that the message has when it is not: ",S=" and ",W=". What tells that it is
// compressed, and how, are its first octets alone, to Dovecot as to us. A flag "Z", which some tools set, tells nothing.
//
// Gzip is here; zstd, which is faster and smaller, is in package compress/zstd, so that only who wants it compiles it.
package compress

import (
	"io"
	"slices"
)

// Codec is one way to compress. It is used by many goroutines at once.
type Codec struct {
	// Name is what Dovecot calls it in mail_compress_write_method (zlib_save): "gz", "zstd".
	Name string

	// Magic are the octets that every file begins with that is compressed so, at most MaxMagic. A "?" is any octet.
	Magic string

	// NewReader reads what is compressed, to the end of r. Its errors other than those of r mean that it is damaged.
	NewReader func(r io.Reader) (io.ReadCloser, error)

	// NewWriter compresses; Close writes what is left, and doesn't close w. nil where it is only read.
	NewWriter func(w io.Writer) (io.WriteCloser, error)
}

// MaxMagic is the most octets that a [Codec.Magic] has.
const MaxMagic = 16

// Match reports whether a file that begins with head is compressed so.
func (c *Codec) Match(head []byte) bool {
	if c.Magic == "" || len(head) < len(c.Magic) {
		return false
	}
	for i := range len(c.Magic) {
		if c.Magic[i] != '?' && c.Magic[i] != head[i] {
			return false
		}
	}
	return true
}

// Find returns the first of codecs that a file beginning with head fits, nil when none does.
func Find(codecs []Codec, head []byte) *Codec {
	for i := range codecs {
		if codecs[i].Match(head) {
			return &codecs[i]
		}
	}
	return nil
}

// Known returns a codec for each format that Dovecot can write and that is known by its first octets, without what would read it: for
// those who must tell a message from what nobody here can read.
func Known() []Codec {
	return []Codec{
		{Name: "gz", Magic: gzipMagic},
		{Name: "bz2", Magic: bzip2Magic},
		{Name: "xz", Magic: "\xfd7zXZ"},
		{Name: "lz4", Magic: "Dovecot-LZ4\x0d\x2a\x9b\xc5"},
		{Name: "zstd", Magic: "\x28\xb5\x2f\xfd"},
	}
}

// Readers returns what the files of a Maildir are told apart by: codecs of one's own first, those that are always read, gzip and bzip2, and the other
// [Known] ones, without what would read them.
func Readers(own ...Codec) []Codec {
	return slices.Concat(own, []Codec{Gzip(0), Bzip2()}, Known())
}
