package compress

import (
	"compress/gzip"
	"io"
	"sync"
)

// gzipMagic has the one method of compression that there is besides the two octets that Dovecot looks at (RFC 1952 section 2.3.1).
const gzipMagic = "\x1f\x8b\x08"

// Gzip is RFC 1952. level is 1, the fastest, to 9, the smallest; anything else is the usual one, which is 6. A Codec keeps what its readers and
// writers need for the next ones: make one, not one a message.
func Gzip(level int) Codec {
	if level < gzip.BestSpeed || level > gzip.BestCompression {
		level = gzip.DefaultCompression
	}
	readers, writers := new(sync.Pool), new(sync.Pool)
	return Codec{
		Name: "gz", Magic: gzipMagic,
		NewReader: func(r io.Reader) (io.ReadCloser, error) {
			z, _ := readers.Get().(*gzip.Reader)
			if z == nil {
				z = new(gzip.Reader)
			}
			if err := z.Reset(r); err != nil {
				readers.Put(z)
				return nil, err
			}
			return &gzipReader{z, readers}, nil
		},
		NewWriter: func(w io.Writer) (io.WriteCloser, error) {
			z, _ := writers.Get().(*gzip.Writer)
			if z == nil {
				var err error
				if z, err = gzip.NewWriterLevel(w, level); err != nil {
					return nil, err
				}
			} else {
				z.Reset(w)
			}
			return &gzipWriter{z, writers}, nil
		},
	}
}

// gzipReader goes back to its pool when it is closed.
type gzipReader struct {
	*gzip.Reader
	pool *sync.Pool
}

func (r *gzipReader) Close() error {
	if r.Reader == nil {
		return nil
	}
	r.pool.Put(r.Reader)
	r.Reader = nil
	return nil
}

// gzipWriter goes back to its pool when it is closed.
type gzipWriter struct {
	*gzip.Writer
	pool *sync.Pool
}

func (w *gzipWriter) Close() error {
	if w.Writer == nil {
		return nil
	}
	err := w.Writer.Close()
	w.pool.Put(w.Writer)
	w.Writer = nil
	return err
}
