package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail/maildir"
)

// Server is what is backed up.
type Server struct {
	Head  // but Format, Version, Begun
	Files []File
	Store *maildir.Store
	Users func(context.Context) ([]string, error)
	Log   string // maillog_file, which is left out
	Now   func() time.Time
}

// File is a file of the configuration. It was read before the program gave up root's rights: it may be a key that nobody else can read.
type File struct {
	Entry
	Content []byte
}

// Progress is how far a backup, or its verification, is.
type Progress struct {
	Account string
	Files   int
	Bytes   int64
}

// Result is what a backup holds.
type Result struct {
	Where    string // "" for a stream
	Accounts int
	Messages int
	Copied   int   // messages that were read
	Bytes    int64 // of what was read
	Linked   int   // messages that an earlier backup has already
	Queue    int   // messages
	Files    int   // of configuration and data
	Longest  time.Duration
	Missed   []string // what could not be read, and why
}

// taking is a backup at work.
type taking struct {
	Server
	to       target
	man      *manifestWriter
	res      Result
	roots    map[string]bool // of accounts, which aren't data
	owners   owners
	progress func(Progress)
}

// ToFolder makes a backup in a folder of backups. With full no file is shared with earlier ones.
func ToFolder(ctx context.Context, s *Server, dir string, full bool, progress func(Progress)) (Result, error) {
	f, err := newFolder(dir, s.Now(), full)
	if err != nil {
		return Result{}, err
	}
	res, err := take(ctx, s, f, progress)
	res.Where = strings.TrimSuffix(f.part, partSuffix)
	return res, err
}

// ToFile makes a backup in a tar file, which replaces one of that name when it is whole.
func ToFile(ctx context.Context, s *Server, name string, progress func(Progress)) (Result, error) {
	t, err := newTarFile(name)
	if err != nil {
		return Result{}, err
	}
	res, err := take(ctx, s, t, progress)
	res.Where = name
	return res, err
}

// ToStream writes a backup as a tar file to w. One without its end has no MANIFEST, and isn't taken for a backup.
func ToStream(ctx context.Context, s *Server, w io.Writer, progress func(Progress)) (Result, error) {
	t, err := newTarStream(w)
	if err != nil {
		return Result{}, err
	}
	return take(ctx, s, t, progress)
}

func take(ctx context.Context, s *Server, to target, progress func(Progress)) (Result, error) {
	t := &taking{Server: *s, to: to, man: newManifestWriter(to.manifest()), progress: progress, roots: map[string]bool{}}
	if t.progress == nil {
		t.progress = func(Progress) {}
	}
	err := t.run(ctx)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return t.res, errors.Join(err, to.abort())
	}
	return t.res, to.finish()
}

// run takes everything. The queue comes before the mailboxes: what goes from one to the other meanwhile is then in both, and not in neither.
func (t *taking) run(ctx context.Context) error {
	t.Format, t.Version, t.Begun = formatName, formatVersion, t.Now().UTC()
	users, err := t.Users(ctx)
	if err != nil {
		return fmt.Errorf("the users can't be listed: %w", err)
	}
	slices.Sort(users)
	if err := t.man.write(line{Head: &t.Head}); err != nil {
		return broken(err)
	}
	for _, step := range []func(context.Context) error{t.readme, t.configuration, t.queue} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	for _, user := range users {
		err := t.account(ctx, user)
		if err != nil && (isBroken(err) || ctx.Err() != nil) {
			return err
		}
		if err != nil {
			t.miss("account %s: %v", user, err)
		}
	}
	if err := t.data(ctx); err != nil {
		return err
	}
	return broken(t.man.end(End{Ended: t.Now().UTC(), Missed: t.res.Missed}))
}

func (t *taking) miss(format string, args ...any) {
	t.res.Missed = append(t.res.Missed, fmt.Sprintf(format, args...))
}

// note puts an entry into the manifest.
func (t *taking) note(e *Entry) error {
	e.Owner = t.owners.name(e.Owner)
	return broken(t.man.write(line{Entry: e}))
}

// keep puts a file with this content into the backup.
func (t *taking) keep(e Entry, content []byte) error {
	e.Size = int64(len(content))
	if err := t.to.put(&e, bytes.NewReader(content)); err != nil {
		return err
	}
	t.res.Bytes += e.Size
	return t.note(&e)
}

const readme = `This is a backup of a mail server: "fullserver restore" puts it back, wholly or in parts, and "fullserver backup -verify" checks it.
It holds everybody's mail, passwords and private keys: keep it as safe as the server itself.
mail/USER is the user's Maildir, which other programs read, too. MANIFEST has a checksum of each file.

Đây là bản sao lưu của một máy chủ thư: lệnh "fullserver restore" khôi phục toàn bộ hay từng phần, "fullserver backup -verify" kiểm tra.
Trong này có thư của mọi người, mật khẩu và khóa bí mật: hãy giữ kín như giữ chính máy chủ.
mail/NGƯỜI-DÙNG là Maildir của người đó, chương trình khác cũng đọc được. MANIFEST có mã kiểm của từng tệp.
`

func (t *taking) readme(context.Context) error {
	return t.keep(Entry{Path: readmeName, Time: t.Begun.UnixNano(), Mode: 0o600}, []byte(readme))
}

// configuration keeps what was read of it.
func (t *taking) configuration(context.Context) error {
	for _, f := range t.Files {
		if f.Path = filesPrefix + f.Path; !safePath(f.Path) {
			continue
		}
		if err := t.keep(f.Entry, f.Content); err != nil {
			return err
		}
		t.res.Files++
	}
	return nil
}
