package milter

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"strings"
)

// maxHeader bounds the header of a message that a filter changes.
const maxHeader = 16 << 20

// field is a field of a header as it stands, with its line ends.
type field struct {
	name string
	raw  []byte
}

// Apply returns a message with the changes of header and body made. own is how many fields at its top filters haven't been told of, such as a Received
// field: changes by number don't count them, and only what is inserted at 0 comes above them. The error is one of reading the message.
func (e *Edits) Apply(m io.Reader, own int) (io.Reader, error) {
	if len(e.Header) == 0 && !e.ReplaceBody {
		return m, nil
	}
	r := bufio.NewReaderSize(m, 32<<10)
	list, end, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	own = min(own, len(list))
	top, list := list[:own:own], list[own:]
	for i := range e.Header {
		if h := &e.Header[i]; h.Insert && h.Index <= 0 && own > 0 {
			top = slices.Insert(top, 0, h.field())
		} else {
			list = h.apply(list)
		}
	}
	var head bytes.Buffer
	for _, f := range slices.Concat(top, list) {
		head.Write(f.raw)
	}
	if len(end) == 0 && e.ReplaceBody {
		end = []byte("\r\n")
	}
	head.Write(end)
	if e.ReplaceBody {
		return io.MultiReader(&head, bytes.NewReader(crlf(e.Body))), nil
	}
	return io.MultiReader(&head, r), nil
}

// apply makes one change.
func (h *HeaderChange) apply(list []field) []field {
	switch {
	case h.Change:
		n := max(h.Index, 1)
		for i := range list {
			if !strings.EqualFold(list[i].name, h.Name) {
				continue
			}
			if n--; n > 0 {
				continue
			}
			if h.Value == "" {
				return slices.Delete(list, i, i+1)
			}
			list[i] = h.field()
			return list
		}
		if h.Value == "" {
			return list
		}
		return append(list, h.field())
	case h.Insert:
		return slices.Insert(list, min(max(h.Index-1, 0), len(list)), h.field())
	}
	return append(list, h.field())
}

// field is the change as a field. A line of its value that could be taken for another field's is folded.
func (h *HeaderChange) field() field {
	var b bytes.Buffer
	b.WriteString(h.Name + ":")
	if h.Space {
		b.WriteByte(' ')
	}
	for i, line := range strings.Split(strings.TrimRight(h.Value, "\r\n"), "\n") {
		line = strings.TrimRight(line, "\r")
		if i > 0 {
			b.WriteString("\r\n")
			if line == "" || line[0] != ' ' && line[0] != '\t' {
				b.WriteByte('\t')
			}
		}
		b.WriteString(line)
	}
	b.WriteString("\r\n")
	return field{h.Name, b.Bytes()}
}

// readHeader reads a header, and the empty line that ends it.
func readHeader(r *bufio.Reader) (list []field, end []byte, err error) {
	size, middle := 0, false
	for {
		line, err := r.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull && err != io.EOF {
			return nil, nil, err
		}
		if !middle && (string(line) == "\r\n" || string(line) == "\n") {
			return list, bytes.Clone(line), nil
		}
		if size += len(line); size > maxHeader {
			return nil, nil, errTooLong
		}
		name := bytes.IndexByte(line, ':')
		switch {
		case len(line) == 0:
		case middle, len(list) > 0 && (line[0] == ' ' || line[0] == '\t'):
			list[len(list)-1].raw = append(list[len(list)-1].raw, line...)
		case name < 0: // the header has ended without an empty line
			return list, append([]byte("\r\n"), line...), nil
		default:
			list = append(list, field{string(bytes.TrimRight(line[:name], " \t")), bytes.Clone(line)})
		}
		if middle = err == bufio.ErrBufferFull; err == io.EOF {
			if n := len(list); n > 0 && !bytes.HasSuffix(list[n-1].raw, []byte("\n")) {
				list[n-1].raw = append(list[n-1].raw, "\r\n"...)
			}
			return list, nil, nil
		}
	}
}

// crlf gives every line CRLF.
func crlf(b []byte) []byte {
	if !bytes.Contains(b, []byte("\n")) || bytes.Count(b, []byte("\n")) == bytes.Count(b, []byte("\r\n")) {
		return b
	}
	out := make([]byte, 0, len(b)+len(b)/16)
	for i, c := range b {
		if c == '\n' && (i == 0 || b[i-1] != '\r') {
			out = append(out, '\r')
		}
		out = append(out, c)
	}
	return out
}
