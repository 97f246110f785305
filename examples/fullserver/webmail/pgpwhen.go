package webmail

import (
	"context"
	"errors"
	"time"

	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime/pgpmime"
)

// maxSignatures is how many OpenPGP signatures of a message are checked: each reads all of it.
const maxSignatures = 4

// checkPGP is a check of a message's signatures with a verifier.
type checkPGP func(*pgpmime.Verifier) (*pgpmime.Signed, error)

// verifyPGP checks signatures, with the keys as they are now, or where they are no good any more as they were when the message came. A key that its owner has
// retired is nobody else's: what it has signed before stays good whenever it comes, as mail from an account elsewhere does years later.
func (q *request) verifyPGP(ctx context.Context, c *imapclient.Client, v *messageView, m *message, check checkPGP) error {
	book, err := q.contacts()
	if err != nil {
		return err
	}
	came, err := q.broughtKeys(ctx, c, m, singleSender(v.From))
	if err != nil {
		return err
	}
	v.Protection = checkWith(newKeyring(book, singleSender(v.From), came), check, m.InternalDate, q.cfg.Now())
	q.words(v.Protection)
	return nil
}

func checkWith(ring *keyring, check checkPGP, arrived, now time.Time) *protection {
	at := func(t time.Time) (*pgpmime.Signed, error) {
		return check(&pgpmime.Verifier{Keys: ring, Config: &packet.Config{Time: func() time.Time { return t }}, Limits: pgpmime.Limits{Size: maxVerify, Signatures: maxSignatures}})
	}
	s, err := at(now)
	if err == nil && overSince(s) && arrived.Before(now) {
		s, err = at(arrived)
	}
	if err == nil && overSince(s) {
		if since := retiredSince(s, ring); !since.IsZero() {
			s, err = at(since.Add(-time.Second))
		}
	}
	if err != nil {
		return &protection{Key: "sign.bad", Bad: true}
	}
	return judgePGP(s, ring, now)
}

// overSince reports whether there is no good signature, and one whose key was good perhaps when the message came.
func overSince(s *pgpmime.Signed) (over bool) {
	for _, g := range s.Signatures {
		switch {
		case g.Err == nil:
			return false
		case errors.Is(g.Err, pgperrors.ErrKeyExpired), errors.Is(g.Err, pgperrors.ErrKeyRevoked), errors.Is(g.Err, pgperrors.ErrSignatureExpired):
			over = true
		}
	}
	return over
}

// retiredSince returns since when the key of a signature isn't used any more that was made before; zero: there is none.
func retiredSince(s *pgpmime.Signed, ring *keyring) time.Time {
	for _, g := range s.Signatures {
		if !errors.Is(g.Err, pgperrors.ErrKeyRevoked) {
			continue
		}
		if o, ok := ring.owners[g.Key]; ok {
			if since := o.key.Retired(g.KeyID); g.Time.Before(since) {
				return since
			}
		}
	}
	return time.Time{}
}
