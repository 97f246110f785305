package pgpkeys

import (
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Revoked reports whether its owner has said that it is no good any more.
func (k Key) Revoked(now time.Time) bool { return k.Entity.Revoked(now) }

// suspectAll has revocations without a reason count as those of a key that somebody else may have, from ever: only a key that "was merely superseded or retired"
// leaves its old signatures valid (RFC 9580 section 5.2.3.31), and the library takes every reason but one for that.
func suspectAll(e *openpgp.Entity) {
	stolen := packet.KeyCompromised
	suspect := func(list []*packet.Signature) {
		for _, r := range list {
			if !merelyRetired(r) {
				r.RevocationReason = &stolen
			}
		}
	}
	suspect(e.Revocations)
	for i := range e.Subkeys {
		suspect(e.Subkeys[i].Revocations)
	}
}

func merelyRetired(r *packet.Signature) bool {
	return r.RevocationReason != nil && (*r.RevocationReason == packet.KeySuperseded || *r.RevocationReason == packet.KeyRetired)
}

// Retired returns since when its owner doesn't use the key any more, or the subkey that has the ID; zero: it is in use, or somebody else may have it.
func (k Key) Retired(id uint64) (since time.Time) {
	all := slices.Clone(k.Entity.Revocations)
	for i := range k.Entity.Subkeys {
		if s := &k.Entity.Subkeys[i]; s.PublicKey.KeyId == id {
			all = append(all, s.Revocations...)
		}
	}
	for _, r := range all {
		if !merelyRetired(r) {
			return time.Time{}
		}
		if since.IsZero() || r.CreationTime.Before(since) {
			since = r.CreationTime
		}
	}
	return since
}
