package mailcheck_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/examples/fullserver/spool"
	"github.com/stretchr/testify/require"
)

// What the queue writes itself is signed on its way out, once, and nothing else is.
func TestNotices(t *testing.T) {
	dir := t.TempDir()
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(make([]byte, 32)))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(dir+"/key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(dir+"/keys", []byte("here.test 1 key\n"), 0o600))
	keys, err := mailcheck.OpenKeys(dir + "/keys")
	require.NoError(t, err)
	var got string
	n := &mailcheck.Notices{Keys: keys, Spooler: &spool.Spooler{Dir: dir}, Log: func(text string) { got = text },
		Next: mail.DelivererFunc(func(_ context.Context, _ *mail.Envelope, m io.Reader) error {
			b, err := io.ReadAll(m)
			got = string(b)
			return err
		})}
	send := func(from string, message io.Reader) error {
		tx, err := n.Begin(t.Context(), from, &mail.MailOptions{})
		require.NoError(t, err)
		defer tx.Abort()
		require.NoError(t, tx.Recipient(t.Context(), "x@far.test", &mail.RcptOptions{}))
		if err := tx.Body(t.Context(), message); err != nil {
			return err
		}
		_, err = tx.Commit(t.Context())
		return err
	}
	const notification = "From: MAILER-DAEMON@mail.here.test\r\nSubject: Undelivered\r\n\r\nNo.\r\n"
	require.NoError(t, send("", strings.NewReader(notification)))
	require.Regexp(t, `^DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=here\.test; s=1;`, got)
	require.True(t, strings.HasSuffix(got, notification))
	once := got
	require.NoError(t, send("", strings.NewReader(once)))
	require.Equal(t, once, got)
	require.NoError(t, send("a@here.test", strings.NewReader(notification)))
	require.Equal(t, notification, got)
	require.NoError(t, send("", strings.NewReader("From: a@far.test\r\n\r\nhello\r\n")))
	require.Equal(t, "From: a@far.test\r\n\r\nhello\r\n", got)
	require.NoError(t, send("", strings.NewReader(strings.ReplaceAll(notification, "\r\n", "\n"))))
	require.NotContains(t, got, "DKIM-Signature")
	require.EqualError(t, send("", io.MultiReader(strings.NewReader(notification), iotest.ErrReader(errors.New("gone")))), "gone")
}
