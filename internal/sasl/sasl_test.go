package sasl_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	gosasl "github.com/emersion/go-sasl"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/sasl"
)

func TestAnnouncedIsWhatTheAuthenticatorCan(t *testing.T) {
	all := &rich{users: newUsers()}
	for _, c := range []struct {
		cfg  sasl.Config
		want string
	}{
		{sasl.Config{}, ""},
		{sasl.Config{Authenticator: newUsers()}, ""},
		{sasl.Config{Authenticator: newUsers(), Secured: true}, "PLAIN LOGIN"},
		{sasl.Config{Authenticator: &keys{users: newUsers()}}, "SCRAM-SHA-256 SCRAM-SHA-1"},
		{sasl.Config{Authenticator: all}, "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 ANONYMOUS"},
		{sasl.Config{Authenticator: all, Secured: true}, "SCRAM-SHA-256 SCRAM-SHA-1 OAUTHBEARER XOAUTH2 CRAM-MD5 PLAIN LOGIN ANONYMOUS"},
		{sasl.Config{Authenticator: all, Secured: true, Allow: []string{"plain", "SCRAM-SHA-256"}}, "SCRAM-SHA-256 PLAIN"},
	} {
		require.Equal(t, c.want, strings.Join(c.cfg.Mechanisms(), " "))
	}
	// RFC 4616 section 6: PLAIN "should not be used without adequate data security protection".
	open := sasl.Config{Authenticator: all}
	_, err := open.Start(context.Background(), "PLAIN")
	require.ErrorIs(t, err, sasl.ErrNotSecured)
	_, err = open.Start(context.Background(), "EXTERNAL")
	require.ErrorIs(t, err, sasl.ErrNoMechanism)
	_, err = open.Start(context.Background(), "KERBEROS_V4")
	require.ErrorIs(t, err, sasl.ErrNoMechanism)
	narrow := sasl.Config{Authenticator: all, Secured: true, Allow: []string{"PLAIN"}}
	_, err = narrow.Start(context.Background(), "LOGIN")
	require.ErrorIs(t, err, sasl.ErrNoMechanism)
}

// TestEveryMechanism lets every client talk to its server: right secret, wrong secret, unknown user, broken store.
func TestEveryMechanism(t *testing.T) {
	passwordMechanisms := []string{"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"}
	for _, name := range append(passwordMechanisms, "OAUTHBEARER", "XOAUTH2") {
		t.Run(name, func(t *testing.T) {
			auth := &rich{users: newUsers()}
			server := &sasl.Config{Authenticator: auth, Secured: true, Service: "pop3"}
			good := &sasl.ClientConfig{Secured: true, Credentials: &mail.Credentials{Username: "user", Password: "pencil", Token: "good-token"}}
			id, serr, cerr := login(t, server, good, name)
			require.NoError(t, serr)
			require.NoError(t, cerr)
			require.Equal(t, "user", id.Username)
			require.Equal(t, name, auth.last.Mechanism)
			require.Equal(t, "pop3", auth.last.Service)

			bad := &sasl.ClientConfig{Secured: true, Credentials: &mail.Credentials{Username: "user", Password: "pencils", Token: "bad-token"}}
			id, wrong, _ := login(t, server, bad, name)
			require.Nil(t, id)
			require.ErrorIs(t, wrong, mail.ErrAuthFailed)
			if name != "OAUTHBEARER" && name != "XOAUTH2" {
				bad.Credentials.Username = "nobody"
				_, unknown, _ := login(t, server, bad, name)
				require.ErrorIs(t, unknown, mail.ErrAuthFailed)
				require.Equal(t, wrong.Error(), unknown.Error(), "the same answer for an unknown user")
			}

			auth.down = true
			id, serr, _ = login(t, server, good, name)
			require.Nil(t, id)
			if name != "OAUTHBEARER" {
				require.ErrorIs(t, serr, errDown)
			}
			require.NotErrorIs(t, serr, mail.ErrAuthFailed)
		})
	}
	t.Run("non-ASCII", func(t *testing.T) {
		for _, name := range passwordMechanisms {
			server := &sasl.Config{Authenticator: &rich{users: newUsers()}, Secured: true}
			client := &sasl.ClientConfig{Secured: true, Credentials: &mail.Credentials{Username: "bùi", Password: "mật khẩu"}}
			_, serr, cerr := login(t, server, client, name)
			require.NoError(t, serr, name)
			require.NoError(t, cerr, name)
		}
	})
	t.Run("ANONYMOUS", func(t *testing.T) {
		trace := "sirhc"
		server := &sasl.Config{Authenticator: &rich{users: newUsers()}}
		id, serr, cerr := login(t, server, &sasl.ClientConfig{Credentials: &mail.Credentials{Anonymous: &trace}}, "ANONYMOUS")
		require.NoError(t, serr)
		require.NoError(t, cerr)
		require.Equal(t, "anonymous", id.Username)
	})
}

// TestAuthorizeIsNotTrusted is maddy's CVE-2023-27582: the authorization identity of PLAIN became the account without
// anybody asking whether the user may act as that. RFC 4616 section 2: the server "verifies that the authentication
// identity may act as the authorization identity".
func TestAuthorizeIsNotTrusted(t *testing.T) {
	for _, name := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-1"} {
		server := &sasl.Config{Authenticator: &rich{users: newUsers()}, Secured: true}
		as := func(user, password, authorize string) (*mail.Identity, error) {
			client := &sasl.ClientConfig{Secured: true, Credentials: &mail.Credentials{Username: user, Password: password, Authorize: authorize}}
			id, serr, _ := login(t, server, client, name)
			return id, serr
		}
		id, err := as("user", "pencil", "alice@example.test")
		require.ErrorIs(t, err, mail.ErrAuthFailed, name)
		require.Nil(t, id)
		id, err = as("admin", "root", "alice@example.test")
		require.NoError(t, err, name)
		require.Equal(t, "alice@example.test", id.AccountName())
		id, err = as("user", "pencil", "user")
		require.NoError(t, err, name)
		require.Equal(t, "user", id.AccountName())
		_, err = as("admin", "wrong", "alice@example.test")
		require.ErrorIs(t, err, mail.ErrAuthFailed, name)
	}
	// A token that is somebody else's.
	for _, name := range []string{"OAUTHBEARER", "XOAUTH2"} {
		server := &sasl.Config{Authenticator: &rich{users: newUsers()}, Secured: true}
		client := &sasl.ClientConfig{Secured: true, Credentials: &mail.Credentials{Username: "alice@example.test", Token: "good-token"}}
		// The client answers what only says why, so that it is told no as with any other mechanism (RFC 7628 section 3.2.3).
		id, serr, cerr := login(t, server, client, name)
		require.ErrorIs(t, serr, mail.ErrAuthFailed)
		require.NoError(t, cerr)
		require.Nil(t, id)
	}
}

func TestBadNamesNeverReachTheAuthenticator(t *testing.T) {
	auth := newUsers()
	c := &sasl.Config{Authenticator: auth, Secured: true}
	for _, name := range []string{"", "a\r\nb", "a\x7f", "\xff\xfe", "a\u0085b", "a\u2028b", strings.Repeat("x", 513)} {
		_, err := c.Authenticate(context.Background(), "USER", name, "x")
		require.ErrorIs(t, err, sasl.ErrMalformed, "%q", name)
		require.Nil(t, auth.last)
	}
	_, err := c.Authenticate(context.Background(), "USER", "user", "")
	require.ErrorIs(t, err, mail.ErrAuthFailed)
	require.Nil(t, auth.last, "an empty password is not asked about")
	id, err := c.Authenticate(context.Background(), "USER", "user", "pencil")
	require.NoError(t, err)
	require.Equal(t, "user", id.Username)
	require.Equal(t, "USER", auth.last.Mechanism)
	c.Secured = false
	_, err = c.Authenticate(context.Background(), "USER", "user", "pencil")
	require.ErrorIs(t, err, sasl.ErrNotSecured)
}

// RFC 4616 section 2: names and passwords are compared as SASLprep leaves them; a password that was stored as somebody
// typed it is right too.
func TestPlainIsPrepared(t *testing.T) {
	u := newUsers()
	u.passwords["raw"] = "½ tiê\u0301ng"
	c := &sasl.Config{Authenticator: u, Secured: true}
	for user, password := range map[string]string{"bu\u0300i": "mâ\u0323t khâ\u0309u", "bùi": "mật\u00a0khẩu", "raw": "½ tiê\u0301ng"} {
		_, err := c.Authenticate(context.Background(), "USER", user, password)
		require.NoError(t, err, "%q %q", user, password)
	}
	_, err := c.Authenticate(context.Background(), "USER", "bùi", "mât khâu")
	require.ErrorIs(t, err, mail.ErrAuthFailed)
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// script runs a server over lines that a test wrote by hand and returns the challenges.
func script(t *testing.T, c *sasl.Config, mechanism, initial string, lines ...string) ([]string, *sasl.Exchange, error) {
	t.Helper()
	e, err := c.Start(context.Background(), mechanism)
	require.NoError(t, err)
	var challenges []string
	err = e.Run(initial, func(challenge string) ([]byte, error) {
		challenges = append(challenges, challenge)
		if len(lines) == 0 {
			return nil, fmt.Errorf("no line left for challenge %q", challenge)
		}
		line := lines[0]
		lines = lines[1:]
		return []byte(line), nil
	})
	return challenges, e, err
}

func TestLines(t *testing.T) {
	c := &sasl.Config{Authenticator: &rich{users: newUsers()}, Secured: true, Hostname: "example.test"}
	// RFC 4954 section 4.1: "C: AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=": with an initial response, and without one.
	_, _, err := script(t, c, "plain", b64("\x00user\x00pencil"))
	require.NoError(t, err)
	ch, _, err := script(t, c, "PLAIN", "", b64("\x00user\x00pencil"))
	require.NoError(t, err)
	require.Equal(t, []string{""}, ch)
	// RFC 4954 section 4: "If the client wishes to cancel the authentication exchange, it issues a line with a single '*'."
	_, e, err := script(t, c, "PLAIN", "", "*")
	require.ErrorIs(t, err, sasl.ErrCancelled)
	require.Nil(t, e.Identity())
	_, _, err = e.Next([]byte("\x00user\x00pencil"))
	require.Error(t, err, "an exchange that has ended stays so")
	// "=" is an empty initial response: here no PLAIN message, there EXTERNAL's and ANONYMOUS's usual one.
	_, _, err = script(t, c, "PLAIN", "=")
	require.ErrorIs(t, err, sasl.ErrMalformed)
	_, _, err = script(t, c, "ANONYMOUS", "=")
	require.NoError(t, err)
	for _, bad := range []string{"!", "AGE", "AGEAYh==", "AGEA\nYg==", " AGEAYg==", "AGEAYg== ", "====="} {
		_, _, err = script(t, c, "PLAIN", bad)
		require.ErrorIs(t, err, sasl.ErrMalformed, "%q", bad)
	}
	// RFC 4954 section 4: a server-first mechanism with an initial response is refused.
	_, _, err = script(t, c, "CRAM-MD5", b64("user x"))
	require.ErrorIs(t, err, sasl.ErrMalformed)
	_, _, err = script(t, c, "PLAIN", b64("\x00user\x00"+strings.Repeat("x", sasl.MaxResponse)))
	require.ErrorIs(t, err, sasl.ErrMalformed)
	// draft-murchison-sasl-login: prompts; an initial response is the user name.
	ch, _, err = script(t, c, "LOGIN", "", b64("user"), b64("pencil"))
	require.NoError(t, err)
	require.Equal(t, []string{b64("Username:"), b64("Password:")}, ch)
	ch, e, err = script(t, c, "LOGIN", b64("user"), b64("pencil"))
	require.NoError(t, err)
	require.Equal(t, []string{b64("Password:")}, ch)
	require.Equal(t, "user", e.Username())
	_, _, err = script(t, c, "LOGIN", b64("user"), "")
	require.ErrorIs(t, err, mail.ErrAuthFailed)
	// A broken line in the middle is an end, not a retry.
	_, e, err = script(t, c, "LOGIN", "", b64("user"), "%")
	require.ErrorIs(t, err, sasl.ErrMalformed)
	require.Nil(t, e.Identity())
}

func TestMalformedMessages(t *testing.T) {
	c := &sasl.Config{Authenticator: &rich{users: newUsers()}, Secured: true}
	for mechanism, messages := range map[string][]string{
		"PLAIN":       {"", "user", "\x00user", "\x00user\x00pencil\x00", "\x00\x00pencil", "a\nb\x00user\x00pencil"},
		"OAUTHBEARER": {"", "n,,", "n,,\x01\x01", "n,,\x01auth=Bearer good-token\x01", "n,,\x01auth\x01\x01", "p=tls-exporter,,\x01auth=Bearer good-token\x01\x01", "n,b=x,\x01auth=Bearer good-token\x01\x01", "n,a=,\x01auth=Bearer good-token\x01\x01", "n,,\x01auth=Bearer good-token\x01auth=Bearer good-token\x01\x01", "n,,\x01host=x\x01\x01"},
		"XOAUTH2":     {"", "user=user\x01\x01", "user=user\x01auth=Bearer good-token\x01", "auth=Bearer good-token\x01user=user\x01\x01", "user=user\x01auth=Basic eDp5\x01\x01", "user=a\x01auth=Bearer\x01\x01"},
		"ANONYMOUS":   {"a\x00b", "\xff", strings.Repeat("x", 256)},
	} {
		for _, m := range messages {
			initial := b64(m)
			if m == "" {
				initial = "="
			}
			_, _, err := script(t, c, mechanism, initial)
			require.ErrorIs(t, err, sasl.ErrMalformed, "%s %q", mechanism, m)
		}
	}
	for _, m := range []string{"", "user", "user ", "user b913a602c7eda7a495b4e6e7334d389", " b913a602c7eda7a495b4e6e7334d3890"} {
		_, _, err := script(t, c, "CRAM-MD5", "", b64(m))
		require.ErrorIs(t, err, sasl.ErrMalformed, "%q", m)
	}
}

// RFC 2195 section 2: the example exchange.
func TestCRAMExample(t *testing.T) {
	c := &sasl.Config{Authenticator: &rich{users: newUsers()}}
	c.SetNonce("<1896.697170952@postoffice.reston.mci.net>")
	ch, e, err := script(t, c, "CRAM-MD5", "", "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw")
	require.NoError(t, err)
	require.Equal(t, []string{"PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"}, ch)
	require.Equal(t, "tim", e.Identity().Username)
	// Challenges differ: a recorded answer is worth nothing.
	fresh := &sasl.Config{Authenticator: c.Authenticator, Hostname: "mx.example.test"}
	require.NotEqual(t, fresh.Challenge(), fresh.Challenge())
	require.Regexp(t, `^<[A-Z0-9]{20,}@mx\.example\.test>$`, fresh.Challenge())
}

// RFC 1939 section 7: "<1896.697170952@dbc.mtview.ca.us>" and "tanstaaf" digest to c4c9334bac560ecc979e58001b3e22fb.
func TestAPOPExample(t *testing.T) {
	u := &rich{users: newUsers()}
	u.passwords["mrose"] = "tanstaaf"
	c := &sasl.Config{Authenticator: u}
	require.True(t, c.OffersAPOP())
	id, err := c.APOP(context.Background(), "<1896.697170952@dbc.mtview.ca.us>", "mrose", "c4c9334bac560ecc979e58001b3e22fb")
	require.NoError(t, err)
	require.Equal(t, "mrose", id.Username)
	for user, digest := range map[string]string{"mrose": "c4c9334bac560ecc979e58001b3e22fc", "nobody": "c4c9334bac560ecc979e58001b3e22fb"} {
		_, err = c.APOP(context.Background(), "<1896.697170952@dbc.mtview.ca.us>", user, digest)
		require.EqualError(t, err, mail.ErrAuthFailed.Error())
	}
	_, err = (&sasl.Config{Authenticator: newUsers()}).APOP(context.Background(), "<x@y>", "user", "")
	require.ErrorIs(t, err, sasl.ErrNoMechanism)
}

// RFC 7628 section 3.2.2 and 3.2.3: the reason goes as a challenge; any answer to it, the dummy or not, ends the exchange.
// go-sasl's server alone would crash on an empty one.
func TestBearerFailureEndsWithAnyAnswer(t *testing.T) {
	c := &sasl.Config{Authenticator: &rich{users: newUsers()}, Secured: true}
	for _, answer := range []string{"", "AQ==", b64("what?")} {
		ch, e, err := script(t, c, "OAUTHBEARER", b64("n,a=user,\x01host=h\x01port=143\x01auth=Bearer bad\x01\x01"), answer)
		require.ErrorIs(t, err, mail.ErrAuthFailed)
		require.Len(t, ch, 1)
		reason, _ := base64.StdEncoding.DecodeString(ch[0])
		require.Contains(t, string(reason), `"status":"invalid_token"`)
		require.Equal(t, "user", e.Username(), "for the log")
		_, _, err = script(t, c, "XOAUTH2", b64("user=user\x01auth=Bearer bad\x01\x01"), answer)
		require.ErrorIs(t, err, mail.ErrAuthFailed)
	}
	// Section 3.1: unknown keys are ignored; the flag "y" is as good as "n".
	_, _, err := script(t, c, "OAUTHBEARER", b64("y,a=user,\x01mthd=POST\x01auth=bearer good-token\x01\x01"))
	require.NoError(t, err)
	_, _, err = script(t, c, "OAUTHBEARER", b64("n,,\x01auth=Bearer good-token\x01\x01"))
	require.NoError(t, err)
}

func TestClientChoosesTheBest(t *testing.T) {
	password := mail.Credentials{Username: "user", Password: "pencil"}
	start := func(cr mail.Credentials, secured bool, offered string) (string, error) {
		x, err := (&sasl.ClientConfig{Credentials: &cr, Secured: secured, Offered: strings.Fields(offered)}).Start()
		if err != nil {
			return "", err
		}
		return x.Mechanism(), nil
	}
	name, err := start(password, true, "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS GSSAPI")
	require.NoError(t, err)
	require.Equal(t, "SCRAM-SHA-256", name, "no TLS to bind to")
	name, _ = start(password, false, "plain login cram-md5")
	require.Equal(t, "CRAM-MD5", name)
	_, err = start(password, false, "PLAIN LOGIN")
	require.ErrorIs(t, err, sasl.ErrNotSecured)
	password.AllowPlaintext = true
	name, _ = start(password, false, "LOGIN PLAIN")
	require.Equal(t, "PLAIN", name)
	password.Mechanisms = []string{"LOGIN", "PLAIN"}
	name, _ = start(password, true, "LOGIN PLAIN SCRAM-SHA-256")
	require.Equal(t, "LOGIN", name)
	_, err = start(mail.Credentials{Username: "user", Token: "t"}, true, "PLAIN SCRAM-SHA-256")
	require.ErrorIs(t, err, sasl.ErrNoMechanism)
	name, _ = start(mail.Credentials{Username: "user", Token: "t"}, true, "PLAIN XOAUTH2 OAUTHBEARER")
	require.Equal(t, "OAUTHBEARER", name)
	name, _ = start(mail.Credentials{Username: "user", Password: "p", Authorize: "other"}, true, "CRAM-MD5 LOGIN PLAIN")
	require.Equal(t, "PLAIN", name, "CRAM-MD5 and LOGIN can't say whom to act as")
	_, err = (&sasl.ClientConfig{Offered: []string{"PLAIN"}}).Start()
	require.ErrorIs(t, err, sasl.ErrNoMechanism)
}

// A server without room for initial responses asks for it with an empty challenge.
func TestInitialResponseLater(t *testing.T) {
	x, err := sasl.NewClientExchange(gosasl.NewPlainClient("", "user", "pencil"))
	require.NoError(t, err)
	require.True(t, x.HasInitial())
	line, err := x.Answer("")
	require.NoError(t, err)
	require.Equal(t, b64("\x00user\x00pencil"), line)
	_, err = x.Answer("")
	require.Error(t, err)
	x, _ = sasl.NewClientExchange(gosasl.NewPlainClient("", "user", "pencil"))
	_, err = x.Answer(b64("give me the password"))
	require.Error(t, err, "PLAIN knows no challenge")
	_, err = x.Answer("%%%")
	require.Error(t, err)
}

func TestExtraMechanism(t *testing.T) {
	c := &sasl.Config{Authenticator: newUsers(), Extra: map[string]func(context.Context, *sasl.Config) (gosasl.Server, sasl.IdentityFunc){
		"X-TRUST": func(context.Context, *sasl.Config) (gosasl.Server, sasl.IdentityFunc) {
			var who string
			return gosasl.NewAnonymousServer(func(trace string) error { who = trace; return nil }),
				func() *mail.Identity { return &mail.Identity{Username: who} }
		},
	}}
	require.Equal(t, []string{"X-TRUST"}, c.Mechanisms())
	_, e, err := script(t, c, "x-trust", b64("bob"))
	require.NoError(t, err)
	require.Equal(t, "bob", e.Identity().Username)
}
