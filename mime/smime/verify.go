package smime

import (
	"crypto/x509"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/smallstep/pkcs7"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/internal/entity"
)

// Verifier checks signatures.
type Verifier struct {
	Roots        *x509.CertPool      // whom to trust; nil: the system's roots
	Certificates []*x509.Certificate // of signers and intermediates, for messages that don't bring theirs

	// Time is when certificates must be valid; zero: now. A store that shows old mail gives the time of its arrival.
	Time time.Time

	Limits Limits
}

// Signed is a signed message that was checked. Look at each Signature's Err: a message may be signed well or badly.
type Signed struct {
	Part       *mime.Part // what is signed, in the message's index: multipart/signed or application/pkcs7-mime
	Whole      bool       // Part is the whole message, so that nothing foreign stands beside it
	Signatures []Signature

	Content []byte // what the signatures cover: a MIME entity, header and body, with CRLF
	// Header holds the header fields within the signature (RFC 9788): the Subject and From to show. nil if there are none, or if
	// the message isn't Whole.
	Header *mime.Header
}

// Signature is one signer's.
type Signature struct {
	Err         error             // nil: the content is what the signer signed, and the certificate is trusted
	Valid       bool              // the content is what the holder of Certificate's key signed, trusted or not
	Certificate *x509.Certificate // nil if not found
	Addresses   []string          // the certificate's mail addresses
	MatchesFrom bool              // one of them is the message's only author, inside and outside
	Time        time.Time         // when it was signed, as the signer says; zero if he doesn't
}

// Good reports whether the whole message was signed by its author with a trusted certificate.
func (s *Signed) Good() bool {
	for i := range s.Signatures {
		if g := &s.Signatures[i]; g.Err == nil && g.MatchesFrom && s.Whole {
			return true
		}
	}
	return false
}

func (s *Signed) valid() bool {
	for i := range s.Signatures {
		if s.Signatures[i].Valid {
			return true
		}
	}
	return false
}

// Verify finds the first signed part of a message, outside of attached messages, and checks its signatures. The
// error is ErrNotSigned, ErrSyntax, ErrUnsupported, ErrTooMany or r's; what is wrong with a signature is in the result.
func (v *Verifier) Verify(r io.ReaderAt, size int64) (*Signed, error) {
	ix, err := mime.BuildIndex(r, size, nil)
	if err != nil {
		return nil, err
	}
	h, err := entity.Header(r, ix.Root)
	if err != nil {
		return nil, fmt.Errorf("smime: %w", err)
	}
	p := findSigned(ix.Root)
	if p == nil {
		return nil, ErrNotSigned
	}
	return v.verify(r, p, p == ix.Root, h)
}

func (v *Verifier) verify(r io.ReaderAt, p *mime.Part, whole bool, from *mime.Header) (*Signed, error) {
	s := &Signed{Part: p, Whole: whole}
	blob := p
	if p.IsMultipart() {
		raw, err := entity.ReadSpan(r, p.Parts[0].Span(), v.Limits.Size)
		if err != nil {
			return nil, fmt.Errorf("smime: %w", err)
		}
		s.Content, blob = entity.Canonical(raw), p.Parts[1]
	}
	p7, err := v.parse(r, blob)
	if err != nil {
		return nil, err
	}
	if p.IsMultipart() {
		p7.Content = s.Content
	} else {
		s.Content = entity.Canonical(p7.Content)
	}
	if len(p7.Signers) == 0 {
		return nil, ErrNotSigned
	}
	if whole {
		s.Header = entity.Protected(s.Content)
	}
	for i := range p7.Signers {
		one := *p7
		one.Signers = p7.Signers[i : i+1]
		g := v.signature(&one)
		g.MatchesFrom = entity.MatchesFrom(g.Addresses, from, onlyWithFrom(s.Header))
		s.Signatures = append(s.Signatures, g)
	}
	return s, nil
}

// onlyWithFrom leaves out a protected header that doesn't tell of an author.
func onlyWithFrom(h *mime.Header) *mime.Header {
	if h != nil && h.Has("From") {
		return h
	}
	return nil
}

// parse reads a SignedData.
func (v *Verifier) parse(r io.ReaderAt, p *mime.Part) (*pkcs7.PKCS7, error) {
	der, err := readBlob(r, p, v.Limits.Size)
	if err != nil {
		return nil, err
	}
	p7, err := parsePKCS7(der)
	if err != nil {
		return nil, err
	}
	if len(p7.Signers) > v.Limits.signers() || len(p7.Certificates) > v.Limits.certificates() {
		return nil, ErrTooMany
	}
	return p7, nil
}

// readBlob reads the CMS structure of a part as DER.
func readBlob(r io.ReaderAt, p *mime.Part, limit int64) ([]byte, error) {
	b, err := entity.Read(p.Open(r), limit)
	if err != nil {
		return nil, fmt.Errorf("smime: %w", err)
	}
	return toDER(b)
}

// findSigned returns the first signed part: not inside an attached message, which is another message.
func findSigned(p *mime.Part) *mime.Part {
	if isSigned(p) {
		return p
	}
	for _, c := range p.Parts {
		if f := findSigned(c); f != nil {
			return f
		}
	}
	return nil
}

func isSigned(p *mime.Part) bool {
	switch p.Type + "/" + p.Subtype {
	case "multipart/signed":
		return len(p.Parts) == 2 && isSignature(p.Parts[1])
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		kind := p.Param("smime-type") // old programs leave it out
		return kind == "" || strings.EqualFold(kind, "signed-data")
	}
	return false
}

func isSignature(p *mime.Part) bool {
	return p.Type == "application" && (p.Subtype == "pkcs7-signature" || p.Subtype == "x-pkcs7-signature")
}
