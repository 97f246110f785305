package local

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/buuta/mail"
)

// files appends the message to the /files of a plan, in mbox format, and syncs them.
func (t *agentTransaction) files(_ context.Context, p *plan) (string, error) {
	for _, d := range p.files {
		if err := t.appendTo(d); err != nil {
			if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
				return "", err
			}
			return "", &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 2, 0}, Text: "cannot append message to file " + d.text, Err: err}
		}
	}
	if len(p.files) == 0 {
		return "", nil
	}
	return "delivered to file: " + p.files[0].text, nil
}

// appendTo appends to one file, or to none of it: what was written in part is cut off again.
func (t *agentTransaction) appendTo(d destination) (err error) {
	f, err := openMbox(d.text, d.home, t.a.Settings.Privs)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if d.text == os.DevNull {
		return nil
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if err = t.mbox(w, d); err == nil {
		if err = w.Flush(); err == nil {
			err = f.Sync()
		}
	}
	if err != nil {
		err = errors.Join(err, f.Truncate(size))
	}
	return err
}

// mbox writes the message as an entry of an mbox (RFC 4155, and ">" before lines that begin with "From ").
func (t *agentTransaction) mbox(w *bufio.Writer, d destination) error {
	from := t.from
	if from == "" {
		from = "MAILER-DAEMON"
	}
	w.WriteString("From " + strings.ReplaceAll(oneLine(from), " ", "_") + "  " + time.Now().Format("Mon Jan _2 15:04:05 2006") + "\n")
	w.WriteString("Return-Path: <" + oneLine(t.from) + ">\n")
	if t.a.prepends("file") {
		w.WriteString("Delivered-To: " + oneLine(d.address) + "\n")
	}
	r := bufio.NewReader(t.message.NewReader())
	begin, last := true, byte('\n')
	for {
		line, err := r.ReadSlice('\n')
		if begin && strings.HasPrefix(string(line), "From ") {
			w.WriteByte('>')
		}
		begin = err == nil
		if n := len(line); n > 1 && line[n-1] == '\n' && line[n-2] == '\r' {
			w.Write(line[:n-2])
			w.WriteByte('\n')
		} else {
			w.Write(line)
		}
		if len(line) > 0 {
			last = line[len(line)-1]
		}
		if err == io.EOF {
			break
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
	if last != '\n' {
		w.WriteByte('\n')
	}
	return w.WriteByte('\n')
}
