package maildir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
)

const (
	lockName     = "buuta.index.lock"
	uidLockName  = "dovecot-uidlist.lock"
	lockWait     = 30 * time.Second
	unsignedLock = 10 * time.Second
	staleLock    = 2 * time.Minute // Dovecot's own rule for a lock that nobody touches
)

// lockFile takes the lock that keeps processes of ours apart, waiting for it: mail.ErrStoreInUse when it takes too long.
func lockFile(ctx context.Context, fsys FS, name string) (io.Closer, error) {
	return lockWithin(ctx, fsys, name, lockWait, mostPause)
}

// lockWithin is lockFile that waits so long, with pauses of pause at most.
func lockWithin(ctx context.Context, fsys FS, name string, wait, pause time.Duration) (io.Closer, error) {
	var out io.Closer
	err := retryEach(ctx, wait, pause, func() (bool, error) {
		l, err := fsys.Lock(name)
		if errors.Is(err, vfs.ErrLocked) {
			return false, nil
		}
		out = l
		return true, err
	})
	return out, err
}

// retry calls try until it says that it is done, with pauses that grow from 1 to 50 ms.
func retry(ctx context.Context, wait time.Duration, try func() (done bool, err error)) error {
	return retryEach(ctx, wait, mostPause, try)
}

const mostPause = 50 * time.Millisecond

// retryEach is retry with pauses that grow to most.
func retryEach(ctx context.Context, wait, most time.Duration, try func() (done bool, err error)) error {
	pause := time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		done, err := try()
		if err != nil || done {
			return err
		}
		if waited >= wait {
			return mail.ErrStoreInUse
		}
		pause = min(pause*2, most)
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}

// dotLock is a lock as Dovecot takes it: a name that only one can make, of a file that holds "pid:host". Whoever has that of
// the UID list may give UIDs and change the list and the keywords.
type dotLock struct {
	fs   FS
	name string
}

// takeDotLock takes the lock name. The caller holds lockFile's lock of own, so that a dot-lock of this very process can only be a
// leftover of its namesake before a crash. The lock is a second name of own, which costs a tenth of making a file; where there are no
// hard links it is a file.
func takeDotLock(ctx context.Context, fsys FS, own, name, host string, now func() time.Time) (*dotLock, error) {
	l := &dotLock{fsys, name}
	me := fmt.Sprintf("%d:%s", os.Getpid(), host)
	if err := sign(fsys, own, me, now()); err != nil {
		return nil, err
	}
	err := retry(ctx, lockWait, func() (bool, error) {
		err := fsys.Link(own, l.name)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			err = l.make(me)
		}
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return false, err
		}
		if l.stale(me, host, now()) {
			if err := fsys.Remove(l.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return false, err
			}
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// sign writes who we are into a lock file that we hold, and when.
func sign(fsys FS, own, me string, now time.Time) error {
	if was, err := readFile(fsys, own); err != nil || string(was) != me {
		if err != nil {
			return err
		}
		f, err := fsys.OpenFile(own, os.O_WRONLY|os.O_TRUNC, 0)
		if err != nil {
			return err
		}
		_, err = f.Write([]byte(me))
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return err
		}
	}
	return fsys.Chtimes(own, now, now)
}

// make makes the lock as a file of its own.
func (l *dotLock) make(me string) error {
	f, err := l.fs.OpenFile(l.name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(me))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		l.fs.Remove(l.name)
	}
	return err
}

// stale reports whether the lock's holder is no more.
func (l *dotLock) stale(me, host string, now time.Time) bool {
	info, err := l.fs.Stat(l.name)
	if err != nil {
		return false
	}
	b, err := readFile(l.fs, l.name)
	if err != nil {
		return false
	}
	if string(b) == me {
		return true
	}
	pid, h, ok := bytes.Cut(b, []byte(":"))
	n, err := strconv.Atoi(string(pid))
	if !ok || err != nil {
		// Its maker was stopped before it could write who it is: it takes far less than a second.
		return now.Sub(info.ModTime()) > unsignedLock
	}
	if string(h) == host && n > 0 && !processLives(n) {
		return true
	}
	return now.Sub(info.ModTime()) > staleLock
}

func (l *dotLock) Close() error { return l.fs.Remove(l.name) }
