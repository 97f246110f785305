package backup

import (
	"archive/tar"
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/buuta/mail/internal/vfs"
)

// tarFile is a target: one stream, in a file or to a pipe.
type tarFile struct {
	out  *bufio.Writer
	tar  *tar.Writer
	file *os.File // nil for a stream of others
	name string   // what the file will be called
	man  *os.File
	buf  []byte
}

// newTarStream begins a backup on w.
func newTarStream(w io.Writer) (*tarFile, error) {
	man, err := os.CreateTemp("", "fullserver-backup-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(man.Name()); err != nil { // it goes when we end, whatever happens
		_ = man.Close()
		return nil, err
	}
	t := &tarFile{out: bufio.NewWriterSize(w, 1<<20), man: man, buf: make([]byte, 256<<10)}
	t.tar = tar.NewWriter(t.out)
	return t, nil
}

// newTarFile begins a backup in a file, which has another name until it is whole.
func newTarFile(name string) (*tarFile, error) {
	if err := os.Remove(name + partSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	f, err := os.OpenFile(name+partSuffix, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	t, err := newTarStream(f)
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	t.file, t.name = f, name
	return t, nil
}

func header(e *Entry) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: e.Path, Size: e.Size, Mode: 0o600, ModTime: e.modified(), Format: tar.FormatPAX}
}

func (t *tarFile) mkdir(string) error { return nil } // the manifest has them

func (t *tarFile) put(e *Entry, r io.Reader) error {
	if err := t.tar.WriteHeader(header(e)); err != nil {
		return broken(err)
	}
	w := &counter{w: t.tar}
	err := copySummed(e, w, r, t.buf)
	if err != nil && !isBroken(err) {
		// The stream has said how long the file is: what can't be read becomes zeros, and the manifest doesn't name it.
		if _, perr := io.CopyN(t.tar, zeros{}, e.Size-w.n); perr != nil {
			return broken(perr)
		}
	}
	return err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func (t *tarFile) link(*Entry, string) (bool, error) { return false, nil }

func (t *tarFile) move(e *Entry) error { // what was written stays: the manifest says where
	if e.At == e.Path {
		e.At = ""
	}
	return nil
}

func (t *tarFile) drop(string) error { return nil }

func (t *tarFile) manifest() *os.File { return t.man }

func (t *tarFile) previous() *previous { return nil }

func (t *tarFile) scratch(string) (string, bool, error) {
	dir, err := os.MkdirTemp("", "fullserver-backup-*")
	return dir, true, err
}

func (t *tarFile) finish() error {
	err := t.end()
	if err == nil && t.file != nil {
		err = t.file.Sync()
	}
	if t.file != nil {
		if cerr := t.file.Close(); err == nil {
			err = cerr
		}
		if err == nil {
			err = os.Rename(t.file.Name(), t.name)
		}
		if err == nil {
			return broken(errors.Join(vfs.OS{}.SyncDir(filepath.Dir(t.name)), t.man.Close()))
		}
		_ = os.Remove(t.file.Name())
	}
	return broken(errors.Join(err, t.man.Close()))
}

// end writes the manifest behind everything.
func (t *tarFile) end() error {
	size, err := t.man.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = t.man.Seek(0, io.SeekStart)
	}
	if err == nil {
		err = t.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: manifestName, Size: size, Mode: 0o600, Format: tar.FormatPAX})
	}
	if err == nil {
		_, err = io.Copy(t.tar, t.man)
	}
	if err == nil {
		err = t.tar.Close()
	}
	if err == nil {
		err = t.out.Flush()
	}
	return err
}

func (t *tarFile) abort() error {
	err := t.man.Close()
	if t.file != nil {
		err = errors.Join(err, t.file.Close(), os.Remove(t.file.Name()))
	}
	return err
}
