package archive

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/compress"
	"github.com/buuta/mail/maildir/internal/mutf7"
)

// Maildir is a source of a tree of Maildirs that nobody else changes meanwhile: Maildir++ (".Lists.Go" beside cur and new) or folders in
// folders, in any mix. Names are read as Dovecot and Courier write them, in modified UTF-7 or UTF-8. Flags are those of the files' names,
// keywords those of dovecot-keywords, and dates the files' times. Compressed messages are read as what they were before.
type Maildir struct {
	Codecs  []compress.Codec // what compressed messages are read by, besides gzip and bzip2
	Decoded int64            // octets that a compressed message may give. 0: 1 GiB

	fsys  fs.FS
	boxes []maildirBox
	i     int
	files []string // of the mailbox at hand, "cur/…" and "new/…", by name
	j     int
	words []string
	at    string
	open  []io.Closer // of the message at hand

	codecs []compress.Codec
}

type maildirBox struct{ dir, mailbox string }

var _ Source = (*Maildir)(nil)

// OpenMaildir opens the tree at name in fsys. The mailbox of the folder itself is INBOX, or mailbox if that is not "", and then the others are
// below it.
func OpenMaildir(fsys fs.FS, name, mailbox string) (*Maildir, error) {
	m := &Maildir{fsys: fsys}
	if err := m.find(name, nil); err != nil {
		return nil, err
	}
	if len(m.boxes) == 0 {
		return nil, fmt.Errorf("%w: there is no cur or new in %s", ErrFormat, name)
	}
	for i := range m.boxes {
		b := &m.boxes[i]
		switch {
		case mailbox == "" && b.mailbox == "":
			b.mailbox = "INBOX"
		case mailbox != "" && b.mailbox == "":
			b.mailbox = mailbox
		case mailbox != "":
			b.mailbox = mailbox + "/" + b.mailbox
		}
	}
	slices.SortStableFunc(m.boxes, func(a, b maildirBox) int { return strings.Compare(a.mailbox, b.mailbox) })
	return m, nil
}

func (m *Maildir) find(dir string, above []string) error {
	if len(above) > 32 {
		return nil
	}
	entries, err := fs.ReadDir(m.fsys, dir)
	if err != nil {
		return err
	}
	is := false
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		switch name := e.Name(); {
		case name == "cur" || name == "new":
			is = true
		case name == "tmp":
		case name[0] == '.':
			levels := slices.Clone(above)
			for l := range strings.SplitSeq(name[1:], ".") {
				levels = append(levels, decodeLevel(l))
			}
			if err := m.find(path.Join(dir, name), levels); err != nil {
				return err
			}
		default:
			if err := m.find(path.Join(dir, name), append(slices.Clone(above), decodeLevel(name))); err != nil {
				return err
			}
		}
	}
	if is && !slices.Contains(above, "") {
		m.boxes = append(m.boxes, maildirBox{dir, strings.Join(above, "/")})
	}
	return nil
}

func decodeLevel(l string) string {
	if dec, ok := mutf7.Decode(l); ok {
		l = dec
	}
	return strings.NewReplacer(`\2e`, `.`, `\5c`, `\`).Replace(l)
}

// Mailboxes implements Source.
func (m *Maildir) Mailboxes(context.Context) ([]string, error) {
	var out []string
	for _, b := range m.boxes {
		out = append(out, b.mailbox)
	}
	return out, nil
}

// Seek implements Source. A message whose flags have changed, and with them its file's name, is found again.
func (m *Maildir) Seek(_ context.Context, pos string) error {
	m.Close()
	m.i, m.j, m.files, m.at = 0, 0, nil, pos
	if pos == "" {
		return nil
	}
	dir, file := path.Split(pos)
	dir = path.Clean(dir)
	for m.i < len(m.boxes) && m.boxes[m.i].dir != dir {
		m.i++
	}
	if m.i == len(m.boxes) {
		return fmt.Errorf("%w: there is no folder %q", ErrToken, dir)
	}
	if err := m.read(); err != nil {
		return err
	}
	for m.j < len(m.files) && orderOf(m.files[m.j]) <= file {
		m.j++
	}
	return nil
}

// orderOf is by what messages of a mailbox are sorted: their names without flags.
func orderOf(file string) string {
	base, _, _ := strings.Cut(path.Base(file), ":")
	return base
}

func (m *Maildir) read() error {
	dir := m.boxes[m.i].dir
	m.files, m.j, m.words = []string{}, 0, nil
	for _, sub := range []string{"cur", "new"} {
		entries, err := fs.ReadDir(m.fsys, path.Join(dir, sub))
		if err != nil {
			continue // one of both may be missing
		}
		for _, e := range entries {
			if e.Type().IsRegular() && e.Name()[0] != '.' {
				m.files = append(m.files, sub+"/"+e.Name())
			}
		}
	}
	slices.SortFunc(m.files, func(a, b string) int { return strings.Compare(orderOf(a), orderOf(b)) })
	f, err := m.fsys.Open(path.Join(dir, "dovecot-keywords"))
	if err != nil {
		return nil // none
	}
	defer f.Close()
	m.words = make([]string, 26)
	lines := bufio.NewScanner(io.LimitReader(f, 64<<10))
	for lines.Scan() {
		n, word, ok := strings.Cut(lines.Text(), " ")
		if i, err := strconv.Atoi(n); ok && err == nil && i >= 0 && i < 26 && mail.ValidKeyword(word) {
			m.words[i] = word
		}
	}
	return lines.Err()
}

// Next implements Source.
func (m *Maildir) Next(ctx context.Context) (*Message, error) {
	m.Close()
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if m.i == len(m.boxes) {
			return nil, io.EOF
		}
		if m.files == nil {
			if err := m.read(); err != nil {
				return nil, err
			}
		}
		if m.j < len(m.files) {
			break
		}
		m.i, m.files = m.i+1, nil
	}
	b := m.boxes[m.i]
	file := m.files[m.j]
	m.j++
	m.at = path.Join(b.dir, orderOf(file))
	name := path.Join(b.dir, file)
	r, date, err := m.openMessage(name)
	if err != nil {
		return nil, &MessageError{name, err}
	}
	return &Message{Mailbox: b.mailbox, Flags: m.flags(file), Date: date, Body: &crlfReader{r: r, id: name}, ID: m.at}, nil
}

func (m *Maildir) flags(file string) (f mail.Flags) {
	_, info, _ := strings.Cut(file, ":2,")
	var words []string
	for _, c := range info {
		switch {
		case c == 'D':
			f.System |= mail.Draft
		case c == 'F':
			f.System |= mail.Flagged
		case c == 'R':
			f.System |= mail.Answered
		case c == 'S':
			f.System |= mail.Seen
		case c == 'T':
			f.System |= mail.Deleted
		case c == 'P':
			words = append(words, "$Forwarded")
		case c >= 'a' && c <= 'z' && m.words != nil && m.words[c-'a'] != "":
			words = append(words, m.words[c-'a'])
		}
	}
	f.Keywords = mail.NewFlags(words...).Keywords
	return f
}

// Pos implements Source.
func (m *Maildir) Pos() string { return m.at }

// Close implements Source.
func (m *Maildir) Close() error {
	for i := len(m.open) - 1; i >= 0; i-- {
		m.open[i].Close()
	}
	m.open = m.open[:0]
	return nil
}
