package searchtext

import (
	"archive/zip"
	"bytes"
	"io"
	"path"
	"strings"

	"github.com/buuta/mail/mime"
)

// What a document of an office program may make us do: octets that are held in memory to get at it, and octets that come out when
// it is unpacked, of all documents of a message together.
const (
	maxDocument = 16 << 20
	maxUnpacked = 32 << 20
	maxEntries  = 10_000
)

// form is how a leaf's text is got.
type form uint8

const (
	unreadable form = iota
	plainText
	markupText
	officeText
)

// leaf adds the text of a part that has no parts.
func (x *Extractor) leaf(p *mime.Part) {
	at := len(x.f.out)
	known := false
	if x.Attachment != nil && p.Type != "text" {
		known, _ = x.Attachment(p, p.Open(&x.src), &x.f)
		if !known {
			x.f.out, x.f.held = x.f.out[:at], x.f.held[:0]
		}
	}
	if !known {
		switch formOf(p) {
		case plainText:
			x.copy(&x.f, p.OpenText(&x.src, x.CharsetReader))
		case markupText:
			s := stripper{to: &x.f, glue: htmlGlue}
			x.copy(&s, p.OpenText(&x.src, x.CharsetReader))
			s.end()
		case officeText:
			x.office(p.Open(&x.src))
		}
	}
	if x.f.end(); len(x.f.out) > at {
		x.f.separate()
	}
}

// copy copies until there is enough.
func (x *Extractor) copy(w io.Writer, r io.Reader) {
	for !x.f.full() {
		n, err := r.Read(x.chunk)
		_, _ = w.Write(x.chunk[:n]) // never fails
		if err != nil {
			return
		}
	}
}

// formOf decides by the type, and where that says nothing by the name of the file.
func formOf(p *mime.Part) form {
	switch p.Type {
	case "text":
		switch p.Subtype {
		case "html", "enriched", "richtext", "xml":
			return markupText
		}
		return plainText
	case "application":
	default:
		return unreadable
	}
	switch s := p.Subtype; {
	case strings.HasPrefix(s, "vnd.openxmlformats-officedocument."), strings.HasPrefix(s, "vnd.oasis.opendocument."):
		return officeText
	case s == "xhtml+xml", s == "xml", strings.HasSuffix(s, "+xml"):
		return markupText
	case s == "json":
		return plainText
	}
	switch strings.ToLower(path.Ext(p.Filename())) {
	case ".docx", ".docm", ".xlsx", ".xlsm", ".pptx", ".pptm", ".odt", ".ods", ".odp":
		return officeText
	case ".htm", ".html", ".xml":
		return markupText
	case ".txt", ".csv", ".log", ".md":
		return plainText
	}
	return unreadable
}

// office adds the text of an OOXML or OpenDocument file: paragraphs, notes, slides, cells that hold text. Numbers in cells are
// left out.
func (x *Extractor) office(r io.Reader) {
	raw, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil || len(raw) > maxDocument {
		return
	}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil || len(z.File) > maxEntries {
		return
	}
	for _, f := range z.File {
		if x.zipped <= 0 || x.f.full() {
			return
		}
		if !officeEntry(f.Name) {
			continue
		}
		e, err := f.Open()
		if err != nil {
			continue
		}
		limited := &io.LimitedReader{R: e, N: x.zipped}
		s := stripper{to: &x.f, glue: officeGlue}
		x.copy(&s, limited)
		s.end()
		x.zipped = limited.N
		e.Close()
		x.f.WriteString(" ")
	}
}

// officeEntry reports whether an entry of a document's archive holds text.
func officeEntry(name string) bool {
	dir, file := path.Split(name)
	if path.Ext(file) != ".xml" {
		return false
	}
	switch dir {
	case "":
		return file == "content.xml"
	case "word/":
		for _, prefix := range [...]string{"document", "header", "footer", "footnotes", "endnotes", "comments"} {
			if strings.HasPrefix(file, prefix) {
				return true
			}
		}
	case "xl/":
		return file == "sharedStrings.xml"
	case "ppt/slides/", "ppt/notesSlides/", "xl/comments/":
		return true
	}
	return false
}
