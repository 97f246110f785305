package compress

import (
	"compress/bzip2"
	"io"
)

// bzip2Magic is the file's head with its level, and the mark that a block begins with.
const bzip2Magic = "BZh?1AY&SY"

// Bzip2 reads bzip2; the standard library has nothing that writes it.
func Bzip2() Codec {
	return Codec{
		Name: "bz2", Magic: bzip2Magic,
		NewReader: func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(bzip2.NewReader(r)), nil },
	}
}
