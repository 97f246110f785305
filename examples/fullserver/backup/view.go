package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/archive"
	"github.com/buuta/mail/maildir/compress"
	"github.com/buuta/mail/maildir/compress/zstd"
	"github.com/buuta/mail/mime"
)

// mostInMemory is up to how many octets a message is read whole before any of it is given out; of a larger one the checksum is made first.
const mostInMemory = 8 << 20

// view is the Maildir of an account within a backup, as a file system that gives out nothing that is damaged.
type view struct {
	b     *Backup
	files map[string]*Entry
	dirs  map[string][]fs.DirEntry
}

// newView shows those messages of an account for which pick is true, and the other files.
func newView(b *Backup, p *Part, pick func(*Entry) bool) *view {
	v := &view{b: b, files: map[string]*Entry{}, dirs: map[string][]fs.DirEntry{}}
	prefix := mailFolder(p.User)
	for i := range p.Entries {
		e := &p.Entries[i]
		name := path.Clean(strings.TrimPrefix(e.Path, prefix))
		if e.Dir {
			v.dir(name)
		} else if e.GUID == "" || pick(e) {
			v.files[name] = e
			dir := v.dir(path.Dir(name))
			v.dirs[dir] = append(v.dirs[dir], node{path.Base(name), e})
		}
	}
	return v
}

// dir makes a folder and those above it.
func (v *view) dir(name string) string {
	if name == "/" || name == "" {
		name = "."
	}
	if _, ok := v.dirs[name]; !ok {
		v.dirs[name] = nil
		if name != "." {
			up := v.dir(path.Dir(name))
			v.dirs[up] = append(v.dirs[up], node{path.Base(name), nil})
		}
	}
	return name
}

// node is a file, or without an entry a folder.
type node struct {
	name string
	e    *Entry
}

func (n node) Name() string               { return n.name }
func (n node) IsDir() bool                { return n.e == nil }
func (n node) Info() (fs.FileInfo, error) { return n, nil }
func (n node) Type() fs.FileMode          { return n.Mode().Type() }
func (n node) Sys() any                   { return nil }
func (n node) Mode() fs.FileMode {
	if n.e == nil {
		return fs.ModeDir | 0o700
	}
	return 0o600
}
func (n node) Size() int64 {
	if n.e == nil {
		return 0
	}
	return n.e.Size
}
func (n node) ModTime() time.Time {
	if n.e == nil {
		return time.Time{}
	}
	return n.e.modified()
}

// ReadDir implements fs.ReadDirFS.
func (v *view) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, ok := v.dirs[name]
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	return entries, nil
}

// Open implements fs.FS.
func (v *view) Open(name string) (fs.File, error) {
	e := v.files[name]
	if e == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	buf := make([]byte, 64<<10)
	if e.Size <= mostInMemory {
		b := bytes.NewBuffer(make([]byte, 0, e.Size))
		if err := v.b.copyTo(e, b, buf); err != nil {
			return nil, err
		}
		return &viewFile{node{path.Base(name), e}, io.NopCloser(b)}, nil
	}
	if err := v.b.copyTo(e, io.Discard, buf); err != nil {
		return nil, err
	}
	r, _, err := v.b.from.open(e.stored())
	if err != nil {
		return nil, err
	}
	return &viewFile{node{path.Base(name), e}, r}, nil
}

type viewFile struct {
	node
	io.ReadCloser
}

// Stat implements fs.File.
func (f *viewFile) Stat() (fs.FileInfo, error) { return f.node, nil }

// reading is a source of an account's messages that knows what the backup knows of them.
type reading struct {
	*archive.Maildir
	byID    map[string]*Entry // by folder and name without flags
	match   func(*mime.Header) bool
	entry   *Entry // of the message at hand
	header  *mime.Header
	foundIn map[string]bool

	// The manifest's names count: layouts and spellings are many.
	names     []string
	mailboxOf func(*Entry) string
}

// read opens an account of a backup. Messages for which match is not true are passed over; nil takes all, and reads no headers.
func (b *Backup) read(p *Part, pick func(*Entry) bool, match func(*mime.Header) bool) (*reading, error) {
	v := newView(b, p, pick)
	src, err := archive.OpenMaildir(v, ".", "")
	if err != nil {
		return nil, err
	}
	src.Codecs = []compress.Codec{zstd.Codec(0)}
	r := &reading{Maildir: src, byID: map[string]*Entry{}, match: match, foundIn: map[string]bool{}, mailboxOf: p.mailboxOf()}
	for _, m := range p.Mailboxes {
		r.names = append(r.names, m.Name)
	}
	for name, e := range v.files {
		if e.GUID != "" {
			base, _, _ := strings.Cut(path.Base(name), ":")
			r.byID[path.Join(path.Dir(path.Dir(name)), base)] = e
		}
	}
	return r, nil
}

const mostHeader = 256 << 10

// Next implements archive.Source.
func (r *reading) Next(ctx context.Context) (*archive.Message, error) {
	for {
		m, err := r.Maildir.Next(ctx)
		if err != nil {
			return nil, err
		}
		if r.entry = r.byID[m.ID]; r.entry == nil {
			continue
		}
		m.GUID = mail.GUID(r.entry.GUID)
		if name := r.mailboxOf(r.entry); name != "" {
			m.Mailbox = name
		}
		if r.match == nil {
			return m, nil
		}
		head, err := readHeader(m.Body)
		if err != nil {
			return nil, &archive.MessageError{ID: m.ID, Err: err}
		}
		r.header = mime.ParseHeader(head, nil)
		if r.match(r.header) {
			m.Body = io.MultiReader(bytes.NewReader(head), m.Body)
			r.foundIn[m.Mailbox] = true
			return m, nil
		}
	}
}

// Mailboxes implements archive.Source. Where messages are chosen, mailboxes that have none of these needn't be made.
func (r *reading) Mailboxes(ctx context.Context) ([]string, error) {
	all, err := r.names, error(nil)
	if len(all) == 0 { // that line of the manifest is damaged
		all, err = r.Maildir.Mailboxes(ctx)
	}
	if r.match == nil {
		return all, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return !r.foundIn[name] }), err
}

// readHeader reads what of a message has its header.
func readHeader(r io.Reader) (head []byte, err error) {
	buf := make([]byte, 8<<10)
	for len(head) < mostHeader && !bytes.Contains(head, []byte("\r\n\r\n")) {
		n, err := r.Read(buf)
		head = append(head, buf[:n]...)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return head, nil
}
