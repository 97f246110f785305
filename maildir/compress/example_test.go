package compress_test

import (
	"fmt"
	"os"

	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/maildir/compress"
	"github.com/buuta/mail/maildir/compress/zstd"
)

// A store that saves with gzip as Dovecot's "mail_compress_write_method = gz" does, and also reads what was saved with zstd.
func Example() {
	dir, err := os.MkdirTemp("", "mail")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	s := &maildir.Store{
		Path:     dir + "/%u",
		Compress: compress.Gzip(6),
		Codecs:   []compress.Codec{zstd.Codec(3)},
	}
	fmt.Println(s.Compress.Name, s.Codecs[0].Name)
	// Output: gz zstd
}
