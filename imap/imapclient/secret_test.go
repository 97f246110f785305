package imapclient_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imaptest"
)

// shows reports in which form text holds the secret: as it is, quoted, in hexadecimal digits, or in base64 at whatever place in what
// was encoded.
func shows(text, secret string) string {
	forms := map[string]string{"plain": secret, "hex": hex.EncodeToString([]byte(secret)), "quoted": strings.ReplaceAll(strings.ReplaceAll(secret, `\`, `\\`), `"`, `\"`)}
	for shift := range 3 {
		// Whole groups only: what comes before and behind is not known.
		b := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
		first := (shift*8 + 5) / 6
		last := (shift + len(secret)) * 8 / 6
		forms[fmt.Sprint("base64 at ", shift)] = b[first:last]
	}
	for name, form := range forms {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			return name
		}
	}
	return ""
}

func TestShows(t *testing.T) {
	for _, before := range []string{"", "a", "\x00ab", "n,a=x,\x01auth=Bearer "} {
		require.NotEmpty(t, shows("A1 AUTHENTICATE X "+base64.StdEncoding.EncodeToString([]byte(before+"tr0ub4dor&3"+"\x01\x01")), "tr0ub4dor&3"), "%q", before)
	}
	require.NotEmpty(t, shows(`LOGIN a "x\"y"`, `x"y`))
	require.Empty(t, shows("A1 AUTHENTICATE PLAIN ***", "tr0ub4dor&3"))
}

// bearer is an authenticator that knows tokens, too.
type bearer struct{ imaptest.Users }

func (b bearer) AuthenticateToken(_ context.Context, _ *mail.AuthRequest, token string) (*mail.Identity, error) {
	if token != b.Users["token"] {
		return nil, mail.ErrAuthFailed
	}
	return &mail.Identity{Username: imaptest.Username}, nil
}

// No password in a log: whatever mechanism is used, with SASL-IR and without, when it succeeds and when it fails, the trace and the errors
// and events show neither the password nor the token, nor what could be guessed from.
func TestNoSecretInTrace(t *testing.T) {
	// It needs quoting in LOGIN; the other can only be a literal.
	for _, password := range []string{`tr0ub"4dor\&3`, "mật khẩu của tôi"} {
		const token = "ya29.tr0ub4dor-and_3"
		for _, mechanism := range []string{"LOGIN command", "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "OAUTHBEARER", "XOAUTH2"} {
			for _, wrong := range []bool{false, true} {
				for _, without := range [][]string{nil, {"SASL-IR"}, {"SASL-IR", "LITERAL+", "IMAP4rev2"}} {
					t.Run(fmt.Sprint(mechanism, " ", password, " ", wrong, without), func(t *testing.T) {
						srv := imaptest.NewServer(t)
						known := password
						goodToken := token
						if wrong {
							known, goodToken = "another", "another"
						}
						srv.Config.Authenticator = bearer{imaptest.Users{imaptest.Username: known, "token": goodToken}}
						var tr trace
						ev := &events{news: make(chan struct{}, 1)}
						o := &imapclient.Options{Dial: srv.Dial, Trace: tr.add, Events: ev.add, TLSConfig: srv.UseTLS(), Without: without, Auth: &mail.Credentials{Username: imaptest.Username}}
						if strings.Contains(mechanism, "AUTH") {
							o.Auth.Token = token
						} else {
							o.Auth.Password = password
						}
						if mechanism == "LOGIN command" {
							srv.Config.Mechanisms = []string{"EXTERNAL"} // which it has not: no AUTH= at all
						} else {
							o.Auth.Mechanisms = []string{mechanism}
						}
						c, err := imapclient.Dial(t.Context(), "imaptest.example:143", o)
						text := tr.String() + fmt.Sprint(err) + fmt.Sprint(ev.take())
						if wrong {
							require.ErrorIs(t, err, mail.ErrAuthFailed, text)
						} else {
							require.NoError(t, err, text)
							require.NoError(t, c.Close())
						}
						if mechanism == "LOGIN command" {
							require.Contains(t, text, " LOGIN ***")
						} else {
							require.Contains(t, text, "AUTHENTICATE "+mechanism)
						}
						require.Empty(t, shows(text, password)+shows(text, token), text)
						// Nothing of the dialogue but its frame: an answer to a challenge lets one try passwords at leisure.
						for line := range strings.Lines(text) {
							if rest, ok := strings.CutPrefix(line, "C: "); ok && !strings.HasPrefix(rest, "A") {
								require.Contains(t, []string{"***", "*"}, strings.TrimSpace(rest))
							}
							if rest, ok := strings.CutPrefix(line, "S: +"); ok {
								require.Contains(t, []string{"", "***"}, strings.TrimSpace(rest))
							}
						}
					})
				}
			}
		}
	}
}

// A server that repeats the password has it masked, too.
func TestNoSecretFromServer(t *testing.T) {
	var tr trace
	_, _, err := scripted(t, `
		S: * OK [CAPABILITY IMAP4rev1] hello
		C: TAG LOGIN alice …
		S: * OK I have got "secret" from you
		S: TAG NO [AUTHENTICATIONFAILED] secret is wrong`, func(o *imapclient.Options) {
		o.Trace, o.TLS, o.Auth.AllowPlaintext = tr.add, imapclient.TLSNone, true
	})
	require.Equal(t, imap.CodeAuthenticationFailed, imapclient.CodeOf(err))
	require.Empty(t, shows(tr.String(), imaptest.Password), tr.String())
}
