// Package editfile changes text files that servers read while they are changed: tables, password files. Whoever reads sees the old file or the new
// one, whole, also after a power cut; whoever changes waits for others who do.
package editfile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/buuta/mail/internal/vfs"
)

// maxSize bounds a file: a user takes about 150 octets.
const maxSize = 1 << 30

// Edit has change make a new text of a file's, and puts that in its place: durable when Edit returns nil. The same text, or an error of change, leaves
// the file alone. A file that isn't there is made with mode perm and its folder's owner, unless change makes nothing of it. The new file has the old one's mode and owner; where the
// owner can't be kept nothing is changed. A symbolic link stays one, and its target is changed. ".NAME.lock" beside the file is held meanwhile and stays there.
func Edit(ctx context.Context, name string, perm fs.FileMode, change func(text []byte) ([]byte, error)) error {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	return edit(ctx, vfs.OS{}, name, perm, change)
}

func edit(ctx context.Context, fsys vfs.FS, name string, perm fs.FileMode, change func(text []byte) ([]byte, error)) error {
	dir, base := path.Split(name)
	if dir == "" {
		dir = "."
	}
	lock, err := wait(ctx, fsys, path.Join(dir, "."+base+".lock"))
	if err != nil {
		return err
	}
	defer lock.Close()
	old, info, err := read(fsys, name)
	if err != nil {
		return err
	}
	text, err := change(old)
	if err != nil || string(text) == string(old) {
		return err
	}
	tmp := path.Join(dir, "."+base+".new")
	if err := fsys.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) { // one that a crash has left
		return err
	}
	if info != nil {
		perm = info.Mode().Perm()
	} else if info, err = fsys.Stat(dir); err != nil {
		return err
	}
	if err := write(fsys, tmp, text, info, perm); err != nil {
		_ = fsys.Remove(tmp)
		return err
	}
	if err := fsys.Rename(tmp, name); err != nil {
		_ = fsys.Remove(tmp)
		return err
	}
	return fsys.SyncDir(dir)
}

// wait takes the lock, as soon as it is free.
func wait(ctx context.Context, fsys vfs.FS, name string) (io.Closer, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		lock, err := fsys.Lock(name)
		if !errors.Is(err, vfs.ErrLocked) {
			return lock, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// read returns a file's text; nothing, and no info, for one that isn't there.
func read(fsys vfs.FS, name string) ([]byte, fs.FileInfo, error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSize {
		return nil, nil, &fs.PathError{Op: "edit", Path: name, Err: errors.New("not a file of at most 1 GiB")}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSize))
	return text, info, err
}

// write makes a new file, whose owner is that of another, and syncs it.
func write(fsys vfs.FS, name string, text []byte, like fs.FileInfo, perm fs.FileMode) error {
	f, err := fsys.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = keepOwner(name, like)
	}
	if err == nil {
		err = fsys.Chmod(name, perm)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
