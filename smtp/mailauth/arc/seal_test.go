package arc_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/arc"
	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/internal/forge"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

// Section 4.2.1: fifty sets, and no more.
func TestFifty(t *testing.T) {
	z := zone()
	v := &arc.Verifier{Resolver: z}
	msg := message
	results := &authres.Results{ServID: "one.example"}
	for n := 1; n <= arc.MaxSets; n++ {
		r := &arc.Result{Result: authres.Pass}
		fields, err := arc.Seal(strings.NewReader(msg), signer("one.example"), results, r, dkim.Limits{})
		require.NoError(t, err)
		msg = fields + msg
	}
	r, err := v.Verify(t.Context(), strings.NewReader(msg))
	require.NoError(t, err)
	require.NoError(t, r.Err)
	require.Len(t, r.Sets, 50)
	_, err = arc.Seal(strings.NewReader(msg), signer("one.example"), results, r, dkim.Limits{})
	require.ErrorIs(t, err, arc.ErrTooMany)
	r, err = (&arc.Verifier{Resolver: z, Sets: 49}).Verify(t.Context(), strings.NewReader(msg))
	require.NoError(t, err)
	require.ErrorIs(t, r.Err, arc.ErrTooMany)
}

// Section 5.1 step 3: "the instance value is 1 more than the highest instance number found", in a chain that is broken too, and
// section 5.1.2: only the new set is signed then.
func TestSealBroken(t *testing.T) {
	key := rsaKey(t)
	c := &chain{hops: []hop{{}, {}, {i: "5"}}}
	msg, _ := c.build(t, key)
	fields, err := arc.Seal(strings.NewReader(msg), &dkim.Signer{Domain: "mx.example", Selector: "s", Key: key}, &authres.Results{ServID: "x"}, nil, dkim.Limits{})
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(fields, "ARC-Seal: i=6; cv=fail;"), fields)
	list := forge.Fields(fields)
	b := list[0][strings.Index(list[0], "b=")+2:]
	b = strings.NewReplacer("\r\n", "", "\t", "", " ", "").Replace(b)
	require.Equal(t, forge.Seal(t, key, []string{list[2], list[1], list[0]}), b) // RSA of PKCS #1 v1.5 is the same each time
	_, err = arc.Seal(strings.NewReader(strings.ReplaceAll(msg, "\r\n", "\n")), signer("one.example"), &authres.Results{ServID: "x"}, nil, dkim.Limits{})
	require.ErrorIs(t, err, dkim.ErrLineEnd)
}

// What Authentication-Results tells of a chain (section 6).
func TestMethod(t *testing.T) {
	r := verify(t, seal(t, "one.example", message))
	m := r.Method()
	require.Equal(t, authres.Method{Name: "arc", Result: authres.Pass, Comment: "i=1", Props: []authres.Property{{Type: "header", Name: "oldest-pass", Value: "0"}}}, m)
	m = verify(t, seal(t, "down.example", message)).Method()
	require.Equal(t, authres.Fail, m.Result)
	require.True(t, strings.HasSuffix(m.Reason, "key lookup failed"), m.Reason)
}

// No header makes verifying or sealing fail in another way than by its result, and what is sealed on a chain that holds holds.
func FuzzVerify(f *testing.F) {
	key := rsaKey(f)
	for _, c := range cases {
		message, _ := c.build(f, key)
		f.Add([]byte(message))
	}
	f.Add([]byte(message))
	z := mailauthtest.MustParse("s._domainkey.mx.example TXT v=DKIM1; p=" + forge.Record(f, key) + "\ns._domainkey.one.example TXT v=DKIM1; k=ed25519; p=" + forge.Record(f, signer("").Key))
	f.Fuzz(func(t *testing.T, message []byte) {
		v := &arc.Verifier{Resolver: z}
		r, err := v.Verify(t.Context(), bytes.NewReader(message))
		require.NoError(t, err)
		require.Equal(t, r.Result == authres.Fail, r.Err != nil)
		fields, err := arc.Seal(bytes.NewReader(message), signer("one.example"), &authres.Results{ServID: "x"}, r, dkim.Limits{})
		if err != nil || r.Result == authres.Fail {
			return
		}
		again, err := v.Verify(t.Context(), strings.NewReader(fields+string(message)))
		require.NoError(t, err)
		require.NoError(t, again.Err, "%s", fields)
		require.Len(t, again.Sets, len(r.Sets)+1)
	})
}

func BenchmarkVerifyChainOfThree(b *testing.B) {
	key := rsaKey(b)
	c := &chain{hops: []hop{{}, {}, {}}}
	message, records := c.build(b, key)
	v := &arc.Verifier{Resolver: mailauthtest.MustParse(records)}
	b.ReportAllocs()
	for b.Loop() {
		if r, err := v.Verify(b.Context(), strings.NewReader(message)); err != nil || r.Result != authres.Pass {
			b.Fatal(err)
		}
	}
}
