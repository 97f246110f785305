package smtp_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

// vault knows passwords in the clear, takes one token, and lets strangers in.
type vault struct{ users }

func (v vault) Password(_ context.Context, a *mail.AuthRequest) (string, *mail.Identity, error) {
	pw, ok := v.users[a.Username]
	if !ok {
		return "", nil, mail.ErrAuthFailed
	}
	return pw, &mail.Identity{Username: a.Username}, nil
}

func (v vault) AuthenticateToken(_ context.Context, a *mail.AuthRequest, token string) (*mail.Identity, error) {
	if token != "good" {
		return nil, mail.ErrAuthFailed
	}
	return &mail.Identity{Username: a.Authorize}, nil
}

func (v vault) AuthenticateAnonymous(context.Context, *mail.AuthRequest, string) (*mail.Identity, error) {
	return &mail.Identity{Username: "anonymous"}, nil
}

// Every mechanism that passwords and tokens allow, through our client and server, over TLS; SCRAM with channel binding among
// them (RFC 5802, RFC 9266 by tls-exporter).
func TestMechanisms(t *testing.T) {
	srv := smtptest.NewServer(t)
	cfg := srv.UseTLS()
	srv.Config.Authenticator = vault{users{"alice": "secret"}}
	trace := "guest"
	for _, m := range []string{"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "OAUTHBEARER", "XOAUTH2", "ANONYMOUS"} {
		t.Run(m, func(t *testing.T) {
			var used string
			var failed bool
			srv.Config.Hooks.Authenticated = func(c *smtp.Conn, mechanism, _ string, err error) {
				used = mechanism
				failed = err != nil
				if err == nil {
					require.Equal(t, mechanism, c.Mechanism())
				}
			}
			cred := &mail.Credentials{Username: "alice", Password: "secret", Token: "good", Mechanisms: []string{m}}
			if m == "ANONYMOUS" {
				cred = &mail.Credentials{Anonymous: &trace, Mechanisms: []string{m}}
			}
			opts := &smtp.ClientOptions{Dial: srv.Dial, TLS: smtp.TLSStartTLS, TLSConfig: cfg, Auth: cred}
			c, err := smtp.Dial(context.Background(), "smtptest.example:587", opts)
			require.NoError(t, err)
			require.Equal(t, m, used)
			require.NoError(t, c.Quit(context.Background()))
			cred = &mail.Credentials{Username: "alice", Password: "wrong", Token: "bad", Mechanisms: []string{m}}
			if m == "ANONYMOUS" {
				return
			}
			opts.Auth = cred
			_, err = smtp.Dial(context.Background(), "smtptest.example:587", opts)
			require.Error(t, err)
			require.True(t, failed)
			if !strings.Contains(m, "OAUTH") { // whose client may cancel when it hears why (RFC 7628 section 3.2.3)
				require.Equal(t, 535, mail.ReplyOf(err).Code)
			}
		})
	}
}
