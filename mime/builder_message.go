package mime

import (
	"bytes"
	"io"
)

// peekMessage is how much of an attached message is looked at when it can't be read twice.
const peekMessage = 64 << 10

// messageEncoding chooses between "7bit" ("") and "8bit" for a message that is attached, whose transfer encoding can be no other
// (RFC 2046 section 5.2.1). A content that can seek is looked at whole, another one's beginning; what may come after
// that is taken for 8bit. It returns the content to be written, from where it stood.
func messageEncoding(content io.Reader) (string, io.Reader, error) {
	if s, ok := content.(io.ReadSeeker); ok {
		if start, err := s.Seek(0, io.SeekCurrent); err == nil {
			ascii, err := isASCIIStream(s)
			if err != nil {
				return "", nil, err
			}
			_, err = s.Seek(start, io.SeekStart)
			return encodingFor(ascii), content, err
		}
	}
	head, err := io.ReadAll(io.LimitReader(content, peekMessage))
	if err != nil {
		return "", nil, err
	}
	ascii, err := isASCIIStream(bytes.NewReader(head))
	return encodingFor(ascii && len(head) < peekMessage), io.MultiReader(bytes.NewReader(head), content), err
}

func encodingFor(ascii bool) string {
	if ascii {
		return ""
	}
	return "8bit"
}

func isASCIIStream(r io.Reader) (bool, error) {
	buf := make([]byte, 16<<10)
	for {
		n, err := r.Read(buf)
		for _, c := range buf[:n] {
			if c >= 0x80 {
				return false, nil
			}
		}
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// crlfWriter makes LF line ends CRLF: a message from a file of Unix must not break the message around it.
type crlfWriter struct {
	w    io.Writer
	last byte
}

func (c *crlfWriter) Write(p []byte) (int, error) {
	rest := p
	for len(rest) > 0 {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			i = len(rest)
		}
		if i > 0 {
			if _, err := c.w.Write(rest[:i]); err != nil {
				return 0, err
			}
			c.last = rest[i-1]
		}
		if rest = rest[i:]; len(rest) == 0 {
			break
		}
		end := "\r\n"
		if c.last == '\r' {
			end = "\n"
		}
		if _, err := io.WriteString(c.w, end); err != nil {
			return 0, err
		}
		c.last, rest = '\n', rest[1:]
	}
	return len(p), nil
}
