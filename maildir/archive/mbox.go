package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// MboxFormat says how an mbox file tells lines that begin with "From " from the beginnings of messages.
type MboxFormat uint8

// The formats.
const (
	MboxAuto MboxFormat = iota // by Content-Length where it leads to a message's beginning or the end, else as MboxRD
	MboxRD                     // ">" before every line of any number of ">" and "From "
	MboxO                      // ">" before "From " only: what had ">From " before has lost it
	MboxCL2                    // nothing: Content-Length says where the message ends; a wrong one is not believed
)

// Mbox is a source of mbox files: one, or those of a folder. Messages end where a blank line and a "From " line with a date follow; flags
// are read from Status, X-Status and X-Keywords fields, which are taken away.
type Mbox struct {
	fsys   fs.FS
	format MboxFormat
	files  []mboxFile
	i      int
	file   fs.File
	s      *scanner
	pos    mboxPos
}

type mboxFile struct{ path, mailbox string }

type mboxPos struct {
	File string `json:"f"`
	At   int64  `json:"o"`
}

var _ Source = (*Mbox)(nil)

// OpenMbox opens the mbox files at name in fsys: a file, whose messages belong to mailbox ("INBOX" when that is ""), or a folder, in
// which each file that begins like an mbox is a mailbox of its name and folders, without ".mbox" and ".sbd", below mailbox if that is not "".
// Files must be io.ReaderAt, as those of os.DirFS and os.Root are.
func OpenMbox(fsys fs.FS, name, mailbox string, format MboxFormat) (*Mbox, error) {
	m := &Mbox{fsys: fsys, format: format}
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		if mailbox == "" {
			mailbox = "INBOX"
		}
		ok, err := m.isMbox(name)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fmt.Errorf("%w: %s does not begin with a \"From \" line", ErrFormat, name)
		}
		m.files = []mboxFile{{name, mailbox}}
		return m, nil
	}
	err = fs.WalkDir(fsys, name, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(p, name), "/")
		if strings.HasPrefix(path.Base(p), ".") {
			return nil
		}
		if ok, err := m.isMbox(p); err != nil || !ok {
			return err
		}
		levels := strings.Split(rel, "/")
		for i, l := range levels {
			l = strings.TrimSuffix(strings.TrimSuffix(l, ".sbd"), ".mbox")
			levels[i] = l
		}
		if strings.EqualFold(levels[0], "inbox") {
			levels[0] = "INBOX"
		}
		full := strings.Join(levels, "/")
		if mailbox != "" {
			full = mailbox + "/" + full
		}
		m.files = append(m.files, mboxFile{p, full})
		return nil
	})
	return m, err
}

// isMbox reports whether a file begins like an mbox, or is empty and called one.
func (m *Mbox) isMbox(name string) (bool, error) {
	f, err := m.fsys.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	b := make([]byte, 1024)
	n, err := io.ReadFull(f, b)
	if err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	b = bytes.TrimLeft(b[:n], "\r\n")
	if len(b) == 0 {
		return strings.HasSuffix(name, ".mbox"), nil
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	_, ok := parseFrom(bytes.TrimSuffix(line, []byte("\r")))
	return ok, nil
}

// Mailboxes implements Source.
func (m *Mbox) Mailboxes(context.Context) ([]string, error) {
	var out []string
	for _, f := range m.files {
		out = append(out, f.mailbox)
	}
	return out, nil
}

// Seek implements Source.
func (m *Mbox) Seek(_ context.Context, pos string) error {
	var p mboxPos
	if json.Unmarshal([]byte(pos), &p) != nil {
		return ErrToken
	}
	m.shut()
	m.i, m.pos = 0, p
	if p.File == "" {
		return nil
	}
	for m.i < len(m.files) && m.files[m.i].path != p.File {
		m.i++
	}
	if m.i == len(m.files) {
		return fmt.Errorf("%w: there is no file %q", ErrToken, p.File)
	}
	return m.open(p.At)
}

func (m *Mbox) open(at int64) error {
	name := m.files[m.i].path
	f, err := m.fsys.Open(name)
	if err != nil {
		return err
	}
	r, ok := f.(io.ReaderAt)
	info, err := f.Stat()
	switch {
	case err != nil:
	case !ok:
		err = fmt.Errorf("archive: %s can't be read from any place", name)
	case at < 0 || at > info.Size():
		err = fmt.Errorf("%w: %s is shorter now", ErrToken, name)
	}
	if err != nil {
		f.Close()
		return err
	}
	m.file, m.s = f, newScanner(r, info.Size(), at, m.format)
	m.pos = mboxPos{name, at}
	return nil
}

func (m *Mbox) shut() {
	if m.file != nil {
		m.file.Close()
	}
	m.file, m.s = nil, nil
}

// Next implements Source.
func (m *Mbox) Next(ctx context.Context) (*Message, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if m.s == nil {
			if m.i == len(m.files) {
				return nil, io.EOF
			}
			if err := m.open(0); err != nil {
				return nil, err
			}
		}
		flags, date, err := m.s.next()
		if err == io.EOF {
			m.pos.At = m.s.off
			m.shut()
			m.i++
			continue
		}
		f := m.files[m.i]
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.path, err)
		}
		return &Message{Mailbox: f.mailbox, Flags: flags, Date: date, Body: m.s, ID: fmt.Sprintf("%s at %d", f.path, m.s.start)}, nil
	}
}

// Pos implements Source. It reads to the end of the message that was returned last.
func (m *Mbox) Pos() string {
	if m.s != nil {
		io.Copy(io.Discard, m.s) // an error comes again with Next
		m.pos.At = m.s.off
	}
	b, _ := json.Marshal(m.pos) // of strings and numbers
	return string(b)
}

// Close implements Source.
func (m *Mbox) Close() error {
	m.shut()
	return nil
}
