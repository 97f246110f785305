package mime

import (
	"bytes"
	"io"
)

// SevenBit returns a message in which every leaf's content is 7bit, with lines of 998 octets at most: what is not becomes quoted-printable, where it is text, or
// base64 (RFC 6152 section 3, "conversion to 7bit MIME encoding"; RFC 2045 section 6). What a signature or encryption covers stays as it is. The message itself is
// returned where nothing has to be done. Header fields are not looked at.
func SevenBit(msg []byte) ([]byte, error) {
	if isSevenBit(msg) {
		return msg, nil
	}
	ix, err := BuildIndex(bytes.NewReader(msg), int64(len(msg)), nil)
	if err != nil {
		return nil, err
	}
	d := downgrade{msg: msg}
	if err := d.part(ix.Root); err != nil {
		return nil, err
	}
	return append(d.out, msg[d.from:]...), nil
}

// downgrade is a message on its way to 7bit.
type downgrade struct {
	msg, out []byte
	from     int64 // what lies before is in out
}

func (d *downgrade) part(p *Part) error {
	switch {
	case p.Message != nil:
		return d.part(p.Message)
	case p.Parts != nil:
		if p.Type == "multipart" && (p.Subtype == "signed" || p.Subtype == "encrypted") {
			return nil
		}
		for _, c := range p.Parts {
			if err := d.part(c); err != nil {
				return err
			}
		}
		return nil
	}
	body := d.msg[p.Body.Offset:p.Body.End()]
	if isSevenBit(body) {
		return nil
	}
	var enc bytes.Buffer
	name := "base64"
	w := NewBase64Writer(&enc)
	if p.Type == "text" {
		name, w = "quoted-printable", NewQuotedPrintableWriter(&enc)
	}
	if _, err := io.Copy(w, DecodeTransfer(p.Encoding, bytes.NewReader(body))); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	d.out = append(d.out, d.msg[d.from:p.Header.Offset]...)
	d.out = appendHeader(d.out, d.msg[p.Header.Offset:p.Header.End()], name)
	d.out = append(d.out, d.msg[p.Header.End():p.Body.Offset]...)
	d.out = append(d.out, enc.Bytes()...)
	d.from = p.Body.End()
	return nil
}

// appendHeader appends a header with another Content-Transfer-Encoding.
func appendHeader(out, header []byte, encoding string) []byte {
	skip := false
	for line := range bytes.Lines(header) {
		bare := bytes.TrimRight(line, "\r\n")
		if len(bare) == 0 {
			break
		}
		if bare[0] != ' ' && bare[0] != '\t' {
			field, _, _ := bytes.Cut(bare, []byte(":"))
			skip = bytes.EqualFold(bytes.TrimRight(field, " \t"), []byte("Content-Transfer-Encoding"))
		}
		if !skip {
			out = append(out, line...)
		}
	}
	return append(out, "Content-Transfer-Encoding: "+encoding+"\r\n\r\n"...)
}

// isSevenBit reports whether octets can be sent as 7bit (RFC 2045 section 2.7).
func isSevenBit(b []byte) bool {
	line := 0
	for _, c := range b {
		if line++; c == '\n' {
			line = 0
		}
		if c >= 0x80 || c == 0 || line > 999 {
			return false
		}
	}
	return true
}
