package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail/internal/vfs"
)

// folder is a target: a new folder beside those of earlier backups.
type folder struct {
	dir  string // that holds all backups
	name string // of this one
	part string // where it is written
	lock io.Closer
	man  *os.File
	prev *previous
	made map[string]bool
	buf  []byte
}

// newFolder begins a backup in dir, which is made if it is missing. With full nothing is taken from earlier ones.
func newFolder(dir string, now time.Time, full bool) (_ *folder, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := vfs.OS{}.Lock(filepath.Join(dir, "lock"))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("%s: another backup is being written there", dir)
	}
	if err != nil {
		return nil, err
	}
	f := &folder{dir: dir, lock: lock, made: map[string]bool{}, buf: make([]byte, 256<<10)}
	defer func() {
		if err != nil {
			_ = f.prev.close()
			_ = lock.Close()
		}
	}()
	all, err := finished(dir)
	if err != nil {
		return nil, err
	}
	// The last by its name is the last: one a second at most, and none before another whatever the clock says.
	at := now.UTC()
	if len(all) > 0 {
		if last, err := time.Parse(timeFormat, all[len(all)-1]); err == nil && !at.After(last.Add(time.Second)) {
			at = last.Add(time.Second)
		}
	}
	for range 1000 {
		f.name = at.Format(timeFormat)
		if _, err := os.Lstat(filepath.Join(dir, f.name)); errors.Is(err, fs.ErrNotExist) {
			break
		}
		at = at.Add(time.Second)
	}
	if err := clearParts(dir); err != nil {
		return nil, err
	}
	if !full {
		if f.prev, err = openPrevious(dir); err != nil {
			return nil, err
		}
	}
	f.part = filepath.Join(dir, f.name+partSuffix)
	if err := os.Mkdir(f.part, 0o700); err != nil {
		return nil, err
	}
	f.man, err = os.OpenFile(filepath.Join(f.part, manifestName+".new"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	return f, err
}

// clearParts removes what backups have left that were killed.
func clearParts(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), partSuffix); ok && err == nil && isStamp(name) {
			err = os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
	return err
}

func isStamp(name string) bool {
	_, err := time.Parse(timeFormat, name)
	return err == nil
}

// finished returns the names of the backups in a folder, the oldest first.
func finished(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() && isStamp(e.Name()) {
			if _, err := os.Stat(filepath.Join(dir, e.Name(), manifestName)); err == nil {
				out = append(out, e.Name())
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

func (f *folder) path(p string) string { return filepath.Join(f.part, filepath.FromSlash(p)) }

func (f *folder) mkdir(p string) error {
	if p == "." || p == "" || f.made[p] {
		return nil
	}
	if err := os.MkdirAll(f.path(p), 0o700); err != nil {
		return err
	}
	f.made[p] = true
	return nil
}

func (f *folder) above(p string) error { return f.mkdir(filepath.ToSlash(filepath.Dir(p))) }

func (f *folder) put(e *Entry, r io.Reader) error {
	if err := f.above(e.Path); err != nil {
		return broken(err)
	}
	w, err := os.OpenFile(f.path(e.Path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return broken(err)
	}
	err = copySummed(e, w, r, f.buf)
	if cerr := w.Close(); err == nil {
		err = broken(cerr)
	}
	if err == nil {
		err = broken(os.Chtimes(f.path(e.Path), time.Time{}, e.modified()))
	}
	if err != nil {
		_ = os.Remove(f.path(e.Path))
	}
	return err
}

// copySummed copies e.Size octets and sets e.Sum.
func copySummed(e *Entry, w io.Writer, r io.Reader, buf []byte) error {
	sum := sha256.New()
	for left := e.Size; left > 0; {
		n, err := io.ReadFull(r, buf[:min(left, int64(len(buf)))])
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return fmt.Errorf("%s has become shorter while it was read", e.Path)
		}
		if err != nil {
			return err
		}
		sum.Write(buf[:n])
		if _, err := w.Write(buf[:n]); err != nil {
			return broken(err)
		}
		left -= int64(n)
	}
	e.Sum = hex.EncodeToString(sum.Sum(nil))
	return nil
}

func (f *folder) link(from *Entry, p string) (bool, error) {
	name := filepath.Join(f.prev.dir, filepath.FromSlash(from.stored()))
	if info, err := os.Lstat(name); err != nil || info.Size() != from.Size {
		return false, nil // it is damaged: whoever wants it gets a new one
	}
	if err := f.above(p); err != nil {
		return false, broken(err)
	}
	return os.Link(name, f.path(p)) == nil, nil // or there are too many, or no links at all
}

func (f *folder) move(e *Entry) error {
	if e.At == "" || e.At == e.Path {
		e.At = ""
		return nil
	}
	if err := f.above(e.Path); err != nil {
		return broken(err)
	}
	if err := os.Rename(f.path(e.At), f.path(e.Path)); err != nil {
		return broken(err)
	}
	e.At = ""
	return nil
}

func (f *folder) drop(p string) error { return broken(os.Remove(f.path(p))) }

func (f *folder) manifest() *os.File { return f.man }

func (f *folder) previous() *previous { return f.prev }

func (f *folder) scratch(p string) (string, bool, error) { return f.path(p), false, f.mkdir(p) }

// finish syncs everything, and only then gives the manifest and the folder their names.
func (f *folder) finish() error {
	err := f.man.Sync()
	if cerr := f.man.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = syncTree(f.part)
	}
	if err == nil {
		err = os.Rename(filepath.Join(f.part, manifestName+".new"), filepath.Join(f.part, manifestName))
	}
	fsys := vfs.OS{}
	if err == nil {
		err = fsys.SyncDir(f.part)
	}
	if err == nil {
		err = os.Rename(f.part, filepath.Join(f.dir, f.name))
	}
	if err == nil {
		err = fsys.SyncDir(f.dir)
	}
	if err != nil {
		return broken(errors.Join(err, f.abort()))
	}
	return errors.Join(f.prev.close(), f.lock.Close())
}

func (f *folder) abort() error {
	_ = f.man.Close()
	return errors.Join(f.prev.close(), os.RemoveAll(f.part), f.lock.Close())
}
