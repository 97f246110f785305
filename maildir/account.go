package maildir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"

	"github.com/buuta/mail"
)

const accountLockName = "buuta.account.lock"

// account is an open account. The tree's lock comes before any box's writer; under it a folder's name means what it says.
type account struct {
	s    *Store
	sh   *shared
	name string
	root string
	tree *tree
	end  func()
}

func (s *Store) openAccount(name, root string) (*account, error) {
	if s.MustExist {
		return s.existing(name, root)
	}
	sh := s.start()
	if err := s.makeDir(root); err != nil {
		return nil, err
	}
	return newAccount(s, sh, name, root), nil
}

// existing opens an account that has a folder: mail.ErrNoAccount when it has none.
func (s *Store) existing(name, root string) (*account, error) {
	sh := s.start()
	info, err := sh.fs.Stat(root)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%w: %q", mail.ErrNoAccount, name)
	}
	if err != nil {
		return nil, err
	}
	return newAccount(s, sh, name, root), nil
}

func newAccount(s *Store, sh *shared, name, root string) *account {
	a := &account{s: s, sh: sh, name: name, root: root, tree: sh.acquireTree(s, name, root)}
	a.end = sync.OnceFunc(func() { sh.releaseTree(root) })
	return a
}

// makeDir makes a folder and those above it, durably.
func (s *Store) makeDir(name string) error {
	fsys := s.shared.fs
	err := fsys.Mkdir(name, 0o700)
	if errors.Is(err, fs.ErrNotExist) {
		if up := path.Dir(name); up != name {
			if err := s.makeDir(up); err != nil {
				return err
			}
			err = fsys.Mkdir(name, 0o700)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil && !s.NoSync {
		err = fsys.SyncDir(path.Dir(name))
	}
	return err
}

// lock is held by whoever changes the tree, in this process or another.
func (a *account) lock(ctx context.Context) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a.tree.mu.Lock()
	l, err := lockFile(ctx, a.sh.fs, a.root+"/"+accountLockName)
	if err != nil {
		a.tree.mu.Unlock()
		return nil, err
	}
	return func() {
		l.Close()
		a.tree.mu.Unlock()
		a.sh.wakeTree(a.root)
	}, nil
}

// dir returns the folder of a mailbox: mail.ErrNoMailbox when there is none. The name is clean.
func (a *account) dir(name string) (string, error) {
	if name == inbox {
		return a.root, nil
	}
	dir := a.root + "/" + a.s.folderName(name)
	if there, err := a.isMailbox(dir); there || err != nil {
		return dir, err
	}
	// Others may spell the same name otherwise: as UTF-8, or not in normalisation form C.
	all, err := a.folders()
	if err != nil {
		return "", err
	}
	if folder, ok := all[name]; ok {
		return a.root + "/" + folder, nil
	}
	return "", fmt.Errorf("%w: %q", mail.ErrNoMailbox, name)
}

// open returns a mailbox's box, with what is on disk read, but for what is in doubt: State and Changes settle that.
func (a *account) open(ctx context.Context, name string) (*box, error) {
	name, err := a.s.cleanName(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", mail.ErrNoMailbox, err)
	}
	a.tree.mu.RLock()
	dir, err := a.dir(name)
	if err != nil {
		a.tree.mu.RUnlock()
		return nil, err
	}
	b := a.acquire(dir, name)
	a.tree.mu.RUnlock()
	if err := b.look(ctx, false); err != nil {
		a.sh.release(a.s, b)
		return nil, err
	}
	return b, nil
}

// Open implements mail.Account.
func (a *account) Open(ctx context.Context, name string) (mail.Mailbox, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b, err := a.open(ctx, name)
	if err != nil {
		return nil, err
	}
	m := &mailbox{s: a.s, sh: a.sh, b: b}
	if err := b.view(ctx, func(st *state) { m.id, m.validity = mail.MailboxID(st.id), st.validity }); err != nil {
		a.sh.release(a.s, b)
		return nil, err
	}
	m.a = newAccount(a.s, a.sh, a.name, a.root) // stays when a is closed
	m.info = sync.OnceValue(m.readInfo)
	m.end = sync.OnceFunc(func() {
		a.sh.release(a.s, b)
		m.a.end()
	})
	return m, nil
}

// Status implements mail.Account.
func (a *account) Status(ctx context.Context, name string) (mail.State, error) {
	if err := ctx.Err(); err != nil {
		return mail.State{}, err
	}
	b, err := a.open(ctx, name)
	if err != nil {
		return mail.State{}, err
	}
	defer a.sh.release(a.s, b)
	return b.state(ctx)
}

// Close implements mail.Account.
func (a *account) Close() error {
	a.end()
	return nil
}
