package sasl_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/sasl"
)

// guard notes what it is asked and told.
type guard struct {
	refuse error
	asked  []mail.AuthRequest
	told   []error
}

func (g *guard) Admit(_ context.Context, a *mail.AuthRequest) (func(error), error) {
	g.asked = append(g.asked, *a)
	if g.refuse != nil {
		return nil, g.refuse
	}
	return func(err error) { g.told = append(g.told, err) }, nil
}

// The guard is asked once before, and told once after each attempt, whatever the mechanism.
func TestGuard(t *testing.T) {
	for _, name := range []string{"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2"} {
		t.Run(name, func(t *testing.T) {
			g, auth := &guard{}, &rich{users: newUsers()}
			server := &sasl.Config{Authenticator: auth, Guard: g, Secured: true}
			user := func(password, token string) *sasl.ClientConfig {
				return &sasl.ClientConfig{Secured: true, Credentials: &mail.Credentials{Username: "user", Password: password, Token: token}}
			}
			_, serr, _ := login(t, server, user("pencil", "good-token"), name)
			require.NoError(t, serr)
			require.Len(t, g.asked, 1)
			require.Equal(t, "user", g.asked[0].Username+g.asked[0].Authorize)
			require.Equal(t, []error{nil}, g.told)

			_, serr, _ = login(t, server, user("pencils", "bad-token"), name)
			require.ErrorIs(t, serr, mail.ErrAuthFailed)
			require.Len(t, g.asked, 2)
			require.Len(t, g.told, 2)
			require.ErrorIs(t, g.told[1], mail.ErrAuthFailed)

			auth.last, g.refuse = nil, &mail.TooManyAttemptsError{}
			_, serr, _ = login(t, server, user("pencil", "good-token"), name)
			require.Error(t, serr)
			require.NotErrorIs(t, serr, mail.ErrAuthFailed)
			if name != "OAUTHBEARER" { // where this client has cancelled
				require.ErrorIs(t, serr, mail.ErrTooManyAttempts)
			}
			require.Nil(t, auth.last, "the Authenticator is not asked")
			require.Len(t, g.told, 2)
		})
	}
	t.Run("commands", func(t *testing.T) {
		g, auth := &guard{}, &rich{users: newUsers()}
		server := &sasl.Config{Authenticator: auth, Guard: g, Secured: true}
		_, err := server.Authenticate(t.Context(), "LOGIN", "user", "pencil")
		require.NoError(t, err)
		_, err = server.Authenticate(t.Context(), "LOGIN", "user", "")
		require.ErrorIs(t, err, mail.ErrAuthFailed)
		_, err = server.APOP(t.Context(), "<1@x>", "user", "00")
		require.ErrorIs(t, err, mail.ErrAuthFailed)
		require.Len(t, g.asked, 3)
		require.Len(t, g.told, 3)
	})
	// Who leaves in the middle has not failed.
	t.Run("left", func(t *testing.T) {
		g, auth := &guard{}, &rich{users: newUsers()}
		server := &sasl.Config{Authenticator: auth, Guard: g, Secured: true}
		x, err := server.Start(t.Context(), "SCRAM-SHA-256")
		require.NoError(t, err)
		gone := errors.New("connection lost")
		require.ErrorIs(t, x.Run("biwsbj11c2VyLHI9cm9wcm5wcw==", func(string) ([]byte, error) { return nil, gone }), gone)
		require.Len(t, g.asked, 1)
		require.Len(t, g.told, 1)
		require.NotErrorIs(t, g.told[0], mail.ErrAuthFailed)
		require.Error(t, g.told[0])
	})
}
