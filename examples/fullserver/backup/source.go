package backup

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Backup is a backup that is read.
type Backup struct {
	*Manifest
	Where string
	from  source
}

// source is where the files of a backup lie.
type source interface {
	open(path string) (io.ReadCloser, int64, error)
	io.Closer
}

// Open opens a backup: a tar file, the folder of one, or a folder of several, of which the last is taken.
func Open(name string) (*Backup, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return openTar(name)
	}
	if _, err := os.Stat(filepath.Join(name, manifestName)); err != nil {
		all, err := finished(name)
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("%s: %w", name, errNoBackup)
		}
		name = filepath.Join(name, all[len(all)-1])
	}
	return opened(name, tree(name))
}

func opened(name string, from source) (*Backup, error) {
	r, _, err := from.open(manifestName)
	if errors.Is(err, fs.ErrNotExist) {
		err = errNoBackup
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), from.Close())
	}
	defer r.Close()
	m, err := readManifest(r)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), from.Close())
	}
	return &Backup{Manifest: m, Where: name, from: from}, nil
}

// Close ends the reading.
func (b *Backup) Close() error { return b.from.Close() }

// tree is a source: a folder.
type tree string

func (t tree) open(p string) (io.ReadCloser, int64, error) {
	f, err := os.Open(filepath.Join(string(t), filepath.FromSlash(p)))
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: is no file", p)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

func (t tree) Close() error { return nil }

// tarSource is a source: a tar file, of which it is known where what lies.
type tarSource struct {
	f     *os.File
	files map[string]span
}

const tarBlock = 512

// openTar reads through a tar file. Headers that are damaged are passed over: what stands behind them is found again.
func openTar(name string) (*Backup, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	t := &tarSource{f, map[string]span{}}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	for at := int64(0); at < info.Size(); {
		here := io.NewSectionReader(f, at, info.Size()-at)
		h, err := tar.NewReader(here).Next()
		if err != nil { // zeros, too, which are an end, but may be those of a file whose header is damaged
			at += tarBlock
			continue
		}
		n, err := here.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		from := at + n
		t.files[h.Name] = span{from, from + h.Size}
		at = from + (h.Size+tarBlock-1)/tarBlock*tarBlock
	}
	return opened(name, t)
}

func (t *tarSource) open(p string) (io.ReadCloser, int64, error) {
	s, ok := t.files[p]
	if !ok {
		return nil, 0, fmt.Errorf("%s: %w", p, fs.ErrNotExist)
	}
	return io.NopCloser(io.NewSectionReader(t.f, s.from, s.to-s.from)), s.to - s.from, nil
}

func (t *tarSource) Close() error { return t.f.Close() }

// Damage is a file of a backup that isn't what it was.
type Damage struct {
	Path string
	Err  error
}

func (d *Damage) Error() string { return d.Path + ": " + d.Err.Error() }

// Unwrap returns what is wrong.
func (d *Damage) Unwrap() error { return d.Err }

var (
	errMissing = errors.New("is missing from the backup")
	errSum     = errors.New("is damaged: its checksum is wrong")
)

// copyTo writes a file of the backup to w. *Damage says that it is not what it was; w has been written to then.
func (b *Backup) copyTo(e *Entry, w io.Writer, buf []byte) error {
	r, size, err := b.from.open(e.stored())
	if errors.Is(err, fs.ErrNotExist) {
		err = errMissing
	}
	if err != nil {
		return &Damage{e.stored(), err}
	}
	defer r.Close()
	if f, ok := r.(*os.File); ok && w == io.Discard {
		fromDisk(f)
	}
	if size != e.Size {
		return &Damage{e.stored(), fmt.Errorf("is damaged: it has %d octets and not %d", size, e.Size)}
	}
	sum := sha256.New()
	for {
		n, err := r.Read(buf)
		sum.Write(buf[:n])
		if _, werr := w.Write(buf[:n]); werr != nil {
			return werr
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return &Damage{e.stored(), err}
		}
	}
	if hex.EncodeToString(sum.Sum(nil)) != e.Sum {
		return &Damage{e.stored(), errSum}
	}
	return nil
}
