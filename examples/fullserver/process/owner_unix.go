//go:build unix

package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Owner is the user whom the server becomes.
type Owner struct {
	Name   string
	UID    int
	GID    int
	Groups []int // with GID
}

// LookupOwner finds a user by name. Root, and a user who isn't there, are errors with what to do.
func LookupOwner(name string) (*Owner, error) {
	u, err := user.Lookup(name)
	if _, unknown := errors.AsType[user.UnknownUserError](err); unknown {
		return nil, fmt.Errorf("there is no user %s: make one with useradd --system --shell /usr/sbin/nologin %s", name, name)
	}
	if err != nil {
		return nil, err
	}
	o := &Owner{Name: name}
	if o.UID, err = strconv.Atoi(u.Uid); err != nil {
		return nil, err
	}
	if o.GID, err = strconv.Atoi(u.Gid); err != nil {
		return nil, err
	}
	if o.UID == 0 || o.GID == 0 {
		return nil, fmt.Errorf("%s is root, or of root's group: name a user who has no other rights", name)
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	for _, s := range ids {
		g, err := strconv.Atoi(s)
		if err != nil {
			return nil, err
		}
		o.Groups = append(o.Groups, g)
	}
	return o, nil
}

// Keep makes a folder and what lacks above it, for the owner alone; of what is made the owner is the owner. A folder that is there must be the
// owner's already: what lies in it came from somewhere, and whose it is to be isn't ours to say. Only root can call it with effect.
func (o *Owner) Keep(dir string) error {
	var missing []string
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if errors.Is(err, fs.ErrNotExist) && d != filepath.Dir(d) {
			missing = append(missing, d)
			continue
		}
		if err != nil {
			return err
		}
		if len(missing) == 0 {
			return o.owns(dir, info)
		}
		break
	}
	for i := len(missing) - 1; i >= 0; i-- {
		mode := os.FileMode(0o711) // on the way to it
		if i == 0 {
			mode = 0o700
		}
		if err := os.Mkdir(missing[i], mode); err != nil {
			return err
		}
		if err := os.Lchown(missing[i], o.UID, o.GID); err != nil {
			return err
		}
	}
	return nil
}

// KeepFile makes a file that is missing, of mode 0640 and the owner's. One that is there must be the owner's.
func (o *Owner) KeepFile(file string) error {
	info, err := os.Lstat(file)
	if err == nil {
		return o.owns(file, info)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	return errors.Join(f.Chown(o.UID, o.GID), f.Close())
}

// Take makes files the owner's.
func (o *Owner) Take(files ...string) error {
	for _, f := range files {
		if err := os.Lchown(f, o.UID, o.GID); err != nil {
			return err
		}
	}
	return nil
}

// Owns reports a file or folder that is another's, with what to do.
func (o *Owner) Owns(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	return o.owns(path, info)
}

func (o *Owner) owns(path string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if ok && int(st.Uid) != o.UID {
		return fmt.Errorf("%s isn't %s's: chown -R %s %s", path, o.Name, o.Name, path)
	}
	return nil
}

// Become makes this process the owner's, with the owner's groups and without any right of root, for good. A process that is the owner's already
// stays as it is; one that is neither root's nor the owner's can't become anything.
func (o *Owner) Become() error {
	if os.Geteuid() != 0 {
		if os.Geteuid() != o.UID {
			return fmt.Errorf("started as user %d, which can't become %s: start as root, or as %s", os.Geteuid(), o.Name, o.Name)
		}
		return nil
	}
	// Each of these reaches all threads of the program.
	if err := syscall.Setgroups(o.Groups); err != nil {
		return fmt.Errorf("setgroups: %w", err)
	}
	if err := syscall.Setgid(o.GID); err != nil {
		return fmt.Errorf("setgid: %w", err)
	}
	if err := syscall.Setuid(o.UID); err != nil {
		return fmt.Errorf("setuid: %w", err)
	}
	if syscall.Setuid(0) == nil {
		return errors.New("the rights of root did not go")
	}
	return nil
}
