package mime

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
)

// node is a part to be written: a multipart with children, or a leaf with one of text and content.
type node struct {
	ct       ContentType
	disp     *Disposition
	id       string
	encoding string // "" for 7bit
	text     string
	content  io.Reader
	children []*node
}

// structure arranges text, HTML and files: mixed( alternative( text, related( HTML, images ), calendar ), attachments ), leaving out
// what would hold one part only.
func (b *Builder) structure() (*node, error) {
	var inline, attached []*node
	for i := range b.Attachments {
		n, err := fileNode(&b.Attachments[i])
		if err != nil {
			return nil, err
		}
		if b.Attachments[i].Inline && b.HTML != "" {
			inline = append(inline, n)
		} else {
			attached = append(attached, n)
		}
	}
	var root *node
	if b.Text != "" || b.HTML == "" && len(attached) == 0 && b.Calendar == nil {
		root = textNode("plain", b.Text)
	}
	if b.HTML != "" {
		html := textNode("html", b.HTML)
		if len(inline) > 0 {
			html = multipart("related", append([]*node{html}, inline...)...)
			html.ct.Params = append(html.ct.Params, Param{Name: "type", Value: "text/html"}) // RFC 2387 section 3.1
		}
		if root != nil {
			root = multipart("alternative", root, html)
		} else {
			root = html
		}
	}
	if b.Calendar != nil {
		n, err := b.Calendar.node()
		if err != nil {
			return nil, err
		}
		switch {
		case root == nil:
			root = n
		case root.ct.Subtype == "alternative":
			root.children = append(root.children, n)
		default:
			root = multipart("alternative", root, n)
		}
	}
	if len(attached) > 0 {
		if root != nil {
			attached = append([]*node{root}, attached...)
		}
		root = multipart("mixed", attached...)
	}
	return root, nil
}

func multipart(subtype string, children ...*node) *node {
	n := &node{
		// 128 random bits: nothing that is attached can hold the boundary.
		ct:       ContentType{Type: "multipart", Subtype: subtype, Params: []Param{{Name: "boundary", Value: "=_" + rand.Text()}}},
		children: children,
	}
	for _, c := range children {
		if c.encoding == "8bit" { // RFC 2045 section 6.4: the multipart says so too
			n.encoding = "8bit"
		}
	}
	return n
}

// textNode chooses how a text is encoded.
func textNode(subtype, text string) *node {
	text = canonicalText(text)
	charset := "us-ascii"
	if !isASCII(text) {
		charset = "utf-8"
	}
	return &node{
		ct:       ContentType{Type: "text", Subtype: subtype, Params: []Param{{Name: "charset", Value: charset}}},
		encoding: textEncoding(text),
		text:     text,
	}
}

// canonicalText returns a text as valid UTF-8 with CRLF line ends (RFC 2046 section 4.1.1).
func canonicalText(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.ReplaceAll(s, "\r", "\n")
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\n", "\r\n")
	if s != "" && !strings.HasSuffix(s, "\n") {
		s += "\r\n"
	}
	return s
}

// textEncoding returns "" for a text that can go as it is, otherwise what makes it shorter.
func textEncoding(s string) string {
	escapes, long, line := 0, false, 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if line++; c == '\n' {
			line = 0
		}
		long = long || line > 990
		if c >= 0x7f || c < ' ' && c != '\r' && c != '\n' && c != '\t' {
			escapes++
		}
	}
	switch {
	case escapes == 0 && !long:
		return ""
	case escapes > len(s)/6:
		return "base64"
	}
	return "quoted-printable"
}

// fileNode makes the part for a file.
func fileNode(f *File) (*node, error) {
	if f.Content == nil {
		return nil, fmt.Errorf("mime: attachment %q has no content", f.Filename)
	}
	typ := f.Type
	if typ == "" {
		typ = typeOfName(f.Filename)
	}
	ct, err := ParseContentType(typ)
	if err != nil {
		return nil, fmt.Errorf("mime: attachment %q: %q is no media type", f.Filename, f.Type)
	}
	if ct.Type == "multipart" {
		return nil, errors.New("mime: a multipart can't be attached; attach it as message/rfc822")
	}
	n := &node{ct: ct, disp: &Disposition{Type: "attachment"}, id: f.ContentID, encoding: "base64", content: f.Content}
	if f.Inline {
		n.disp.Type = "inline"
	}
	if f.Filename != "" {
		n.disp.Params = []Param{{Name: "filename", Value: f.Filename}}
	}
	if ct.Type == "message" { // "No encoding other than "7bit", "8bit", or "binary" is permitted" (RFC 2046 section 5.2.1)
		if n.encoding, n.content, err = messageEncoding(f.Content); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// typeOfName returns the media type that goes with a file name's ending.
func typeOfName(name string) string {
	switch ext := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:]); ext {
	case "pdf", "zip", "json", "rtf":
		return "application/" + ext
	case "png", "gif", "webp", "jpeg":
		return "image/" + ext
	case "jpg":
		return "image/jpeg"
	case "svg":
		return "image/svg+xml"
	case "csv", "html", "css":
		return "text/" + ext + "; charset=utf-8"
	case "txt", "md", "log":
		return "text/plain; charset=utf-8"
	case "ics":
		return "text/calendar; charset=utf-8"
	case "vcf":
		return "text/vcard; charset=utf-8"
	case "eml":
		return "message/rfc822"
	case "mp3":
		return "audio/mpeg"
	case "mp4":
		return "video/mp4"
	case "docx":
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	case "xlsx":
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	return "application/octet-stream"
}

// write writes the part, its fields added to h.
func (n *node) write(w *bufio.Writer, h *Header) error {
	err := h.AddRaw("Content-Type", n.ct.String())
	if n.encoding != "" {
		err = errors.Join(err, h.AddRaw("Content-Transfer-Encoding", n.encoding))
	}
	if n.disp != nil {
		err = errors.Join(err, h.AddRaw("Content-Disposition", n.disp.String()))
	}
	if n.id != "" {
		err = errors.Join(err, h.AddRaw("Content-ID", FormatMessageIDs(n.id)))
	}
	if err != nil {
		return err
	}
	if _, err := h.WriteTo(w); err != nil {
		return err
	}
	if len(n.children) == 0 {
		return n.writeContent(w)
	}
	boundary := n.ct.Param("boundary")
	for i, c := range n.children {
		if i > 0 {
			w.WriteString("\r\n")
		}
		w.WriteString("--" + boundary + "\r\n")
		if err := c.write(w, &Header{}); err != nil {
			return err
		}
	}
	_, err = w.WriteString("\r\n--" + boundary + "--\r\n")
	return err
}

func (n *node) writeContent(w *bufio.Writer) error {
	content := n.content
	if content == nil {
		content = strings.NewReader(n.text)
	}
	var enc io.WriteCloser
	switch n.encoding {
	case "base64":
		enc = NewBase64Writer(w)
	case "quoted-printable":
		enc = NewQuotedPrintableWriter(w)
	default:
		_, err := io.Copy(&crlfWriter{w: w}, content)
		return err
	}
	if _, err := io.Copy(enc, content); err != nil {
		return err
	}
	return enc.Close()
}
