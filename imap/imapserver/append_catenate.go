package imapserver

import (
	"io"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// catenate reads "CATENATE (part …)" and adds the message that the parts make (RFC 4469). The store pulls: each part is read
// from the command, or from another message, when the one before it has gone.
func (a *appending) catenate(opts *mail.AppendOptions) error {
	d := a.c.dec
	d.SP()
	d.Special('(')
	if err := d.Err(); err != nil {
		return err
	}
	if err := a.open(); err != nil {
		return err
	}
	parts := &partReader{a: a, left: a.c.srv.limits(true).Items}
	defer parts.closePart()
	content := &contentReader{r: parts, binary: true} // each part is looked at by itself
	if err := content.result(a.tx.Add(a.ctx, content, opts)); err != nil {
		return err
	}
	if !parts.done {
		return imap.No("", "Message was not taken to its end.")
	}
	return nil
}

// partReader is the content of a message that CATENATE describes.
type partReader struct {
	a     *appending
	size  int64         // of what has been read or announced
	left  int           // parts that may come
	part  io.Reader     // nil between parts
	piece *piece        // part, if it is from another message
	text  contentReader // part, if it came with the command
	utf8  bool          // ")" is to come behind part
	begun bool
	done  bool
}

func (r *partReader) Read(p []byte) (int, error) {
	for !r.done {
		if r.part == nil {
			if err := r.next(); err != nil {
				return 0, err
			}
			continue
		}
		n, err := r.part.Read(p)
		if err == io.EOF {
			r.closePart()
			err = r.a.c.dec.Err()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.EOF
}

// next begins with the next part, or ends the list.
func (r *partReader) next() error {
	d := r.a.c.dec
	if r.begun && d.Try(')') {
		r.done = true
		return nil
	}
	if r.begun {
		d.SP()
	}
	r.begun = true
	if r.left--; r.left < 0 {
		return imap.No(imap.CodeLimit, "Too many parts.")
	}
	p := d.CatenatePart()
	if err := d.Err(); err != nil {
		return err
	}
	if p.URL != "" {
		piece, err := r.a.c.openURL(r.a.ctx, p.URL)
		if err != nil {
			return err
		}
		r.part, r.piece = piece, piece
		size := r.size
		r.size += piece.size
		return r.a.fits(size, piece.size)
	}
	if err := r.a.mayRead(p.Text, p.UTF8, r.size); err != nil {
		return err
	}
	header := !p.UTF8 && r.size == 0 && r.a.c.wantsUTF8()
	r.size += p.Text.Size
	r.text = contentReader{r: d.OpenLiteral(p.Text), binary: p.Text.Binary, sevenBit: header}
	r.part, r.utf8 = &r.text, p.UTF8
	return nil
}

// closePart ends a part.
func (r *partReader) closePart() {
	if r.piece != nil {
		r.piece.Close()
	}
	if r.utf8 {
		r.a.c.dec.Special(')')
	}
	r.part, r.piece, r.utf8 = nil, nil, false
}
