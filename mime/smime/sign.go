package smime

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"

	"github.com/smallstep/pkcs7"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/internal/entity"
)

// Signer signs messages with SHA-256.
type Signer struct {
	Certificate *x509.Certificate
	Key         crypto.Signer       // RSA or ECDSA
	Chain       []*x509.Certificate // what stands between Certificate and the root, the issuer first; sent along

	// ProtectHeader repeats the header within what is signed, so that Subject and From are covered too (RFC 9788).
	ProtectHeader bool

	Limits Limits
}

// Sign reads a message and writes it as multipart/signed, which everybody can read (RFC 8551 section 3.5.3). Its content must be 7bit;
// what mime.Builder writes is, unless a message in 8bit is attached to it.
func (s *Signer) Sign(w io.Writer, msg io.Reader) error {
	outer, content, err := s.split(msg)
	if err != nil {
		return err
	}
	if err := entity.Check7Bit(content); err != nil {
		return fmt.Errorf("smime: %w", err)
	}
	return s.detached(w, outer, content)
}

// detached writes a multipart/signed with a header.
func (s *Signer) detached(w io.Writer, outer *mime.Header, content []byte) error {
	sig, err := s.signedData(content, true)
	if err != nil {
		return err
	}
	boundary := entity.Boundary()
	ct := mime.FormatParams("multipart/signed", []mime.Param{
		{Name: "protocol", Value: "application/pkcs7-signature"}, {Name: "micalg", Value: "sha-256"}, {Name: "boundary", Value: boundary},
	})
	part := []byte("Content-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n" +
		"Content-Disposition: attachment; filename=smime.p7s\r\n\r\n")
	return entity.Multipart(w, outer, ct, boundary, "This is a signed message (S/MIME).", content, appendBase64(part, sig))
}

// SignOpaque reads a message and writes it as application/pkcs7-mime with the content inside the signature (RFC 8551 section 3.5.2). No
// transport can damage it, and only programs that know S/MIME can read it.
func (s *Signer) SignOpaque(w io.Writer, msg io.Reader) error {
	outer, content, err := s.split(msg)
	if err != nil {
		return err
	}
	sig, err := s.signedData(content, false)
	if err != nil {
		return err
	}
	return writeBlob(w, outer, "signed-data", sig)
}

func (s *Signer) split(msg io.Reader) (*mime.Header, []byte, error) {
	b, err := entity.Read(msg, s.Limits.Size)
	if err != nil {
		return nil, nil, fmt.Errorf("smime: %w", err)
	}
	how := entity.None
	if s.ProtectHeader {
		how = entity.Clear
	}
	outer, content, err := entity.Split(entity.Canonical(b), how)
	if err != nil {
		return nil, nil, fmt.Errorf("smime: %w", err)
	}
	return outer, content, nil
}

// signedData makes the CMS structure over a content.
func (s *Signer) signedData(content []byte, detached bool) ([]byte, error) {
	if s.Certificate == nil || s.Key == nil {
		return nil, errors.New("smime: a Signer needs Certificate and Key")
	}
	sd, err := pkcs7.NewSignedData(content)
	if err != nil {
		return nil, err
	}
	sd.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	// "The SMIMECapabilities attribute SHOULD be included": what may be sent back encrypted (RFC 8551 section 2.5.2).
	config := pkcs7.SignerInfoConfig{ExtraSignedAttributes: []pkcs7.Attribute{{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 15}, Value: capabilities()}}}
	if err := sd.AddSigner(s.Certificate, s.Key, config); err != nil {
		return nil, fmt.Errorf("smime: %w", err)
	}
	for _, c := range s.Chain {
		sd.AddCertificate(c)
	}
	if detached {
		sd.Detach()
	}
	return sd.Finish()
}

type capability struct{ ID asn1.ObjectIdentifier }

func capabilities() []capability {
	return []capability{{oidAES256GCM()}, {oidAES128GCM()}, {oidAES256CBC()}, {oidAES128CBC()}}
}

// writeBlob writes a message that is one CMS structure.
func writeBlob(w io.Writer, h *mime.Header, kind string, der []byte) error {
	err := errors.Join(
		h.AddRaw("Content-Type", "application/pkcs7-mime; smime-type="+kind+"; name=smime.p7m"),
		h.AddRaw("Content-Transfer-Encoding", "base64"),
		h.AddRaw("Content-Disposition", "attachment; filename=smime.p7m"))
	if err != nil {
		return err
	}
	_, err = w.Write(appendBase64(h.AppendTo(nil), der))
	return err
}

func appendBase64(dst, b []byte) []byte {
	out := sliceWriter{dst}
	enc := mime.NewBase64Writer(&out)
	enc.Write(b) // a sliceWriter doesn't fail
	enc.Close()
	return out.b
}

type sliceWriter struct{ b []byte }

func (w *sliceWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}
