package imapserver

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"golang.org/x/text/unicode/norm"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// The algorithm of the tokens of the INTERNAL mechanism: HMAC-SHA-256 over the URL without them. "The server SHOULD
// incorporate some means of identifying the token generation algorithm within the token" (RFC 4467 section 2.4.1).
const tokenVersion = "01"

// urlToken makes the token of a URL under a mailbox's key.
func urlToken(key []byte, rump string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(rump))
	return tokenVersion + hex.EncodeToString(h.Sum(nil))
}

// handleGenURLAuth is GENURLAUTH (RFC 4467, section BASE.6.3.GENURLAUTH).
func (c *Conn) handleGenURLAuth(ctx context.Context, _ *command) error {
	d := c.dec
	var urls []string
	for d.SP(); d.Err() == nil; d.SP() {
		url := d.AString()
		d.SP()
		if d.Keyword() != "INTERNAL" && d.Err() == nil {
			return imap.Bad("Unknown URL authorization mechanism")
		}
		urls = append(urls, url)
		if d.AtEnd() {
			break
		}
	}
	if err := d.CRLF(); err != nil {
		return err
	}
	for i, url := range urls {
		key, err := c.urlKeyFor(ctx, url)
		if err != nil {
			return err
		}
		urls[i] = url + ":INTERNAL:" + urlToken(key, url)
	}
	c.enc.Raw("* GENURLAUTH")
	for _, url := range urls {
		c.enc.SP().String(url)
	}
	c.enc.CRLF()
	return nil
}

// urlKeyFor checks a URL that is to be authorized and returns the key of its mailbox.
func (c *Conn) urlKeyFor(ctx context.Context, url string) ([]byte, error) {
	u, err := imap.ParseURL(url)
	switch {
	case err != nil || u.UID == 0:
		return nil, imap.Bad("Not the URL of a message")
	case u.Access == "":
		return nil, imap.Bad("missing access identifier in supplied URL")
	case u.Token != "":
		return nil, imap.Bad("URL is authorized already")
	case u.User == "":
		return nil, imap.Bad("missing owner username in supplied URL")
	case u.User != c.identity.AccountName():
		return nil, imap.Bad("URL of another user")
	}
	box, err := c.openReadable(ctx, norm.NFC.String(u.Mailbox))
	if err != nil {
		if errors.Is(err, mail.ErrNoMailbox) {
			err = imap.Bad("Mailbox does not exist")
		}
		return nil, err
	}
	defer box.Close()
	return c.account.(mail.URLKeyAccount).URLKey(ctx, box.Info().ID, true)
}

// openReadable opens a mailbox whose messages the user may read.
func (c *Conn) openReadable(ctx context.Context, name string) (mail.Mailbox, error) {
	if _, err := c.access(ctx, name, needSelect, 0); err != nil {
		return nil, err
	}
	return c.account.Open(ctx, name)
}

// handleResetKey is RESETKEY (RFC 4467, section BASE.6.3.RESETKEY).
func (c *Conn) handleResetKey(ctx context.Context, cmd *command) error {
	d := c.dec
	keys := c.account.(mail.URLKeyAccount)
	if d.AtEnd() {
		if err := d.CRLF(); err != nil {
			return err
		}
		cmd.done = imap.Okay("", "", "All keys removed.")
		return keys.ResetURLKey(ctx, "")
	}
	d.SP()
	name := c.mailbox()
	for d.TrySP() {
		if d.Keyword() != "INTERNAL" && d.Err() == nil {
			return imap.Bad("Unknown URL authorization mechanism")
		}
	}
	if err := d.CRLF(); err != nil {
		return err
	}
	box, err := c.openReadable(ctx, name)
	if err != nil {
		return err
	}
	defer box.Close()
	cmd.done = imap.Okay(imap.CodeURLMech, "INTERNAL", "Key replaced.")
	return keys.ResetURLKey(ctx, box.Info().ID)
}

// validURL reports whether the token of a URL is the one that its mailbox's key makes. Without a key it takes as long
// (RFC 4467 section 6).
func validURL(url, token string, key []byte) bool {
	rump, ok := imap.RumpURL(url)
	known := len(key) > 0
	if !known {
		key = []byte(rand.Text())
	}
	return hmac.Equal([]byte(urlToken(key, rump)), []byte(token)) && ok && known
}
