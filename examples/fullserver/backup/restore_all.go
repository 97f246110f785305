package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/queue"
)

// Whole says what is put back as it was.
type Whole struct {
	Root    string // below which everything is written; "" is where it was
	User    string // only this one's mail; "" is all, with configuration and queue
	Release bool   // the queue's messages are sent as soon as the server runs; otherwise they wait on hold
	Kept    func(path, why string)
	Damaged func(error)
	Now     func() time.Time
}

// WholeResult is what came of it.
type WholeResult struct {
	Accounts, Messages, Files, Queue int
	Kept, Damaged                    int
}

// uidGap is how far above the highest UID of a backup UIDs go on. The server has given out UIDs after the backup was made, and clients remember
// the messages that had them: so many as a mailbox can have got since, no other message may have.
const uidGap = 1_000_000

// All puts a backup back. Nothing that exists is overwritten: what differs is told and stays. What is damaged is left out and told.
func (b *Backup) All(ctx context.Context, w Whole) (WholeResult, error) {
	r := &restoring{Backup: b, Whole: w, buf: make([]byte, 256<<10)}
	for _, f := range b.Faults {
		r.damaged(errors.New(f))
	}
	if w.User == "" {
		socket := filepath.Join(w.Root, b.Data, "control")
		if c, err := net.Dial("unix", socket); err == nil {
			return r.res, errors.Join(fmt.Errorf("a server is running (%s): stop it, or name one user with -user", socket), c.Close())
		}
		if err := r.server(ctx); err != nil {
			return r.res, err
		}
	} else if _, err := b.Account(w.User); err != nil {
		return r.res, err
	}
	for _, p := range b.Accounts {
		if w.User != "" && p.User != w.User {
			continue
		}
		if err := r.account(ctx, p); err != nil {
			return r.res, fmt.Errorf("%s: %w", p.User, err)
		}
	}
	return r.res, nil
}

type restoring struct {
	*Backup
	Whole
	res    WholeResult
	owners owners
	buf    []byte
}

func (r *restoring) damaged(err error) {
	r.res.Damaged++
	if r.Damaged != nil {
		r.Damaged(err)
	}
}

func (r *restoring) kept(path, why string) {
	r.res.Kept++
	if r.Kept != nil {
		r.Kept(path, why)
	}
}

// server puts configuration, data and queue back.
func (r *restoring) server(ctx context.Context) error {
	for i := range r.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		e := &r.Files[i]
		if p, ok := strings.CutPrefix(e.Path, filesPrefix+"/"); ok {
			if err := r.file(e, filepath.Join(r.Root, "/"+p), 0o755); err != nil {
				return err
			}
		}
	}
	return r.queue()
}

// file puts one back where nothing is.
func (r *restoring) file(e *Entry, name string, above fs.FileMode) error {
	info, err := os.Lstat(name)
	switch {
	case err == nil && e.Dir && info.IsDir():
		return nil
	case err == nil && !e.Dir && r.same(e, name):
		return nil
	case err == nil:
		r.kept(name, "it is there already, and is another")
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := r.folders(filepath.Dir(name), e.Owner, above); err != nil {
		return err
	}
	if e.Dir {
		return r.folder(e, name)
	}
	err = r.write(e, name+".restoring", nil)
	if _, bad := errors.AsType[*Damage](err); bad {
		r.damaged(err)
		return nil
	}
	if err != nil {
		return err
	}
	if err := syncFile(name + ".restoring"); err != nil {
		return err
	}
	if err := os.Rename(name+".restoring", name); err != nil {
		return err
	}
	r.res.Files++
	return vfs.OS{}.SyncDir(filepath.Dir(name))
}

// same reports whether a file is as the backup has it.
func (r *restoring) same(e *Entry, name string) bool {
	f, err := readFile(name)
	return err == nil && f.Size == e.Size && sumOf(f.Content) == e.Sum
}

func syncFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// folders makes a folder and those above it, for an owner.
func (r *restoring) folders(dir, owner string, mode fs.FileMode) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := r.folders(filepath.Dir(dir), owner, mode); err != nil {
		return err
	}
	if err := os.Mkdir(dir, mode); err != nil {
		return err
	}
	return r.owners.give(dir, owner)
}

func (r *restoring) folder(e *Entry, name string) error {
	if err := os.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := r.owners.give(name, e.Owner); err != nil {
		return err
	}
	return os.Chmod(name, fs.FileMode(e.Mode))
}

// write writes a file of the backup; change, when it isn't nil, makes of its content what it is to be. Nothing is left of one that is damaged.
func (r *restoring) write(e *Entry, name string, change func([]byte) []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if change == nil {
		err = r.copyTo(e, f, r.buf)
	} else {
		var b bytes.Buffer
		if err = r.copyTo(e, &b, r.buf); err == nil {
			_, err = f.Write(change(b.Bytes()))
		}
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = r.owners.give(name, e.Owner)
	}
	if err == nil {
		err = os.Chmod(name, fs.FileMode(e.Mode))
	}
	if err == nil {
		err = os.Chtimes(name, e.modified(), e.modified())
	}
	if err != nil {
		_ = os.Remove(name)
	}
	return err
}

// account puts one back whole: beside its place first, and there when it is complete and synced.
func (r *restoring) account(ctx context.Context, p *Part) error {
	root := filepath.Join(r.Root, p.Root)
	if entries, err := os.ReadDir(root); err == nil && len(entries) > 0 {
		r.kept(root, "the mailbox is there already: move it away, or leave out -all, which puts messages beside")
		return nil
	}
	part := root + ".restoring"
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	if err := r.folders(filepath.Dir(root), ownerAmong(p.Entries), 0o700); err != nil {
		return err
	}
	if err := r.folders(part, ownerAmong(p.Entries), 0o700); err != nil {
		return err
	}
	messages := 0
	prefix := mailFolder(p.User)
	for i := range p.Entries {
		if err := ctx.Err(); err != nil {
			return errors.Join(err, os.RemoveAll(part))
		}
		e := &p.Entries[i]
		name := filepath.Join(part, strings.TrimPrefix(e.Path, prefix))
		if err := r.folders(filepath.Dir(name), e.Owner, 0o700); err != nil {
			return err
		}
		if e.Dir {
			if err := r.folder(e, name); err != nil {
				return err
			}
			continue
		}
		var change func([]byte) []byte
		if filepath.Base(name) == "dovecot-uidlist" {
			change = r.raised
		}
		err := r.write(e, name, change)
		if _, bad := errors.AsType[*Damage](err); bad {
			r.damaged(err)
			continue
		}
		if err != nil {
			return err
		}
		if e.GUID != "" {
			messages++
		}
	}
	if err := syncTree(part); err != nil {
		return err
	}
	if err := os.Remove(root); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(part, root); err != nil {
		return err
	}
	r.res.Accounts++
	r.res.Messages += messages
	return vfs.OS{}.SyncDir(filepath.Dir(root))
}

func ownerAmong(entries []Entry) string {
	for i := range entries {
		if entries[i].Owner != "" {
			return entries[i].Owner
		}
	}
	return ""
}

// raised makes the next UID of a UID list one that no message has had. Where there is no room above, the mailbox gets another UIDVALIDITY.
func (r *restoring) raised(list []byte) []byte {
	first, rest, ok := bytes.Cut(list, []byte("\n"))
	var validity, next uint32
	var id string
	if n, err := fmt.Sscanf(string(first), "3 V%d N%d G%s", &validity, &next, &id); !ok || n != 3 || err != nil {
		return list // the mailbox will be taken for one without
	}
	if next > math.MaxUint32-2*uidGap {
		validity = max(uint32(r.Now().Unix()), validity+1)
	} else {
		next += uidGap
	}
	return append(fmt.Appendf(nil, "3 V%d N%d G%s\n", validity, next, id), rest...)
}

// queue puts the messages that were not delivered yet into the queue, on hold unless they are to be released: most of them have
// been delivered since the backup was made.
func (r *restoring) queue() error {
	dir := filepath.Join(r.Root, r.Backup.Queue)
	to := queue.Held
	if r.Release {
		to = queue.Incoming
	}
	var locked io.Closer
	for i := range r.Files {
		e := &r.Files[i]
		rel, ok := strings.CutPrefix(e.Path, queuePrefix)
		if !ok {
			continue
		}
		if locked == nil {
			for _, st := range []queue.State{queue.Incoming, queue.Active, queue.Deferred, queue.Held, queue.Corrupt} {
				if err := r.folders(filepath.Join(dir, string(st)), e.Owner, 0o700); err != nil {
					return err
				}
			}
			var err error
			if locked, err = (vfs.OS{}).Lock(filepath.Join(dir, "lock")); err != nil {
				return fmt.Errorf("%s: %w", dir, err)
			}
			defer locked.Close()
			if err := r.owners.give(filepath.Join(dir, "lock"), e.Owner); err != nil {
				return err
			}
		}
		state, id, ok := strings.Cut(rel, "/")
		if !ok || strings.Contains(id, "/") {
			continue
		}
		if at := queued(dir, id); at != "" {
			r.kept(at, "it is in the queue already")
			continue
		}
		into := to
		if state == string(queue.Held) || state == string(queue.Corrupt) {
			into = queue.State(state)
		}
		before := r.res.Files
		if err := r.file(e, filepath.Join(dir, string(into), id), 0o700); err != nil {
			return err
		}
		r.res.Queue += r.res.Files - before
		r.res.Files = before
	}
	return nil
}

// queued is where a message of the queue is, "" for nowhere.
func queued(dir, id string) string {
	for _, st := range queueStates {
		name := filepath.Join(dir, string(st), id)
		if _, err := os.Lstat(name); err == nil {
			return name
		}
	}
	return ""
}
