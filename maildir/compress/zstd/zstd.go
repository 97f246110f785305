// Package zstd has messages compressed with Zstandard (RFC 8878) in a maildir.Store: smaller than gzip, and several times as fast.
package zstd

import (
	"io"
	"sync"

	"github.com/buuta/mail/maildir/compress"
	"github.com/klauspost/compress/zstd"
)

// maxWindow is how far back a file may refer: what Dovecot's highest level, 22, uses. Reading such a file takes that much memory.
const maxWindow = 128 << 20

// encoderWindow is what a message is compressed within: more would cost memory, and few messages have more that repeats so far apart.
const encoderWindow = 1 << 20

// Codec is Zstandard. level is 1 to 22 as Dovecot counts, of which four are told apart; anything else is 3. A Codec keeps what its readers and writers
// need for the next ones: make one, not one a message.
func Codec(level int) compress.Codec {
	if level < 1 || level > 22 {
		level = 3
	}
	readers, writers := new(sync.Pool), new(sync.Pool)
	return compress.Codec{
		Name: "zstd", Magic: "\x28\xb5\x2f\xfd",
		NewReader: func(r io.Reader) (io.ReadCloser, error) {
			d, _ := readers.Get().(*zstd.Decoder)
			if d == nil {
				var err error
				// With a concurrency of 1 there are no goroutines, so that a pool may forget it.
				d, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
				if err != nil {
					return nil, err
				}
			}
			if err := d.Reset(onlyReader{r}); err != nil {
				return nil, err
			}
			return &reader{d, readers}, nil
		},
		NewWriter: func(w io.Writer) (io.WriteCloser, error) {
			e, _ := writers.Get().(*zstd.Encoder)
			if e == nil {
				var err error
				e, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(encoderWindow),
					zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)))
				if err != nil {
					return nil, err
				}
			}
			e.Reset(w)
			return &writer{e, writers}, nil
		},
	}
}

// reader goes back to its pool when it is closed.
type reader struct {
	*zstd.Decoder
	pool *sync.Pool
}

func (r *reader) Close() error {
	if r.Decoder == nil {
		return nil
	}
	err := r.Decoder.Reset(nil) // lets go of the file
	r.pool.Put(r.Decoder)
	r.Decoder = nil
	return err
}

// onlyReader hides what else a reader can: of a bytes.Buffer the whole content would be decoded at once, however much that is.
type onlyReader struct{ io.Reader }

// writer goes back to its pool when it is closed.
type writer struct {
	*zstd.Encoder
	pool *sync.Pool
}

func (w *writer) Close() error {
	if w.Encoder == nil {
		return nil
	}
	err := w.Encoder.Close()
	w.Encoder.Reset(nil)
	w.pool.Put(w.Encoder)
	w.Encoder = nil
	return err
}
