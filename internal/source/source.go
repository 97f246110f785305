// Package source tells errors of a stream from those of what is done with it.
package source

import "io"

// Reader reads from R and remembers how it failed in Err: the last error that isn't io.EOF. Who copies from it to somewhere else can tell
// so on which side it went wrong.
type Reader struct {
	R   io.Reader
	Err error
}

func (s *Reader) Read(p []byte) (int, error) {
	n, err := s.R.Read(p)
	if err != nil && err != io.EOF {
		s.Err = err
	}
	return n, err
}
