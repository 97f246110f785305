package queuecmd

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/buuta/mail/examples/fullserver/internal/getopt"
	"github.com/buuta/mail/queue"
)

const postcatUsage = "postcat -q [-beh] queueid..."

// parts are what of a message is shown.
type parts struct{ envelope, header, body bool }

// postcat is postcat(1), for messages by their IDs: -e the envelope, -h the header, -b the body; without any of them everything.
func postcat(ctx context.Context, e *Env, args []string) error {
	opts, ids, err := getopt.Flags{With: "c", Without: "bdehoqv"}.Parse(args)
	var p parts
	byID := false
	for _, o := range opts {
		switch o.Letter {
		case 'b':
			p.body = true
		case 'e':
			p.envelope = true
		case 'h':
			p.header = true
		case 'q':
			byID = true
		}
	}
	if err != nil || len(ids) == 0 {
		return usage(postcatUsage)
	}
	if !byID {
		return errors.New("files are not read by name: use -q with the IDs that mailq tells")
	}
	w := bufio.NewWriter(e.Stdout)
	for _, id := range ids {
		if err := e.show(ctx, w, id, p); err != nil {
			return errors.Join(err, w.Flush())
		}
	}
	return w.Flush()
}

func (e *Env) show(ctx context.Context, w *bufio.Writer, id string, p parts) error {
	if !validID(id) {
		return fmt.Errorf("bad mail queue id: \"%s\"", oneLine(id))
	}
	m, content, err := e.Queue.Open(ctx, id)
	if errors.Is(err, queue.ErrNotFound) {
		return fmt.Errorf("open queue file %s: No such file or directory", id)
	}
	if err != nil {
		return err
	}
	defer content.Close()
	file := id
	for entry, err := range e.Queue.List(ctx, queue.Filter{IDs: []string{id}}) {
		if err == nil {
			file = string(entry.State) + "/" + id
		}
	}
	all := p == parts{}
	if all || p.envelope {
		fmt.Fprintf(w, "*** ENVELOPE RECORDS %s ***\n", file)
		writeEnvelope(w, m)
	}
	if all || p.envelope {
		fmt.Fprintf(w, "*** MESSAGE CONTENTS %s ***\n", file)
	}
	if err := writeContent(w, content, all || p.header, all || p.body); err != nil {
		return err
	}
	if all || p.envelope {
		fmt.Fprintf(w, "*** HEADER EXTRACTED %[1]s ***\n*** MESSAGE FILE END %[1]s ***\n", file)
	}
	return nil
}

// writeEnvelope writes what Postfix's records of the same kind look like. The numbers behind the size are those of its file, which ours
// has not.
func writeEnvelope(w *bufio.Writer, m *queue.Message) {
	fmt.Fprintf(w, "message_size: %15d %15d %15d %15d %15d %15d\n", m.Size, 0, len(m.Recipients), 0, m.Size, 0)
	at := m.Arrived.Local().Format("Mon Jan _2 15:04:05 2006")
	fmt.Fprintf(w, "message_arrival_time: %s\ncreate_time: %s\n", at, at)
	named := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "named_attribute: %s=%s\n", name, oneLine(value))
		}
	}
	named("log_ident", m.ID)
	fmt.Fprintf(w, "sender: %s\n", oneLine(m.From))
	named("envelope_id", m.Options.EnvelopeID)
	for i := range m.Recipients {
		r := &m.Recipients[i]
		kind := "recipient"
		if r.State != queue.Pending {
			kind = "done_recipient"
		}
		if o := r.Options.OriginalRecipient; o != "" {
			named("dsn_orig_rcpt", o)
			fmt.Fprintf(w, "original_recipient: %s\n", oneLine(afterType(o)))
		}
		fmt.Fprintf(w, "%s: %s\n", kind, oneLine(r.Address))
	}
}

// afterType is an original recipient without its address type: "rfc822;an@example.test".
func afterType(s string) string {
	for i := range s {
		if s[i] == ';' {
			return s[i+1:]
		}
	}
	return s
}

// writeContent writes header and body with LF line ends.
func writeContent(w *bufio.Writer, r io.Reader, header, body bool) error {
	in := bufio.NewReaderSize(r, 64<<10)
	show, begun := header, true
	inHeader := true
	for {
		part, err := in.ReadSlice('\n')
		if inHeader && begun && (string(part) == "\r\n" || string(part) == "\n") {
			inHeader, show = false, body
			if body {
				w.WriteByte('\n')
			}
			part = nil
		}
		if show && len(part) > 0 {
			if line, ok := bytes.CutSuffix(part, []byte("\r\n")); ok {
				w.Write(line)
				w.WriteByte('\n')
			} else {
				w.Write(part)
			}
		}
		begun = err == nil // a line longer than the buffer comes in pieces
		switch {
		case err == io.EOF:
			return nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}
