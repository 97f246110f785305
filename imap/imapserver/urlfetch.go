package imapserver

import (
	"context"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// errURLRefused says that a URL isn't valid, or not for who asks. Why, the asker is not to know.
var errURLRefused = errors.New("imapserver: URL is not valid for its user")

// handleURLFetch is URLFETCH (RFC 4467, section BASE.6.3.URLFETCH): NIL for each URL that is invalid for whatever reason.
func (c *Conn) handleURLFetch(ctx context.Context, _ *command) error {
	d := c.dec
	var urls []string
	for d.SP(); d.Err() == nil; d.SP() {
		urls = append(urls, d.AString())
		if d.AtEnd() || len(urls) > c.srv.limits(true).Items {
			break
		}
	}
	if err := d.CRLF(); err != nil {
		return err
	}
	for _, url := range urls {
		if err := c.tellURL(ctx, url); err != nil {
			return err
		}
	}
	return nil
}

// tellURL sends one URLFETCH response.
func (c *Conn) tellURL(ctx context.Context, url string) error {
	p, err := c.srv.fetchURL(ctx, url, c.mayFetch)
	e := c.enc.Raw("* URLFETCH ").String(url).SP()
	if err != nil {
		e.Raw("NIL").CRLF()
		return e.Err()
	}
	defer p.Close()
	e.Literal(p.size, p, false).CRLF()
	c.end.Bodies++
	c.end.BodyBytes += p.size
	return e.Err()
}

// mayFetch reports whether the session's user is one whom a URL is for (RFC 4467 section 3).
func (c *Conn) mayFetch(access imap.URLAccess) bool {
	if _, ok := access.Submit(); ok {
		// "The IMAP server does not validate the specified userid but does validate that the IMAP session has an
		// authorization identity that is authorized as a message submission entity."
		return c.srv.SubmissionServer != nil && c.srv.SubmissionServer(c.identity)
	}
	if user, ok := access.User(); ok {
		return user == c.identity.AccountName()
	}
	return access == imap.AccessAuthUser || access == imap.AccessAnonymous
}

// FetchURL opens what an authorized URL names, for a message submission server that has received it in BURL from user, whom
// it has authenticated (RFC 4468 section 3.3). Whatever is wrong with the URL, the error says only that it is not valid.
// smtp's URLFetcher needs no more than this. Close the Body when done.
func (s *Server) FetchURL(ctx context.Context, url, user string) (mail.Body, error) {
	p, err := s.fetchURL(ctx, url, func(access imap.URLAccess) bool {
		for _, named := range [...]func() (string, bool){access.Submit, access.User} {
			if who, ok := named(); ok {
				return who == user
			}
		}
		return true // authuser, anonymous
	})
	if err != nil {
		return nil, err
	}
	at, ok := p.Reader.(io.ReaderAt)
	if !ok {
		p.Close()
		return nil, errURLRefused
	}
	return &urlBody{at, p}, nil
}

// urlBody is a piece as a mail.Body.
type urlBody struct {
	io.ReaderAt
	p *piece
}

func (b *urlBody) Size() int64 { return b.p.size }

func (b *urlBody) Close() error {
	b.p.Close()
	return nil
}

// fetchURL opens what an authorized URL names, with the access of the user in it, if allowed says that who asks is one of
// those whom it is for. The host in it is what the client calls this server; no other is ever asked, and the token covers it.
func (s *Server) fetchURL(ctx context.Context, url string, allowed func(imap.URLAccess) bool) (*piece, error) {
	u, err := imap.ParseURL(url)
	if err != nil || u.Token == "" || u.User == "" || u.UID == 0 || !strings.EqualFold(u.Mechanism, "INTERNAL") ||
		!u.Expire.IsZero() && s.now().After(u.Expire) || s.Store == nil || !allowed(u.Access) {
		return nil, errURLRefused
	}
	account, err := s.Store.Account(ctx, u.User)
	if err != nil {
		validURL(url, u.Token, nil)
		return nil, errURLRefused
	}
	defer account.Close()
	keys, ok := account.(mail.URLKeyAccount)
	if !ok {
		return nil, errURLRefused
	}
	name := norm.NFC.String(u.Mailbox)
	rights := mail.AllRights
	if sharing, ok := account.(mail.SharingAccount); ok {
		if rights, err = sharing.Rights(ctx, name); err != nil {
			rights = 0
		}
	}
	box, err := account.Open(ctx, name)
	if err != nil {
		validURL(url, u.Token, nil)
		return nil, errURLRefused
	}
	key, err := keys.URLKey(ctx, box.Info().ID, false)
	if !validURL(url, u.Token, key) || err != nil || !rights.Has(needSelect) {
		_ = box.Close()
		return nil, errURLRefused
	}
	p, err := s.openPiece(ctx, box, u)
	if err != nil {
		_ = box.Close()
		return nil, errURLRefused
	}
	p.box = box
	return p, nil
}
