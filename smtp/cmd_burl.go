package smtp

import (
	"errors"
	"io"
	"strings"

	"github.com/buuta/mail"
)

// fetched is the content of an IMAP URL on its way into a message.
type fetched struct {
	*io.SectionReader
	body mail.Body
}

func (f *fetched) close() { _ = f.body.Close() }

// cmdBurl takes a message, or a piece of one, that an IMAP server holds (RFC 4468 section 3.2). BURL and BDAT may take
// turns in one message.
func (c *Conn) cmdBurl(args string) *Reply {
	if !c.exts.Has(BURL) {
		return NewReply(502, EnhancedCode{5, 5, 1}, "Error: command not implemented")
	}
	if r := c.messageAllowed(); r != nil {
		return r // section 3.2: "no resolution of the BURL URL argument will be performed"
	}
	if r := c.startData(); r != nil {
		return r
	}
	ch, r := c.fetch(args)
	if r != nil {
		c.abort()
		return r
	}
	return c.takeChunks(verbBURL, ch)
}

// fetch resolves the argument of BURL.
func (c *Conn) fetch(args string) (ch chunk, r *Reply) {
	fetcher, ok := ability[URLFetcher](c.session)
	if !ok || !c.exts.Has(BURL) {
		return ch, replyInBDAT
	}
	url, last, more := strings.Cut(strings.TrimRight(args, " "), " ")
	if url == "" || more && !strings.EqualFold(last, "LAST") {
		return ch, syntaxReply("BURL url [LAST]")
	}
	c.work()
	body, err := fetcher.FetchURL(c.ctx, url)
	c.rest()
	if err != nil {
		if _, is := errors.AsType[*Reply](err); !is {
			err = &Reply{Code: 554, Enhanced: EnhancedCode{5, 6, 6}, Text: "IMAP URL resolution failed", Err: err}
		}
		return ch, replyTo(err, nil)
	}
	return chunk{last: more, url: &fetched{io.NewSectionReader(body, 0, body.Size()), body}}, nil
}
