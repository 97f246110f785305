package pgpmime

import (
	"bytes"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/internal/entity"
)

// readArmor reads a part that is one block of armor and nothing else but blank lines. The error is ErrSyntax or r's.
func readArmor(r io.ReaderAt, p *mime.Part, kind string, limit int64) ([]byte, error) {
	b, err := entity.Read(p.Open(r), limit)
	if err != nil {
		return nil, err
	}
	return dearmor(b, kind)
}

const maxArmorHeader = 4096 // octets of "Version:", "Comment:" and the like

// dearmor undoes RFC 9580 section 6.2. The library's reader takes the first block it finds; what stands around it, a second block for
// instance, is foreign and refused here.
func dearmor(b []byte, kind string) ([]byte, error) {
	b = bytes.TrimSpace(b)
	begin, end := "-----BEGIN "+kind+"-----", "-----END "+kind+"-----"
	if !bytes.HasPrefix(b, []byte(begin)) || !bytes.HasSuffix(b, []byte(end)) || bytes.Count(b, []byte("-----")) != 4 {
		return nil, ErrSyntax
	}
	lines := bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	header, rest, ok := bytes.Cut(lines, []byte("\n\n"))
	if !ok || len(header) > maxArmorHeader {
		return nil, ErrSyntax
	}
	// The header is nothing that counts, and the checksum is optional: what is left is base64.
	lines = append([]byte(begin+"\n\n"), rest...)
	block, err := armor.Decode(bytes.NewReader(lines))
	if err != nil || block.Type != kind {
		return nil, ErrSyntax
	}
	out, err := io.ReadAll(block.Body)
	if err != nil {
		return nil, ErrSyntax
	}
	return out, nil
}

// writeArmor writes what fill puts into it.
func writeArmor(kind string, fill func(io.Writer) error) ([]byte, error) {
	var out bytes.Buffer
	w, err := armor.Encode(&out, kind, nil)
	if err != nil {
		return nil, err
	}
	if err := fill(w); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return entity.Canonical(out.Bytes()), nil
}

// checkPackets looks at the outermost packets of an encrypted message before anything is decrypted: keys for its
// recipients, then one packet with integrity protection, then nothing (RFC 9580 section 10.3).
func checkPackets(b []byte, lim Limits) error {
	r := packet.NewOpaqueReader(bytes.NewReader(b))
	keys, data := 0, 0
	for {
		p, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return ErrSyntax
		}
		switch p.Tag {
		case 1, 3: // public-key and symmetric-key encrypted session keys
			keys++
		case 18, 20: // SEIPD with MDC or AEAD; the AEAD packet that GnuPG 2.3 writes
			data++
			if len(p.Contents) == 0 {
				return ErrSyntax
			}
		case 10, 21: // marker, padding
		case 9: // "Symmetrically Encrypted Data", which has no integrity protection (RFC 9580 section 5.7)
			return ErrIntegrity
		default:
			return ErrSyntax
		}
		if keys > lim.recipients() {
			return ErrTooMany
		}
		if data > 0 && p.Tag != 18 && p.Tag != 20 && p.Tag != 21 {
			return ErrSyntax
		}
	}
	if data != 1 {
		return ErrSyntax
	}
	return nil
}
