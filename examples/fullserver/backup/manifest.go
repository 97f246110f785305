package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"path"
	"strconv"
	"strings"
	"time"
)

const (
	manifestName   = "MANIFEST"
	formatName     = "fullserver backup"
	formatVersion  = 1
	maxLine        = 1 << 20
	mailPrefix     = "mail/"
	filesPrefix    = "files"
	queuePrefix    = "queue/"
	partSuffix     = ".part"
	timeFormat     = "2006-01-02T150405Z"
	readmeName     = "README"
	checksumDigits = 8
)

// Head is a manifest's first line.
type Head struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Program string    `json:"program"`
	Host    string    `json:"host"` // myhostname
	Begun   time.Time `json:"begun"`
	Config  string    `json:"config"` // main.cf
	Data    string    `json:"data"`   // data_directory
	Queue   string    `json:"queue"`  // queue_directory
}

// Account is the line before an account's files.
type Account struct {
	User      string    `json:"user"`
	Root      string    `json:"root"` // its folder
	At        time.Time `json:"time"` // the moment whose state it is
	Mailboxes []Mailbox `json:"mailboxes"`
}

// Mailbox is a mailbox of an account.
type Mailbox struct {
	Name        string `json:"name"`
	Folder      string `json:"folder"` // within Root
	ID          string `json:"id"`
	UIDValidity uint32 `json:"uidvalidity"`
	UIDNext     uint32 `json:"uidnext"`
	ModSeq      uint64 `json:"modseq"`
	Messages    int    `json:"messages"`
}

// Entry is a file or folder of a backup.
type Entry struct {
	Path  string `json:"path"`            // "mail/an@example.org/cur/…"
	At    string `json:"at,omitempty"`    // where its content lies, if not there
	Dir   bool   `json:"dir,omitempty"`   // a folder, of which the rest says nothing but Mode and Owner
	Size  int64  `json:"size,omitempty"`  // octets
	Time  int64  `json:"time,omitempty"`  // when it was modified, nanoseconds since 1970
	Mode  uint32 `json:"mode"`            // permissions
	Owner string `json:"owner,omitempty"` // "user:group"
	Sum   string `json:"sha256,omitempty"`
	UID   uint32 `json:"uid,omitempty"`  // of a message
	GUID  string `json:"guid,omitempty"` // of a message
}

// stored is where the content lies.
func (e *Entry) stored() string {
	if e.At != "" {
		return e.At
	}
	return e.Path
}

// End is the last line.
type End struct {
	Ended  time.Time `json:"ended"`
	Lines  int       `json:"lines"` // before this
	Missed []string  `json:"missed,omitempty"`
	Whole  string    `json:"whole"` // SHA-256 of the lines before
}

// line is one line: one of them is set.
type line struct {
	Head    *Head    `json:"head,omitempty"`
	Account *Account `json:"account,omitempty"`
	Entry   *Entry   `json:"entry,omitempty"`
	End     *End     `json:"end,omitempty"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// manifestWriter writes a manifest: each line has its own checksum before it, so that damage of one leaves the others.
type manifestWriter struct {
	w     *bufio.Writer
	sum   hash.Hash
	lines int
}

func newManifestWriter(w io.Writer) *manifestWriter {
	sum := sha256.New()
	return &manifestWriter{w: bufio.NewWriterSize(io.MultiWriter(w, sum), 64<<10), sum: sum}
}

func (m *manifestWriter) write(l line) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	m.lines++
	_, err = fmt.Fprintf(m.w, "%08x %s\n", crc32.Checksum(b, castagnoli), b)
	return err
}

// end writes the last line.
func (m *manifestWriter) end(e End) error {
	if err := m.w.Flush(); err != nil {
		return err
	}
	e.Lines, e.Whole = m.lines, hex.EncodeToString(m.sum.Sum(nil))
	if err := m.write(line{End: &e}); err != nil {
		return err
	}
	return m.w.Flush()
}

// Part is an account of a manifest with its files.
type Part struct {
	Account
	Entries []Entry
}

// Manifest is what a backup says that it holds.
type Manifest struct {
	Head
	Files    []Entry // configuration, data, queue
	Accounts []*Part
	End      *End
	Faults   []string // what of the manifest itself is damaged
}

// Errors of a manifest that nothing can be done with.
var (
	errNoBackup = errors.New("this is no backup: it has no MANIFEST; one that ends with .part was interrupted")
	errNewer    = errors.New("a later version has made this backup")
)

// readManifest reads a manifest. What is damaged in it is left out and told in Faults.
func readManifest(r io.Reader) (*Manifest, error) {
	m := &Manifest{}
	var part *Part
	whole, n := sha256.New(), 0
	err := eachLine(r, func(raw []byte, l *line) error {
		if l == nil || l.End == nil {
			whole.Write(raw)
		}
		n++
		switch {
		case l == nil:
			m.fault("line %d is damaged", n)
		case l.Head != nil:
			if m.Head = *l.Head; m.Format != formatName {
				return errNoBackup
			}
			if m.Version > formatVersion {
				return fmt.Errorf("%w: format %d, and this program knows %d", errNewer, m.Version, formatVersion)
			}
		case l.Account != nil:
			part = &Part{Account: *l.Account}
			m.Accounts = append(m.Accounts, part)
		case l.Entry != nil && !safePath(l.Entry.Path) || l.Entry != nil && !safePath(l.Entry.stored()):
			m.fault("line %d names a path that can't be one of a backup", n)
		case l.Entry != nil && strings.HasPrefix(l.Entry.Path, mailPrefix):
			if part == nil || !strings.HasPrefix(l.Entry.Path, mailFolder(part.User)) {
				m.fault("%s belongs to no account: the line before it is damaged", l.Entry.Path)
				return nil
			}
			part.Entries = append(part.Entries, *l.Entry)
		case l.Entry != nil:
			m.Files = append(m.Files, *l.Entry)
		case l.End != nil:
			m.End = l.End
			if l.End.Lines != n-1 || l.End.Whole != hex.EncodeToString(whole.Sum(nil)) {
				m.fault("its checksum is wrong")
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case m.Format == "" && len(m.Accounts)+len(m.Files) == 0:
		return nil, errNoBackup
	case m.Format == "":
		m.fault("its first line is damaged")
	case m.End == nil:
		m.fault("its end is missing")
	}
	return m, nil
}

func (m *Manifest) fault(format string, args ...any) {
	m.Faults = append(m.Faults, manifestName+": "+fmt.Sprintf(format, args...))
}

// eachLine calls f with each line of a manifest; l is nil for one that is damaged.
func eachLine(r io.Reader, f func(raw []byte, l *line) error) error {
	br := bufio.NewReaderSize(r, 64<<10)
	for {
		raw, err := readLine(br)
		if len(raw) > 0 {
			if ferr := f(raw, parseLine(raw)); ferr != nil {
				return ferr
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// readLine reads a line; of one that is too long to be one of ours the beginning is enough to be damaged.
func readLine(br *bufio.Reader) (out []byte, err error) {
	for {
		b, err := br.ReadSlice('\n')
		if len(out)+len(b) <= maxLine {
			out = append(out, b...)
		}
		if err != bufio.ErrBufferFull {
			return out, err
		}
	}
}

func parseLine(raw []byte) *line {
	sum, b, ok := bytes.Cut(bytes.TrimSuffix(raw, []byte("\n")), []byte(" "))
	if !ok || len(sum) != checksumDigits || raw[len(raw)-1] != '\n' {
		return nil
	}
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if err != nil || uint32(want) != crc32.Checksum(b, castagnoli) {
		return nil
	}
	l := &line{}
	if json.Unmarshal(b, l) != nil {
		return nil
	}
	return l
}

// safePath reports whether a path stays within a backup's folder.
func safePath(p string) bool {
	return p != "" && p[0] != '/' && path.Clean(p) == strings.TrimSuffix(p, "/") && p != ".." && !strings.HasPrefix(p, "../") && !strings.ContainsRune(p, 0)
}

// mailFolder is the folder of an account within a backup, with a slash behind.
func mailFolder(user string) string { return mailPrefix + escapeName(user) + "/" }

// escapeName makes a user's name one of a folder.
func escapeName(s string) string {
	s = strings.NewReplacer("%", "%25", "/", "%2F", "\x00", "%00").Replace(s)
	if s != "" && s[0] == '.' {
		s = "%2E" + s[1:]
	}
	return s
}
