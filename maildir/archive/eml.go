package archive

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// listName is the file in each folder of .eml files that keeps what they can't: for each a line with its name, its date, and its
// flags, with tabs between.
const listName = "messages.tsv"

// EML is a source of files whose names end with ".eml", each a message with any line ends. Folders are mailboxes; those at the top are in
// INBOX. Flags come from messages.tsv, as [EMLWriter] writes it; without it there are none, and the date is the file's.
type EML struct {
	fsys   fs.FS
	base   string
	prefix string
	files  []string
	dirs   []string
	i      int
	open   fs.File
	list   map[string]emlLine
	listOf string
}

type emlLine struct {
	date  time.Time
	flags mail.Flags
}

var _ Source = (*EML)(nil)

// OpenEML opens the folder name of fsys. Its mailboxes are below mailbox, if that is not "".
func OpenEML(fsys fs.FS, name, mailbox string) (*EML, error) {
	e := &EML{fsys: fsys, base: name, prefix: mailbox}
	err := fs.WalkDir(fsys, name, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			e.dirs = append(e.dirs, p)
		case d.Type().IsRegular() && strings.EqualFold(path.Ext(p), ".eml"):
			e.files = append(e.files, p)
		}
		return nil
	})
	return e, err
}

func (e *EML) mailbox(dir string) string {
	rel := strings.TrimPrefix(strings.TrimPrefix(dir, e.base), "/")
	switch {
	case rel == "" || rel == ".":
		if e.prefix != "" {
			return e.prefix
		}
		return "INBOX"
	case e.prefix != "":
		return e.prefix + "/" + rel
	case strings.EqualFold(rel, "INBOX"):
		return "INBOX"
	}
	return rel
}

// Mailboxes implements Source.
func (e *EML) Mailboxes(context.Context) ([]string, error) {
	var out []string
	for _, d := range e.dirs {
		out = append(out, e.mailbox(d))
	}
	return out, nil
}

// Seek implements Source.
func (e *EML) Seek(_ context.Context, pos string) error {
	e.Close()
	for e.i = 0; pos != ""; e.i++ {
		if e.i == len(e.files) {
			return fmt.Errorf("%w: there is no file %q", ErrToken, pos)
		}
		if e.files[e.i] == pos {
			e.i++
			break
		}
	}
	return nil
}

// Pos implements Source.
func (e *EML) Pos() string {
	if e.i == 0 {
		return ""
	}
	return e.files[e.i-1]
}

// Next implements Source.
func (e *EML) Next(ctx context.Context) (*Message, error) {
	e.Close()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if e.i == len(e.files) {
		return nil, io.EOF
	}
	name := e.files[e.i]
	e.i++
	dir := path.Dir(name)
	if e.list == nil || e.listOf != dir {
		if err := e.readList(dir); err != nil {
			return nil, err
		}
	}
	f, date, err := openFile(e.fsys, name)
	if err != nil {
		return nil, &MessageError{name, err}
	}
	e.open = f
	m := &Message{Mailbox: e.mailbox(dir), Date: date, Body: &crlfReader{r: f, id: name}, ID: name}
	if l, ok := e.list[path.Base(name)]; ok {
		m.Date, m.Flags = l.date, l.flags
	}
	return m, nil
}

func openFile(fsys fs.FS, name string) (fs.File, time.Time, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, time.Time{}, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, time.Time{}, err
	}
	return f, info.ModTime(), nil
}

// readList reads a folder's messages.tsv. Lines that can't be read count as none.
func (e *EML) readList(dir string) error {
	e.list, e.listOf = map[string]emlLine{}, dir
	f, err := e.fsys.Open(path.Join(dir, listName))
	if err != nil {
		return nil // none
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		w := strings.Split(lines.Text(), "\t")
		if len(w) != 3 {
			continue
		}
		if date, err := time.Parse(time.RFC3339, w[1]); err == nil {
			e.list[w[0]] = emlLine{date, mail.NewFlags(strings.Fields(w[2])...)}
		}
	}
	return lines.Err()
}

// Close implements Source.
func (e *EML) Close() error {
	if e.open != nil {
		e.open.Close()
		e.open = nil
	}
	return nil
}

// crlfReader gives line ends of any kind as CRLF; its errors are those of one message.
type crlfReader struct {
	r   io.Reader
	id  string
	buf []byte // of r
	out []byte
	cr  bool
	err error
}

func (c *crlfReader) Read(p []byte) (int, error) {
	for len(c.out) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		if c.buf == nil {
			c.buf = make([]byte, 32<<10)
		}
		n, err := c.r.Read(c.buf)
		s := scanner{buf: c.out[:0], cr: c.cr}
		s.emit(c.buf[:n])
		c.out, c.cr = s.buf, s.cr
		if c.err = err; err != nil && err != io.EOF {
			c.err = &MessageError{c.id, err}
		}
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}
