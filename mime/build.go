package mime

import "io"

// BuildIndex reads a message of the given size once, from its beginning to its end, and returns its structure. Memory is
// bounded by lim, which may be nil, and not by the message's size. Line ends are CRLF; LF alone is understood too. The error is
// one of r's; damage in the message is listed in the index.
func BuildIndex(r io.ReaderAt, size int64, lim *Limits) (*Index, error) {
	return buildIndex(r, size, lim.withDefaults())
}
