package pgpkeys_test

import (
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail/internal/pgpkeys"
)

// A key is retired since its owner has said so, by one of two reasons and no other; and so is a subkey, which leaves the rest of the key as it was.
func TestRetired(t *testing.T) {
	start := time.Now().Add(-100 * time.Hour).Truncate(time.Second)
	at := func(hours int) *packet.Config {
		return &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return start.Add(time.Duration(hours) * time.Hour) }}
	}
	for reason, retires := range map[packet.ReasonForRevocation]bool{packet.NoReason: false, packet.KeySuperseded: true, packet.KeyCompromised: false, packet.KeyRetired: true, packet.Unknown: false} {
		for _, sub := range []bool{false, true} {
			e, err := openpgp.NewEntity("An", "", "an@example.test", at(0))
			require.NoError(t, err)
			require.NoError(t, e.AddSigningSubkey(at(1)))
			signer, ok := e.SigningKey(start.Add(2 * time.Hour))
			require.True(t, ok)
			id := signer.PublicKey.KeyId
			require.NotEqual(t, e.PrimaryKey.KeyId, id)
			if sub {
				i := 0
				for e.Subkeys[i].PublicKey.KeyId != id {
					i++
				}
				require.NoError(t, e.RevokeSubkey(&e.Subkeys[i], reason, "", at(10)))
			} else {
				require.NoError(t, e.RevokeKey(reason, "", at(10)))
			}
			keys, err := pgpkeys.Parse(public(t, e))
			require.NoError(t, err)
			want := time.Time{}
			if retires {
				want = start.Add(10 * time.Hour)
			}
			require.True(t, want.Equal(keys[0].Retired(id)), "reason %d, subkey: %v", reason, sub)
			require.True(t, sub || want.Equal(keys[0].Retired(e.PrimaryKey.KeyId)))
			require.False(t, sub && !keys[0].Retired(e.PrimaryKey.KeyId).IsZero())
			require.Equal(t, !sub, keys[0].Revoked(time.Now()))
			require.Equal(t, !sub && !retires, keys[0].Revoked(start), "from ever, where somebody else may have it")
		}
	}
}
