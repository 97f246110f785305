package webmail

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/pgpmime"
	"github.com/buuta/mail/mime/smime"
)

// maxVerify is how large a message may be whose signature is checked.
const maxVerify = 16 << 20

// protection is what is known of a message's signature or encryption.
type protection struct {
	Key  string // of the text
	Arg  string
	Good bool
	Bad  bool
	Eml  bool // another program can do more with the message

	// Of OpenPGP.
	Fingerprint string    // of the key that was used or came
	Signed      time.Time // when, as the signer says; zero: it isn't known
	Notes       []string  // what else there is to know
	Offer       bool      // the key can be taken into the address book
}

// How a message is protected, by its structure.
const (
	smimeSigned    = "smime signed"
	smimeEncrypted = "smime encrypted"
	pgpSigned      = "pgp signed"
	pgpEncrypted   = "pgp encrypted"
)

// protectionOf looks for the outermost part that is signed or encrypted (RFC 8551 section 3, RFC 3156); what an attached message is doesn't count.
func protectionOf(p *mime.Part, depth int) string {
	if p == nil || p.Message != nil || depth > 20 {
		return ""
	}
	protocol := strings.ToLower(p.Param("protocol"))
	switch {
	case p.Type == "multipart" && p.Subtype == "signed" && strings.HasSuffix(protocol, "pkcs7-signature"):
		return smimeSigned
	case p.Type == "multipart" && p.Subtype == "signed" && protocol == "application/pgp-signature":
		return pgpSigned
	case p.Type == "multipart" && p.Subtype == "encrypted" && protocol == "application/pgp-encrypted":
		return pgpEncrypted
	case p.Type == "application" && strings.TrimPrefix(p.Subtype, "x-") == "pkcs7-mime":
		switch kind := strings.ToLower(p.Param("smime-type")); kind {
		case "signed-data":
			return smimeSigned
		case "enveloped-data", "authenveloped-data", "":
			return smimeEncrypted
		}
	}
	for _, sub := range p.Parts {
		if kind := protectionOf(sub, depth+1); kind != "" {
			return kind
		}
	}
	return ""
}

// addProtection says how a message is signed or encrypted, and checks its signatures. Of one that is wrapped into its signature the text is shown, which can't be had else.
func (q *request) addProtection(ctx context.Context, c *imapclient.Client, v *messageView, m *message) error {
	switch kind := protectionOf(m.Structure, 0); kind {
	case "":
		switch {
		case v.inline != nil:
			return q.verifyInline(ctx, c, v, m)
		case v.Protection == nil && len(attachedKeys(m.Structure)) > 0:
			return q.offerKey(ctx, c, v, m)
		}
	case pgpEncrypted, smimeEncrypted:
		v.Protection = &protection{Key: "sign.encrypted", Eml: true}
	case smimeSigned, pgpSigned:
		if m.Size > maxVerify {
			v.Protection = &protection{Key: "sign.large", Eml: true}
			return nil
		}
		whole := imap.Section{}
		got, err := c.FetchOne(ctx, m.UID, imapclient.Peek(whole))
		if err != nil {
			return err
		}
		raw, _ := got.Section(whole)
		if kind == pgpSigned {
			return q.verifyPGP(ctx, c, v, m, func(verifier *pgpmime.Verifier) (*pgpmime.Signed, error) {
				return verifier.Verify(bytes.NewReader(raw), int64(len(raw)))
			})
		}
		q.verify(v, raw, m.InternalDate)
	}
	return nil
}

// verify checks a signature as of the time at which the message came.
func (q *request) verify(v *messageView, raw []byte, arrived time.Time) {
	s, err := (&smime.Verifier{Roots: q.cfg.SMIMERoots, Time: arrived, Limits: smime.Limits{Size: maxVerify}}).Verify(bytes.NewReader(raw), int64(len(raw)))
	switch {
	case errors.Is(err, smime.ErrSyntax), errors.Is(err, smime.ErrNotSigned):
		v.Protection = &protection{Key: "sign.bad", Bad: true}
		return
	case err != nil:
		v.Protection = &protection{Key: "sign.unknown"}
		return
	}
	v.Protection = judge(s)
	if s.Part.IsMultipart() || v.Frame != "" || v.Text != "" || v.Protection.Bad {
		return
	}
	if inner, err := mime.Read(bytes.NewReader(s.Content)); err == nil && int64(len(inner.Text)) <= q.limits.Text {
		v.Text = safeText(inner.Text)
		v.Protection.Eml = len(inner.Attachments) > 0
	}
}

// judge chooses what is said of signatures: the best of them, and the worst where none is good.
func judge(s *smime.Signed) *protection {
	p := &protection{Key: "sign.unknown"}
	for _, g := range s.Signatures {
		who := ""
		if len(g.Addresses) > 0 {
			who = clean(g.Addresses[0], 320)
		} else if g.Certificate != nil {
			who = clean(g.Certificate.Subject.CommonName, 200)
		}
		switch {
		case g.Err == nil && g.MatchesFrom && s.Whole:
			return &protection{Key: "sign.good", Arg: who, Good: true}
		case g.Err == nil && g.MatchesFrom:
			p = &protection{Key: "sign.partly", Arg: who}
		case g.Err == nil:
			p = &protection{Key: "sign.other", Arg: who, Bad: true}
		case g.Valid:
			p = &protection{Key: "sign.untrusted", Arg: who}
		case g.Certificate != nil:
			p = &protection{Key: "sign.bad", Bad: true}
		}
	}
	return p
}
