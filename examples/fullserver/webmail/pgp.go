package webmail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"

	"github.com/buuta/mail/examples/fullserver/webmail/internal/parts"
	"github.com/buuta/mail/examples/fullserver/webmail/internal/pgpkeys"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/charset"
	"github.com/buuta/mail/mime/pgpmime"
)

// singleSender returns a message's only author; "" where there are none or more.
func singleSender(from []person) string {
	if len(from) != 1 {
		return ""
	}
	return strings.ToLower(from[0].Addr)
}

// judgePGP chooses what is said of signatures: the best of them.
func judgePGP(s *pgpmime.Signed, ring *keyring, now time.Time) *protection {
	best, rank := &protection{Key: "sign.bad", Bad: true}, -1
	for _, g := range s.Signatures {
		if p, r := judgeOne(s, &g, ring, now); r > rank {
			best, rank = p, r
		}
	}
	return best
}

// judgeOne says what a signature means; what means more has a higher rank.
func judgeOne(s *pgpmime.Signed, g *pgpmime.Signature, ring *keyring, now time.Time) (*protection, int) {
	owner, found := keyOwner{}, false
	if g.Key != nil {
		owner, found = ring.owners[g.Key]
	}
	p := &protection{Key: "sign.bad", Bad: true}
	if found {
		p.Fingerprint = owner.key.Fingerprint()
		p.Arg = clean(signer(owner, ring.sender), 320)
	}
	switch {
	case errors.Is(g.Err, pgpmime.ErrUnknownKey), g.Err == nil && !found:
		p.Key, p.Bad, p.Arg = "sign.pgp.unknown", false, fmt.Sprintf("%016X", g.KeyID)
		if ring.knowsSender() {
			p.Key, p.Bad, p.Arg = "sign.pgp.changed", true, ring.sender
		}
		return p, 1
	case errors.Is(g.Err, pgperrors.ErrKeyRevoked):
		if p.Key = "sign.pgp.revoked"; found && !owner.key.Retired(g.KeyID).IsZero() {
			p.Key = "sign.pgp.retired"
		}
		return p, 2
	case errors.Is(g.Err, pgperrors.ErrKeyExpired), errors.Is(g.Err, pgperrors.ErrSignatureExpired):
		p.Key, p.Bad = "sign.pgp.expired", false
		return p, 1
	case errors.Is(g.Err, pgpmime.ErrWeakDigest):
		p.Key, p.Bad, p.Arg, p.Fingerprint = "sign.pgp.weak", false, "", ""
		return p, 1
	case g.Err != nil:
		p.Arg = ""
		return p, 2
	}
	p.Signed = g.Time
	if e := owner.key.Expires(); owner.key.Revoked(now) {
		p.Notes = append(p.Notes, "sign.pgp.revokedsince")
	} else if !e.IsZero() && e.Before(now) {
		p.Notes = append(p.Notes, "sign.pgp.expiredsince")
	}
	if !s.Whole {
		p.Notes = append(p.Notes, "sign.pgp.part")
	}
	return p, judgeGood(p, s, g, owner, ring)
}

// judgeGood says what a signature means that fits, by whose key made it.
func judgeGood(p *protection, s *pgpmime.Signed, g *pgpmime.Signature, owner keyOwner, ring *keyring) int {
	own := owner.contact != nil && hasAddress(*owner.contact, ring.sender)
	switch {
	case owner.contact == nil && g.MatchesFrom && ring.knowsSender():
		p.Key = "sign.pgp.changed"
		return 3
	case owner.contact == nil && g.MatchesFrom:
		p.Key, p.Bad, p.Offer = "sign.pgp.first", false, true
		return 4
	case !own, !g.MatchesFrom && s.Header != nil && s.Header.Has("From") && !onlyAuthor(s.Header, ring.sender):
		p.Key = "sign.other"
		return 3
	case !g.MatchesFrom:
		p.Key, p.Bad, p.Arg = "sign.pgp.othername", false, ring.sender
		return 5
	case !owner.kept.Confirmed:
		p.Key, p.Bad, p.Arg = "sign.pgp.seen", false, ring.sender
		return 6
	case !s.Whole:
		p.Key, p.Bad, p.Arg, p.Notes = "sign.partly", false, ring.sender, nil
		return 6
	}
	p.Key, p.Bad, p.Arg, p.Good = "sign.good", false, ring.sender, len(p.Notes) == 0
	return 7
}

func onlyAuthor(h *mime.Header, sender string) bool {
	return singleSender(persons(h.Addresses("From"))) == sender
}

// signer is whom a key is taken for: the contact that has it, or the sender, whom those name that came with the message.
func signer(o keyOwner, sender string) string {
	if o.contact != nil {
		if e := o.contact.Email(); e != "" {
			return e
		}
		return o.contact.Title()
	}
	return sender
}

// words puts what is known of a signature besides into words.
func (q *request) words(p *protection) {
	for i, n := range p.Notes {
		p.Notes[i] = q.T(n)
	}
}

// verifyInline checks a text that is signed where it stands, and shows what was signed alone where that is all there is.
func (q *request) verifyInline(ctx context.Context, c *imapclient.Client, v *messageView, m *message) error {
	l := *v.inline
	item := imapclient.Peek(imap.Section{Part: l.Number})
	item.Partial = &imap.Partial{Size: uint32(min(q.limits.Text*2, maxVerify))}
	got, err := c.FetchOne(ctx, m.UID, item)
	if err != nil {
		return err
	}
	raw, _ := got.Section(imap.Section{Part: l.Number})
	if int64(len(raw)) < l.Body.Size {
		v.Protection = &protection{Key: "sign.large", Eml: true}
		return nil
	}
	text, _ := io.ReadAll(mime.DecodeTransfer(l.Encoding, bytes.NewReader(raw))) // what can't be decoded ends the text
	var content []byte
	err = q.verifyPGP(ctx, c, v, m, func(verifier *pgpmime.Verifier) (*pgpmime.Signed, error) {
		s, err := verifier.VerifyCleartext(text, m.header)
		if err == nil {
			s.Whole = s.Whole && m.Structure != nil && len(m.Structure.Parts) == 0
			if s.Whole {
				content = s.Content
			}
		}
		return s, err
	})
	if err != nil || content == nil || v.Protection.Bad {
		return err
	}
	b, _ := io.ReadAll(io.LimitReader(mime.NewCharsetReader(l.Param("charset"), bytes.NewReader(content), charset.NewReader), q.limits.Text))
	v.Text = safeText(strings.ToValidUTF8(string(b), "\ufffd") + "\n")
	return nil
}

// broughtKeys returns the keys that a message brings and that name its sender: in its Autocrypt field, and attached.
func (q *request) broughtKeys(ctx context.Context, c *imapclient.Client, m *message, sender string) ([]pgpkeys.Key, error) {
	if sender == "" {
		return nil, nil
	}
	var out []pgpkeys.Key
	add := func(keys ...pgpkeys.Key) {
		for _, k := range keys {
			if k.Names(sender, q.cfg.Now()) && len(out) < 2 {
				out = append(out, k)
			}
		}
	}
	leaves := attachedKeys(m.Structure)
	if len(leaves) > 0 {
		section := imap.Section{Part: leaves[0].Number}
		item := imapclient.Peek(section)
		item.Partial = &imap.Partial{Size: 2 * pgpkeys.MaxInput}
		got, err := c.FetchOne(ctx, m.UID, item)
		if err != nil {
			return nil, err
		}
		raw, _ := got.Section(section)
		b, _ := io.ReadAll(io.LimitReader(mime.DecodeTransfer(leaves[0].Encoding, bytes.NewReader(raw)), pgpkeys.MaxInput+1))
		if keys, err := pgpkeys.Parse(b); err == nil {
			add(keys...)
		}
	}
	if k, ok := pgpkeys.Autocrypt(m.header, sender); ok {
		add(k)
	}
	return out, nil
}

// offerKey says of a message that brings its sender's key that it does, where the address book has none of his.
func (q *request) offerKey(ctx context.Context, c *imapclient.Client, v *messageView, m *message) error {
	sender := singleSender(v.From)
	book, err := q.contacts()
	if err != nil || newKeyring(book, sender, nil).knowsSender() {
		return err
	}
	keys, err := q.broughtKeys(ctx, c, m, sender)
	if err == nil && len(keys) > 0 {
		v.Protection = &protection{Key: "sign.pgp.brings", Arg: clean(sender, 320), Fingerprint: keys[0].Fingerprint(), Offer: true}
	}
	return err
}

// attachedKeys are the parts that hold keys (RFC 3156 section 7).
func attachedKeys(root *mime.Part) (out []parts.Leaf) {
	for _, l := range parts.All(root) {
		if l.Type == "application" && l.Subtype == "pgp-keys" {
			out = append(out, l)
		}
	}
	return out
}

var _ openpgp.KeyRing = (*keyring)(nil)
