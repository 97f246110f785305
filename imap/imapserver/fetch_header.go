package imapserver

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/mime"
)

// headerFields writes the fields of a header that are named, or those that are not, and the empty line behind them
// (RFC 9051 section 6.4.5.1).
func (f *fetch) headerFields(item *imap.FetchItem) error {
	span, ok := f.locate(item)
	if !ok {
		f.c.enc.Raw("NIL")
		return nil
	}
	out, err := f.namedFields(item, span)
	if err != nil {
		return err
	}
	if p := item.Partial; p != nil {
		out = out[min(int64(p.Offset), int64(len(out))):]
		out = out[:min(int64(p.Size), int64(len(out)))]
	}
	f.r.Reset(out)
	f.c.enc.Literal(int64(len(out)), &f.r, false)
	return nil
}

// namedFields reads the header at span, once for several items, and returns the fields that the item names. They are good
// until the next call.
func (f *fetch) namedFields(item *imap.FetchItem, span mime.Span) ([]byte, error) {
	span.Size = min(span.Size, f.srv.limits(true).HeaderBytes)
	if f.have != span {
		f.header = slices.Grow(f.header[:0], int(span.Size))[:span.Size]
		if n, err := f.body.ReadAt(f.header, span.Offset); err != nil && (err != io.EOF || n < len(f.header)) {
			return nil, err
		}
		f.have = span
	}
	f.out = selectFields(f.out[:0], f.header, item.Section.Fields, item.Section.Spec == imap.SectionFields)
	return f.out, nil
}

// selectFields appends to out those fields of a raw header whose names are in the list (or are not), byte for byte, and
// the empty line.
func selectFields(out, header []byte, names []string, listed bool) []byte {
	keep := false
	for len(header) > 0 {
		end := bytes.IndexByte(header, '\n') + 1
		if end == 0 {
			end = len(header)
		}
		line := header[:end]
		header = header[end:]
		if len(line) <= 2 && len(bytes.TrimRight(line, "\r\n")) == 0 {
			break
		}
		if line[0] != ' ' && line[0] != '\t' {
			name, _, found := bytes.Cut(line, []byte(":"))
			name = bytes.TrimRight(name, " \t")
			keep = found && slices.ContainsFunc(names, func(n string) bool {
				return len(n) == len(name) && strings.EqualFold(n, string(name))
			}) == listed
		}
		if keep {
			out = append(out, line...)
			if line[len(line)-1] != '\n' {
				out = append(out, "\r\n"...)
			}
		}
	}
	return append(out, "\r\n"...)
}
