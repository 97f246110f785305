package maildir

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir/internal/lineend"
	"github.com/buuta/mail/maildir/internal/maildirsize"
)

// appending implements mail.Append. Files wait in tmp, complete and synced, for the commit to move them.
type appending struct {
	m      *mailbox
	staged []staged
	sum    maildirsize.Amount // of them
	done   bool
}

type staged struct {
	tmp   string // file in tmp, which is also the base name without sizes
	m     msg
	flags mail.Flags
	guid  string
	token string
	index []byte
	moved bool // out of tmp
}

var errAppendDone = errors.New("maildir: append has ended")

// Append implements mail.Mailbox.
func (m *mailbox) Append(ctx context.Context) (mail.Append, error) {
	if err := m.b.view(ctx, func(*state) {}); err != nil {
		return nil, err
	}
	return &appending{m: m}, ctx.Err()
}

// Add implements mail.Append.
func (a *appending) Add(ctx context.Context, r io.Reader, opts *mail.AppendOptions) error {
	if a.done {
		return errAppendDone
	}
	if opts == nil {
		opts = &mail.AppendOptions{}
	}
	for _, k := range opts.Flags.Keywords {
		if !mail.ValidKeyword(k) {
			return fmt.Errorf("maildir: keyword %q is not allowed", k)
		}
	}
	if opts.GUID != "" && !validGUID(string(opts.GUID)) {
		return fmt.Errorf("maildir: GUID %q is not allowed", opts.GUID)
	}
	if err := a.fits(maildirsize.Amount{Bytes: 1, Messages: 1}); err != nil {
		return err
	}
	sh, now := a.m.sh, a.m.s.now()
	st := staged{tmp: sh.seq.base(now, sh.host), flags: opts.Flags, guid: string(opts.GUID), token: opts.Token}
	st.m = msg{idate: now.Unix(), sdate: now.Unix()}
	if !opts.InternalDate.IsZero() {
		st.m.idate = opts.InternalDate.Unix()
	}
	name := a.m.b.folder() + "/tmp/" + st.tmp
	f, err := sh.fs.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := a.fill(ctx, f, name, r, &st); err != nil {
		f.Close()
		sh.fs.Remove(name)
		return err
	}
	if err := f.Close(); err != nil {
		sh.fs.Remove(name)
		return err
	}
	a.staged = append(a.staged, st)
	a.sum = a.sum.Plus(maildirsize.Amount{Bytes: st.m.physical(), Messages: 1})
	return nil
}

// fill writes the message into its file, syncs it and learns what is to be known of it.
func (a *appending) fill(ctx context.Context, f vfs.File, name string, r io.Reader, st *staged) error {
	s, sh := a.m.s, a.m.sh
	out := sh.packing.saver(f)
	in, physical, err := copyMessage(ctx, out, r, s.LF, s.Limits.MessageSize)
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		return err
	}
	st.m.size = in.Size + int64(in.Bare)
	if lines := st.m.size - physical; lines <= int64(^uint32(0)) {
		st.m.lf = uint32(lines)
	} else {
		return mail.ErrTooLarge
	}
	if err := a.fits(maildirsize.Amount{Bytes: physical, Messages: 1}); err != nil {
		return err
	}
	var view io.ReaderAt = f
	switch {
	case out.codec != nil:
		packed, err := a.m.b.unpack(out.codec, f, st.m.size, st.m.size)
		if err != nil {
			return err
		}
		defer packed.Close()
		view = packed
	case st.m.lf > 0:
		if view, err = lineend.NewReader(f, physical); err != nil {
			return err
		}
	}
	if st.index, err = s.buildIndex(view, st.m.size); err != nil {
		return err
	}
	when := time.Unix(st.m.idate, 0)
	if err := sh.fs.Chtimes(name, when, when); err != nil {
		return err
	}
	if s.NoSync {
		return nil
	}
	return sh.sync(ctx, f)
}

// fits says whether the account has room for more, besides what waits already. Whether it still has is Commit's question.
func (a *appending) fits(more maildirsize.Amount) error {
	return a.m.a.tree.ledger.fits(a.sum.Plus(more))
}

// sync syncs a file when not too many others are being synced: more at once make it slower for all.
func (sh *shared) sync(ctx context.Context, f vfs.File) error {
	select {
	case sh.syncs <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-sh.syncs }()
	return f.Sync()
}

// copyBuffers are for copyMessage. A pool is no state that anybody could notice.
var copyBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// copyMessage writes r to f, and counts what comes in and how long the file becomes.
func copyMessage(ctx context.Context, f io.Writer, r io.Reader, asLF bool, most int64) (in lineend.Counter, physical int64, err error) {
	var out lineend.Counter
	w := io.MultiWriter(f, &out)
	toLF := &lineend.Writer{W: w}
	if asLF {
		w = toLF
	}
	buf := copyBuffers.Get().(*[64 << 10]byte)
	defer copyBuffers.Put(buf)
	for {
		if err := ctx.Err(); err != nil {
			return in, 0, err
		}
		n, rerr := r.Read(buf[:])
		if n > 0 {
			in.Write(buf[:n])
			if most > 0 && in.Size+int64(in.Bare) > most {
				return in, 0, mail.ErrTooLarge
			}
			if _, err := w.Write(buf[:n]); err != nil {
				return in, 0, err
			}
		}
		if rerr == io.EOF {
			if asLF {
				err = toLF.Close()
			}
			return in, out.Size, err
		}
		if rerr != nil {
			return in, 0, rerr
		}
	}
}

// Commit implements mail.Append.
func (a *appending) Commit(ctx context.Context) (mail.Appended, error) {
	if a.done {
		return mail.Appended{}, errAppendDone
	}
	var out mail.Appended
	err := a.m.b.do(ctx, func(t *txn) (err error) {
		out, err = a.commit(t)
		return err
	})
	a.Abort()
	if err != nil {
		return mail.Appended{}, err
	}
	return out, nil
}

// commit moves the files into the mailbox.
func (a *appending) commit(t *txn) (mail.Appended, error) {
	out := mail.Appended{UIDValidity: t.head.validity}
	var modseq uint64
	for i := range a.staged {
		st := &a.staged[i]
		key := tokenOf(st.token)
		if st.token != "" {
			if uid, ok := t.tokenUID(key); ok {
				out.UIDs = append(out.UIDs, mail.UID(uid))
				continue
			}
		}
		if modseq == 0 {
			modseq = t.bump()
		}
		uid, err := t.place(st, modseq)
		if err != nil {
			return out, err
		}
		if st.token != "" {
			t.recs = append(t.recs, record{kind: recToken, token: key, m: msg{uid: uid, sdate: t.b.s.now().Unix()}})
		}
		out.UIDs = append(out.UIDs, mail.UID(uid))
	}
	out.ModSeq = mail.ModSeq(t.head.high)
	return out, nil
}

// place moves one staged file to where it is seen, and gives it its UID.
func (t *txn) place(st *staged, modseq uint64) (uint32, error) {
	if err := t.lockUIDs(); err != nil {
		return 0, err
	}
	m := st.m
	var err error
	if m.kw, err = t.keywordBits(st.flags.Keywords, false); err != nil {
		return 0, err
	}
	m.sys, m.modseq, m.where = uint8(st.flags.System), modseq, inNew
	if m.sys != 0 || m.kw != 0 {
		m.where = inCur
	}
	base := withSizes(st.tmp, m.physical(), m.size)
	if err := t.charge(base, m.physical()); err != nil {
		return 0, err
	}
	to := t.b.dir + "/" + whereDir(m.where) + "/" + fileName(base, m.where, m.sys, m.kw, "")
	from := t.b.dir + "/tmp/" + st.tmp
	if err := vfs.RenameFile(t.b.sh.fs, from, to); err != nil {
		return 0, err
	}
	t.undo = append(t.undo, func() { t.b.sh.fs.Remove(to) })
	t.touch(m.where, true)
	st.moved = true
	if st.index != nil {
		m.cache, m.cacheLen = t.keepIndex(t.head.next, st.index)
	}
	return t.give(m, base, st.guid)
}

func tokenOf(s string) (key tokenKey) {
	sum := sha256.Sum256([]byte(s))
	copy(key[:], sum[:])
	return key
}

// tokenUID returns the UID that an append with this token got within the last day.
func (t *txn) tokenUID(key tokenKey) (uint32, bool) {
	for i := range t.recs {
		if t.recs[i].kind == recToken && t.recs[i].token == key {
			return t.recs[i].m.uid, true
		}
	}
	use, ok := t.st.tokens[key]
	return use.uid, ok && t.b.s.now().Unix()-use.at < tokenLife
}

// Abort implements mail.Append.
func (a *appending) Abort() error {
	if a.done {
		return nil
	}
	a.done = true
	var errs []error
	for _, st := range a.staged {
		if st.moved {
			continue
		}
		err := a.m.sh.fs.Remove(a.m.b.folder() + "/tmp/" + st.tmp)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
