package archive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// MboxWriter is a target that writes mboxrd files, one a mailbox: "Lists/Go" is Lists/Go.mbox in its folder. Lines end with LF; flags
// become Status, X-Status and X-Keywords fields, and a message that has no line end at its end gets one.
type MboxWriter struct {
	root  *os.Root
	files map[string]*mboxOut
	marks map[string]int64 // lengths of the files that were flushed, by mailbox

	resumed bool
}

type mboxOut struct {
	f     *os.File
	w     *bufio.Writer
	n     int64
	dirty bool
}

var _ Target = (*MboxWriter)(nil)

// maxOpen is how many mbox files are open at once.
const maxOpen = 64

// CreateMbox writes mbox files into the folder dir, which must be there. Files that are there already are an error, but for those of a copy
// that goes on.
func CreateMbox(dir string) (*MboxWriter, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &MboxWriter{root: root, files: map[string]*mboxOut{}, marks: map[string]int64{}}, nil
}

// Resume implements Target: files are cut to what they were. Files that came after are written anew.
func (w *MboxWriter) Resume(_ context.Context, mark string) error {
	var marks map[string]int64
	if json.Unmarshal([]byte(mark), &marks) != nil {
		return ErrToken
	}
	w.resumed = true
	for name, n := range marks {
		if err := checkName(name); err != nil {
			return ErrToken
		}
		f, err := w.root.OpenFile(name+".mbox", os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrToken, err)
		}
		info, err := f.Stat()
		if err == nil && info.Size() < n {
			err = fmt.Errorf("%w: %s.mbox is shorter now", ErrToken, name)
		}
		if err == nil {
			err = f.Truncate(n)
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		w.marks[name] = n
	}
	return nil
}

// Mailbox implements Target.
func (w *MboxWriter) Mailbox(_ context.Context, name string) error {
	_, err := w.open(name)
	return err
}

func (w *MboxWriter) open(name string) (*mboxOut, error) {
	if out := w.files[name]; out != nil {
		return out, nil
	}
	if err := checkName(name); err != nil {
		return nil, &MessageError{name, err}
	}
	if len(w.files) >= maxOpen {
		if err := w.flush(); err != nil {
			return nil, err
		}
		w.shut()
	}
	at, known := w.marks[name]
	flag := os.O_CREATE | os.O_WRONLY | os.O_EXCL
	switch {
	case known:
		flag = os.O_WRONLY
	case w.resumed:
		flag = os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	}
	if up := path.Dir(name); !known && up != "." {
		if err := w.root.MkdirAll(up, 0o700); err != nil {
			return nil, err
		}
	}
	f, err := w.root.OpenFile(name+".mbox", flag, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(at, io.SeekStart); err != nil {
		f.Close()
		return nil, err
	}
	out := &mboxOut{f: f, w: bufio.NewWriterSize(f, 64<<10), n: at, dirty: !known}
	w.files[name] = out
	return out, nil
}

// Put implements Target.
func (w *MboxWriter) Put(ctx context.Context, m *Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	out, err := w.open(m.Mailbox)
	if err != nil {
		return err
	}
	out.dirty = true
	before := out.n
	if err := out.put(m); err != nil {
		return errors.Join(err, out.back(before))
	}
	return nil
}

// back takes away what a message that broke off has left.
func (o *mboxOut) back(n int64) error {
	if err := o.w.Flush(); err != nil {
		return err
	}
	if err := o.f.Truncate(n); err != nil {
		return err
	}
	_, err := o.f.Seek(n, io.SeekStart)
	o.n = n
	return err
}

func (o *mboxOut) put(m *Message) error {
	body := bufio.NewReaderSize(m.Body, 64<<10)
	head, err := body.Peek(4096)
	if err != nil && err != io.EOF {
		return err
	}
	o.write(fromLine(returnPath(head), m.Date) + formatStatus(m.Flags))
	lineStart, last := true, byte('\n')
	for {
		b, err := body.ReadSlice('\n')
		if len(b) > 0 {
			if lineStart && bytes.HasPrefix(bytes.TrimLeft(b, ">"), []byte("From ")) {
				o.write(">")
			}
			whole := b[len(b)-1] == '\n'
			if whole && bytes.HasSuffix(b, crlf) && !bytes.HasSuffix(b, []byte("\r\r\n")) {
				b = append(b[:len(b)-2], '\n')
			}
			last = b[len(b)-1]
			o.write(string(b))
			lineStart = whole
		}
		if err == io.EOF {
			break
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
	switch last {
	case '\n':
	case '\r': // which stands for itself
		o.write("\r\n")
	default:
		o.write("\n")
	}
	o.write("\n")
	return nil
}

// write keeps its error for the flush.
func (o *mboxOut) write(s string) {
	n, _ := o.w.WriteString(s)
	o.n += int64(n)
}

// Flush implements Target.
func (w *MboxWriter) Flush(context.Context) (string, error) {
	if err := w.flush(); err != nil {
		return "", err
	}
	b, err := json.Marshal(w.marks)
	return string(b), err
}

func (w *MboxWriter) flush() error {
	for name, out := range w.files {
		if !out.dirty {
			continue
		}
		if err := out.w.Flush(); err != nil {
			return err
		}
		if err := out.f.Sync(); err != nil {
			return err
		}
		_, old := w.marks[name]
		if !old {
			for up := path.Dir(name); ; up = path.Dir(up) {
				if err := syncDir(w.root, up); err != nil {
					return err
				}
				if up == "." {
					break
				}
			}
		}
		w.marks[name], out.dirty = out.n, false
	}
	return nil
}

func syncDir(root *os.Root, name string) error {
	d, err := root.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (w *MboxWriter) shut() {
	for name, out := range w.files {
		out.f.Close()
		delete(w.files, name)
	}
}

// Close implements Target. What wasn't flushed is cut off, so that the files end with whole messages.
func (w *MboxWriter) Close() error {
	var errs []error
	for name, out := range w.files {
		if n, ok := w.marks[name]; out.dirty && ok {
			errs = append(errs, out.f.Truncate(n))
		} else if out.dirty {
			if err := w.root.Remove(name + ".mbox"); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	w.shut()
	return errors.Join(append(errs, w.root.Close())...)
}
