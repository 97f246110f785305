// Package pgpkeys reads OpenPGP keys (RFC 9580) as people send and paste them, and finds the one that made a signature. Strangers write these keys: what is read is
// bounded in octets, packets and the work that it makes, before any signature in it is looked at.
package pgpkeys

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Limits of what is read.
const (
	MaxInput   = 256 << 10 // octets: a key that many have certified
	MaxKey     = 9000      // octets of a key without what others have certified
	maxKeys    = 8         // of a file
	maxPackets = 4000      // of a file
	maxKept    = 60        // packets of a key: names, subkeys, its own signatures
)

// Why there is no key.
var (
	ErrNone    = errors.New("pgpkeys: there is no OpenPGP public key in it that can be read")
	ErrPrivate = errors.New("pgpkeys: it is a private key, which nobody else should have")
	ErrWeak    = errors.New("pgpkeys: the key is of a kind that is no longer safe: DSA, ElGamal or RSA below 2,048 bits")
	ErrLarge   = errors.New("pgpkeys: the key is larger than the limit")
)

// Key is a public key.
type Key struct {
	Raw    []byte // as OpenPGP's packets, without what others have certified
	Entity *openpgp.Entity
}

// Parse reads the public keys of a text with a block of armor, or of a file without. Those that can't be used are left out; the error tells why when none is left.
func Parse(b []byte) ([]Key, error) {
	if len(b) > MaxInput {
		return nil, ErrLarge
	}
	if i := bytes.Index(b, []byte("-----BEGIN PGP PRIVATE KEY BLOCK-----")); i >= 0 {
		return nil, ErrPrivate
	}
	if i := bytes.Index(b, []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----")); i >= 0 {
		block, err := armor.Decode(bytes.NewReader(b[i:]))
		if err != nil {
			return nil, ErrNone
		}
		if b, err = io.ReadAll(io.LimitReader(block.Body, MaxInput)); err != nil {
			return nil, ErrNone
		}
	}
	return parse(b)
}

func parse(b []byte) (out []Key, err error) {
	defer func() {
		if recover() != nil { // the library's way of stumbling over damage
			out, err = nil, ErrNone
		}
	}()
	raws, err := divide(b)
	if err != nil {
		return nil, err
	}
	why := ErrNone
	for _, raw := range raws {
		e, err := openpgp.ReadEntity(packet.NewReader(bytes.NewReader(raw)))
		if err != nil || len(e.Identities) == 0 {
			continue
		}
		if len(raw) > MaxKey {
			why = ErrLarge
			continue
		}
		suspectAll(e)
		out = append(out, Key{raw, e})
	}
	if len(out) == 0 {
		return nil, why
	}
	return out, nil
}

// divide makes of a file the keys in it, each with its own signatures alone. It looks at packets and verifies nothing.
func divide(b []byte) ([][]byte, error) {
	var out [][]byte
	why := ErrNone
	var primary *packet.PublicKey
	kept, skip := 0, true // skip: what belongs to a key, name or subkey that is left out
	r := packet.NewOpaqueReader(bytes.NewReader(b))
	for n := 0; ; n++ {
		p, err := r.Next()
		if err != nil {
			break // io.EOF, or damage, which ends what can be read
		}
		if n >= maxPackets {
			return nil, ErrLarge
		}
		switch p.Tag {
		case tagPrivate, tagPrivateSub:
			return nil, ErrPrivate
		case tagPublic:
			if len(out) >= maxKeys {
				return nil, ErrLarge
			}
			primary, kept = nil, 0
			pub, ok := publicKey(p)
			if skip = !ok || !usable(pub); skip {
				if ok {
					why = ErrWeak
				}
				continue
			}
			primary = pub
			out = append(out, nil)
		case tagSub:
			pub, ok := publicKey(p)
			skip = !ok || !usable(pub)
		case tagUserID:
			skip = false
		case tagSignature:
			if primary == nil || skip || !own(p, primary) {
				continue
			}
		default: // photographs, padding, what is not known
			skip = true
		}
		if primary == nil || skip {
			continue
		}
		if kept++; kept > maxKept {
			return nil, ErrLarge
		}
		var one bytes.Buffer
		if err := p.Serialize(&one); err != nil {
			return nil, ErrNone
		}
		out[len(out)-1] = append(out[len(out)-1], one.Bytes()...)
	}
	if len(out) == 0 {
		return nil, why
	}
	return out, nil
}

// The tags of packets (RFC 9580 section 5).
const (
	tagSignature, tagPrivate, tagPublic, tagPrivateSub = 2, 5, 6, 7
	tagUserID, tagSub                                  = 13, 14
)

func publicKey(p *packet.OpaquePacket) (*packet.PublicKey, bool) {
	parsed, err := p.Parse()
	pub, ok := parsed.(*packet.PublicKey)
	return pub, ok && err == nil
}

// own reports whether a signature names the key as the one that made it.
func own(p *packet.OpaquePacket, primary *packet.PublicKey) bool {
	parsed, err := p.Parse()
	sig, ok := parsed.(*packet.Signature)
	return ok && err == nil && sig.CheckKeyIdOrFingerprint(primary)
}

// usable reports whether a key is of a kind whose signatures count, and are checked quickly: DSA's parameters can be made so that one takes minutes.
func usable(pub *packet.PublicKey) bool {
	switch pub.PubKeyAlgo {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSAEncryptOnly, packet.PubKeyAlgoRSASignOnly:
		n, err := pub.BitLength()
		return err == nil && n >= 2048 && n <= 8192
	case packet.PubKeyAlgoECDH, packet.PubKeyAlgoECDSA, packet.PubKeyAlgoEdDSA, packet.PubKeyAlgoX25519, packet.PubKeyAlgoX448, packet.PubKeyAlgoEd25519, packet.PubKeyAlgoEd448:
		return true
	}
	return false
}

// Fingerprint writes the key's fingerprint in groups of four, as people compare it.
func (k Key) Fingerprint() string {
	s := strings.ToUpper(hex.EncodeToString(k.Entity.PrimaryKey.Fingerprint))
	var groups []string
	for len(s) > 4 {
		groups, s = append(groups, s[:4]), s[4:]
	}
	return strings.Join(append(groups, s), " ")
}

// Addresses are those that the key itself names, in small letters, without the ones that it has revoked.
func (k Key) Addresses(now time.Time) []string {
	var out []string
	for _, id := range k.Entity.Identities {
		if id.UserId != nil && id.UserId.Email != "" && len(id.UserId.Email) <= 320 && id.SelfSignature != nil && !id.Revoked(now) {
			out = append(out, strings.ToLower(id.UserId.Email))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Names reports whether the key itself names an address.
func (k Key) Names(address string, now time.Time) bool {
	return slices.Contains(k.Addresses(now), strings.ToLower(address))
}

// Expires returns when the key's time is over; zero: never.
func (k Key) Expires() time.Time {
	sig, _ := k.Entity.PrimarySelfSignature()
	if sig == nil || sig.KeyLifetimeSecs == nil || *sig.KeyLifetimeSecs == 0 {
		return time.Time{}
	}
	return k.Entity.PrimaryKey.CreationTime.Add(time.Duration(*sig.KeyLifetimeSecs) * time.Second)
}

// HasID reports whether a key as [Key.Raw] has it, or a subkey of it, has one of the IDs. It verifies nothing, so that many can be looked through.
func HasID(raw []byte, ids []uint64) (has bool) {
	defer func() {
		if recover() != nil {
			has = false
		}
	}()
	r := packet.NewOpaqueReader(bytes.NewReader(raw))
	for {
		p, err := r.Next()
		if err != nil {
			return false
		}
		if p.Tag != tagPublic && p.Tag != tagSub {
			continue
		}
		if pub, ok := publicKey(p); ok && slices.Contains(ids, pub.KeyId) {
			return true
		}
	}
}
