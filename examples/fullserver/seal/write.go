package seal

import (
	"bytes"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/pgpmime"
	"github.com/buuta/mail/mime/smime"
)

// sign signs a message, whose content is made 7bit for that.
func sign(k *Key, msg []byte) ([]byte, error) {
	msg, err := mime.SevenBit(msg)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	switch {
	case k.Entity != nil && k.Entity.PrivateKey == nil, k.Certificate != nil && k.Signer == nil:
		return nil, errors.New("there is no private key to sign with")
	case k.Entity != nil:
		err = (&pgpmime.Signer{Key: k.Entity}).Sign(&out, bytes.NewReader(msg))
	default:
		err = (&smime.Signer{Certificate: k.Certificate, Key: k.Signer, Chain: k.Chain}).Sign(&out, bytes.NewReader(msg))
	}
	return out.Bytes(), err
}

// encrypt encrypts a message for one reader.
func encrypt(k *Key, msg []byte) ([]byte, error) {
	var out bytes.Buffer
	var err error
	if k.Entity != nil {
		err = (&pgpmime.Encrypter{To: []*openpgp.Entity{k.Entity}}).Encrypt(&out, bytes.NewReader(msg))
	} else {
		err = (&smime.Encrypter{To: []*x509.Certificate{k.Certificate}}).Encrypt(&out, bytes.NewReader(msg))
	}
	return out.Bytes(), err
}

// about is what has to be known of a message's header.
type about struct {
	author    string // the only one; "" for none, and for several
	signed    bool   // by its author's program
	encrypted bool
}

func look(msg []byte) (about, error) {
	m, err := mime.NewReader(bytes.NewReader(msg))
	if err != nil {
		return about{}, err
	}
	var a about
	list, err := mime.ParseAddressList(m.Header.Get("From"))
	count := 0
	for box := range mime.Mailboxes(list) {
		count++
		a.author = box.Addr()
	}
	if err != nil || count != 1 {
		a.author = ""
	}
	ct := m.Header.ContentType()
	switch strings.ToLower(ct.MediaType()) {
	case "multipart/signed":
		a.signed = true
	case "multipart/encrypted":
		a.encrypted = true
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		kind := strings.ToLower(ct.Param("smime-type"))
		a.signed, a.encrypted = kind == "signed-data", kind != "signed-data"
	}
	return a, nil
}

// withoutSignatures leaves out the DKIM-Signature fields, which what is changed has made wrong.
func withoutSignatures(msg []byte) []byte {
	out := make([]byte, 0, len(msg))
	skip := false
	rest := msg
	for len(rest) > 0 {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line = rest[:i+1]
		}
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			break
		}
		if line[0] != ' ' && line[0] != '\t' {
			name, _, _ := bytes.Cut(line, []byte(":"))
			skip = bytes.EqualFold(bytes.TrimRight(name, " \t"), []byte("DKIM-Signature"))
		}
		if !skip {
			out = append(out, line...)
		}
		rest = rest[len(line):]
	}
	return append(out, rest...)
}
