package accounts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
)

// parsed is a text file that is read again when it has changed. One that can't be read or understood is an error: what was taken back in it must not count.
type parsed[T any] struct {
	path    string
	missing bool // one that isn't there is an empty one
	parse   func(text []byte) (T, error)

	mu    sync.Mutex
	info  fs.FileInfo
	value T
}

// maxParsed bounds a file.
const maxParsed = 64 << 20

// current is the file as it is now.
func (p *parsed[T]) current() (value T, err error) {
	info, err := os.Stat(p.path)
	if p.missing && errors.Is(err, fs.ErrNotExist) {
		return value, nil
	}
	if err != nil {
		return value, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.info != nil && p.info.ModTime().Equal(info.ModTime()) && p.info.Size() == info.Size() && os.SameFile(p.info, info) {
		return p.value, nil
	}
	if info.Size() > maxParsed || !info.Mode().IsRegular() {
		return value, fmt.Errorf("%s: is no file of at most %d octets", p.path, maxParsed)
	}
	text, err := os.ReadFile(p.path)
	if err != nil {
		return value, err
	}
	if value, err = p.parse(text); err != nil {
		return value, err
	}
	p.value, p.info = value, info
	return value, nil
}
