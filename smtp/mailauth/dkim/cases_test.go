package dkim_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/internal/forge"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

const (
	pass      = authres.Pass
	fail      = authres.Fail
	policy    = authres.Policy
	temperror = authres.TempError
	permerror = authres.PermError
)

// verify is one signature and what becomes of it. The tables are the cases of this package's tests and of those that compare with
// dkimpy and OpenDKIM.
type verify struct {
	clause  string // a section of RFC 6376 if no other is named, and its words
	tags    string // of the signature, as forge has them
	key     string // "rsa" (1024 bits), "rsa2048", "rsa4096" or "ed"; "" is rsa2048
	record  string // of the key; "{p}" is its p=. "" is "v=DKIM1; k=…; p={p}", "-" for none, "FAIL"
	message string // that is signed; "" is letter
	old     string // is replaced by new after signing, in the whole
	new     string
	want    authres.Code
	err     error

	// dkimpy and opendkim say whether they let it pass where that is not so only for want == Pass; why is the words behind it.
	dkimpy, opendkim, why string
}

const letter = "Received: from a.example.com\r\n\tby b.example.com; Fri, 11 Jul 2003 21:01:54 -0700\r\n" +
	"From: Joe SixPack <joe@example.com>\r\n" +
	"To: Suzie Q <suzie@shopping.example.net>,\r\n  bob@example.net\r\n" +
	"Subject: Is dinner ready?\r\n" +
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n" +
	"Message-ID: <20030712040037.46341.5F8J@example.com>\r\n" +
	"\r\nHi.\r\n\r\nWe lost the  game. \r\nAre you hungry yet?\r\n\r\nJoe.\r\n\r\n\r\n"

func keyring(t testing.TB) map[string]crypto.Signer {
	small, ed := keys(t)
	return map[string]crypto.Signer{"rsa": small, "ed": ed, "rsa2048": forge.RSA(t, 2048), "rsa4096": forge.RSA(t, 4096)}
}

// sized is the record of some RSA key of so many bits, to which nobody has the secret one.
func sized(bits uint) string {
	n := new(big.Int).Lsh(big.NewInt(3), bits-2)
	n.Add(n, big.NewInt(12345))
	der, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: n, E: 65537})
	if err != nil {
		panic(err)
	}
	return "v=DKIM1; p=" + base64.StdEncoding.EncodeToString(der)
}

// build returns the message of a case and the records for it, with a selector of its own.
func (c *verify) build(t testing.TB, ring map[string]crypto.Signer, i int) (message, zone string) {
	if c.key == "" {
		c.key = "rsa2048"
	}
	key := ring[c.key]
	msg := c.message
	if msg == "" {
		msg = letter
	}
	selector := fmt.Sprintf("s%d", i)
	tags := c.tags
	if !strings.Contains(tags, "s=") {
		tags = strings.TrimSuffix(strings.TrimSpace(tags), ";")
		tags += map[bool]string{true: "; "}[tags != ""] + "s=" + selector + ";"
	}
	message = forged(t, tags, msg, key) + msg
	if c.old != "" {
		require.Contains(t, message, c.old, c.clause)
		message = strings.Replace(message, c.old, c.new, 1)
	}
	record := c.record
	switch record {
	case "":
		record = "v=DKIM1; p={p}"
		if c.key == "ed" {
			record = "v=DKIM1; k=ed25519; p={p}"
		}
	case "-":
		return message, ""
	case "FAIL":
		return message, selector + "._domainkey.example.com FAIL\n"
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(record, "{p}", forge.Record(t, key)), "\n") {
		zone += selector + "._domainkey.example.com TXT " + line + "\n"
	}
	return message, zone
}

func tables() []verify {
	var out []verify
	for _, list := range [][]verify{tagCases, canonCases, keyCases} {
		out = append(out, list...)
	}
	return out
}

func TestCases(t *testing.T) {
	ring := keyring(t)
	for i, c := range tables() {
		message, zone := c.build(t, ring, i)
		v := &dkim.Verifier{Resolver: mailauthtest.MustParse(zone)}
		list, err := v.Verify(t.Context(), strings.NewReader(message))
		require.NoError(t, err, c.clause)
		require.Len(t, list, 1, c.clause)
		if list[0].Result != c.want || !errors.Is(list[0].Err, c.err) {
			t.Errorf("%s: %s (%v), want %s (%v)\n%s%s", c.clause, list[0].Result, list[0].Err, c.want, c.err, message, zone)
		}
	}
}
