package arc_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/arc"
	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

const message = "From: a@author.example\r\nTo: list@example.net\r\nSubject: hello\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700\r\n\r\nThe body.\r\n"

var key = ed25519.NewKeyFromSeed(make([]byte, 32))

func signer(domain string) *dkim.Signer {
	return &dkim.Signer{Domain: domain, Selector: "s", Key: key}
}

func zone() *mailauthtest.Zone {
	text := ""
	for _, d := range []string{"one", "two", "three"} {
		text += "s._domainkey." + d + ".example TXT v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)) + "\n"
	}
	return mailauthtest.MustParse(text + "s._domainkey.down.example FAIL\n")
}

func verify(t *testing.T, msg string) *arc.Result {
	t.Helper()
	r, err := (&arc.Verifier{Resolver: zone()}).Verify(context.Background(), strings.NewReader(msg))
	require.NoError(t, err)
	return r
}

func seal(t *testing.T, domain, msg string) string {
	t.Helper()
	res := &authres.Results{ServID: domain, Methods: []authres.Method{{Name: "spf", Result: authres.Pass}}}
	fields, err := arc.Seal(strings.NewReader(msg), signer(domain), res, verify(t, msg), dkim.Limits{})
	require.NoError(t, err)
	return fields + msg
}

// RFC 8617 section 5.2: a chain of three holds, whoever of them changed the message, as long as the last signature does.
func TestChain(t *testing.T) {
	require.Equal(t, authres.None, verify(t, message).Result)
	one := seal(t, "one.example", message)
	r := verify(t, one)
	require.NoError(t, r.Err)
	require.Equal(t, authres.Pass, r.Result)
	require.Len(t, r.Sets, 1)
	require.Equal(t, "one.example", r.Sets[0].Domain)
	require.Equal(t, authres.None, r.Sets[0].CV)
	require.Equal(t, authres.Pass, r.Sets[0].Results.Methods[0].Result)

	// Step 5: "If an AMS fails to validate (for instance value "M"), then set the oldest-pass value to the lowest AMS
	// instance value that passed (M+1)"
	changed := strings.Replace(one, "Subject: hello", "Subject: [list] hello", 1)
	require.Equal(t, authres.Fail, verify(t, changed).Result)
	res := &authres.Results{ServID: "two.example"}
	fields, err := arc.Seal(strings.NewReader(changed), signer("two.example"), res, r, dkim.Limits{}) // checked before it changed the message
	require.NoError(t, err)
	two := fields + changed
	r = verify(t, two)
	require.NoError(t, r.Err)
	require.Equal(t, authres.Pass, r.Result)
	require.Equal(t, 2, r.OldestPass)
	require.Equal(t, authres.Pass, r.Sets[1].CV)

	three := seal(t, "three.example", two)
	r = verify(t, three)
	require.NoError(t, r.Err)
	require.Len(t, r.Sets, 3)
	require.Equal(t, 2, r.OldestPass)
}

// Section 5.1.2 and 5.1.3: what failed is sealed as failed, over the newest set alone, and then the chain is closed.
func TestFailedChain(t *testing.T) {
	broken := strings.Replace(seal(t, "one.example", message), "The body", "A body", 1)
	require.ErrorIs(t, verify(t, broken).Err, arc.ErrMessage)
	closed := seal(t, "two.example", broken)
	require.Contains(t, closed, "cv=fail")
	r := verify(t, closed)
	require.Equal(t, authres.Fail, r.Result)
	require.ErrorIs(t, r.Err, arc.ErrCV)
	_, err := arc.Seal(strings.NewReader(closed), signer("three.example"), &authres.Results{ServID: "x"}, r, dkim.Limits{})
	require.ErrorIs(t, err, arc.ErrClosed)
}

// Section 5.2.1: "All errors, including DNS failures, become unrecoverable and are considered permanent."
func TestLookupFails(t *testing.T) {
	r := verify(t, seal(t, "down.example", message))
	require.Equal(t, authres.Fail, r.Result)
}

// Section 4.1.2: fields of ARC and Authentication-Results "MUST NOT be included" in what the message signature covers.
func TestNotCovered(t *testing.T) {
	s := signer("one.example")
	s.Fields = []string{"From", "ARC-Seal", "Authentication-Results", "arc-message-signature", "Subject"}
	s.Now = func() time.Time { return time.Unix(1, 0) }
	fields, err := arc.Seal(strings.NewReader(message), s, &authres.Results{ServID: "x"}, &arc.Result{Result: authres.None}, dkim.Limits{})
	require.NoError(t, err)
	require.Regexp(t, `h=From:\s+From:\s+Subject;`, fields)
}
