package archive

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// EMLWriter is a target that writes each message as a file "00000001.eml", as it came, in a folder for each mailbox, whose messages.tsv
// keeps dates and flags. A file's time is the message's date.
type EMLWriter struct {
	root  *os.Root
	dirs  map[string]*emlDir
	ready bool
}

type emlDir struct {
	Count int   `json:"n"` // messages
	Size  int64 `json:"s"` // octets of messages.tsv
	lines []byte
	made  bool
}

var _ Target = (*EMLWriter)(nil)

// CreateEML writes into the folder dir, which must be there. Files that are there already are an error, but for those of a copy that goes on.
func CreateEML(dir string) (*EMLWriter, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &EMLWriter{root: root, dirs: map[string]*emlDir{}}, nil
}

// Resume implements Target.
func (w *EMLWriter) Resume(_ context.Context, mark string) error {
	if json.Unmarshal([]byte(mark), &w.dirs) != nil {
		return ErrToken
	}
	w.ready = true
	for name, d := range w.dirs {
		if d == nil || checkName(name) != nil || d.Count < 0 || d.Size < 0 {
			return ErrToken
		}
		if d.Size == 0 {
			continue
		}
		f, err := w.root.OpenFile(name+"/"+listName, os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrToken, err)
		}
		if err := errors.Join(f.Truncate(d.Size), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Mailbox implements Target.
func (w *EMLWriter) Mailbox(_ context.Context, name string) error {
	_, err := w.dir(name)
	return err
}

func (w *EMLWriter) dir(name string) (*emlDir, error) {
	d := w.dirs[name]
	if d == nil {
		d = &emlDir{}
	}
	if d.made {
		return d, nil
	}
	if err := checkName(name); err != nil {
		return nil, &MessageError{name, err}
	}
	if err := w.root.MkdirAll(name, 0o700); err != nil {
		return nil, err
	}
	if !w.ready {
		if _, err := w.root.Lstat(name + "/" + listName); err == nil {
			return nil, fmt.Errorf("archive: %s has messages already", name)
		}
	}
	d.made, w.dirs[name] = true, d
	return d, nil
}

// Put implements Target. A file that is there after a crash, of a message behind the mark, is written anew.
func (w *EMLWriter) Put(ctx context.Context, m *Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d, err := w.dir(m.Mailbox)
	if err != nil {
		return err
	}
	file := fmt.Sprintf("%08d.eml", d.Count+1)
	flag := os.O_CREATE | os.O_WRONLY | os.O_EXCL
	if w.ready {
		flag = os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	}
	name := m.Mailbox + "/" + file
	f, err := w.root.OpenFile(name, flag, 0o600)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 64<<10)
	_, err = io.Copy(out, m.Body)
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	date := m.Date
	if date.IsZero() {
		date = time.Now()
	}
	if err == nil {
		err = w.root.Chtimes(name, date, date)
	}
	if err != nil {
		w.root.Remove(name)
		return err
	}
	d.Count++
	d.lines = fmt.Appendf(d.lines, "%s\t%s\t%s\n", file, date.UTC().Format(time.RFC3339), strings.Join(m.Flags.Names(), " "))
	return nil
}

// Flush implements Target.
func (w *EMLWriter) Flush(context.Context) (string, error) {
	for name, d := range w.dirs {
		if len(d.lines) == 0 {
			continue
		}
		f, err := w.root.OpenFile(name+"/"+listName, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return "", err
		}
		_, err = f.WriteAt(d.lines, d.Size)
		if err == nil {
			err = f.Sync()
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return "", err
		}
		if err := syncDir(w.root, name); err != nil {
			return "", err
		}
		d.Size += int64(len(d.lines))
		d.lines = nil
	}
	if err := syncDir(w.root, "."); err != nil {
		return "", err
	}
	b, err := json.Marshal(w.dirs)
	return string(b), err
}

// Close implements Target.
func (w *EMLWriter) Close() error { return w.root.Close() }
