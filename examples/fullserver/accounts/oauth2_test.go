package accounts

import (
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

// tokenServer answers what it knows of tokens, over TLS, and remembers what it was shown.
type tokenServer struct {
	*httptest.Server
	ca string // a file

	mu    sync.Mutex
	shown []string
}

func newTokenServer(t *testing.T, answers map[string]string) *tokenServer {
	s := new(tokenServer)
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		s.mu.Lock()
		s.shown = append(s.shown, token)
		s.mu.Unlock()
		if a, ok := answers[token]; ok {
			fmt.Fprint(w, a)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(s.Close)
	s.ca = filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(s.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	return s
}

func (s *tokenServer) conf(t *testing.T, more string) string {
	file := filepath.Join(t.TempDir(), "oauth2.conf.ext")
	require.NoError(t, os.WriteFile(file, []byte("introspection_url = "+s.URL+"/userinfo\ntls_ca_cert_file = "+s.ca+"\n"+more), 0o600))
	return file
}

func people(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "users")
	require.NoError(t, os.WriteFile(file, []byte("alice@d:{PLAIN}secret\nbob@d:{PLAIN}x\n"), 0o600))
	return "passwd-file:" + file
}

func byToken(t *testing.T, a *Accounts, user, token, ip string) (string, error) {
	q := &mail.AuthRequest{Authorize: user, Mechanism: "OAUTHBEARER", Service: "imap", Secured: true}
	if ip != "" {
		q.Remote = &net.TCPAddr{IP: net.ParseIP(ip)}
	}
	id, err := a.Authenticator("oauthbearer").(mail.TokenAuthenticator).AuthenticateToken(t.Context(), q, token)
	if err != nil {
		require.Nil(t, id)
		return "", err
	}
	return id.Account, nil
}

func TestTokenSettings(t *testing.T) {
	s := newTokenServer(t, map[string]string{
		"alice":    `{"email": "alice@d", "login": "ALICE", "off": "n", "nets": "192.0.2.0/24", "roles": ["mail", "vpn"]}`,
		"off":      `{"email": "alice@d", "off": "y"}`,
		"nobody":   `{"email": "nobody@d"}`,
		"local":    `{"email": "alice"}`,
		"stranger": `{"email": "alice@other"}`,
		"evil":     `{"email": "../alice@d"}`,
	})
	for name, tt := range map[string]struct {
		conf, user, token, ip, want string
	}{
		"usual":                            {"", "alice", "alice", "", "alice@d"},
		"the token says who":               {"", "", "alice", "", "alice@d"},
		"the token says nobody known":      {"", "", "nobody", "", ""},
		"another's":                        {"", "bob", "alice", "", ""},
		"a name without a domain":          {"", "", "local", "", "alice@d"},
		"the name of another domain":       {"", "alice", "stranger", "", ""},
		"only the local part counts":       {"username_format = %Ln\n", "alice", "stranger", "", "alice@d"},
		"a name that is a path":            {"", "", "evil", "", ""},
		"2.4's format":                     {"username_validation_format = %{username}@d\n", "alice", "stranger", "", "alice@d"},
		"2.4's format, and pass_attrs":     {"username_validation_format = %{username}@d\npass_attrs = nologin=y\n", "alice", "stranger", "", ""},
		"another claim":                    {"username_attribute = login\n", "alice", "alice", "", "alice@d"},
		"a claim that isn't there":         {"username_attribute = sub\n", "alice", "alice", "", ""},
		"pass_attrs, nologin":              {"pass_attrs = nologin=%{oauth2:off:n}\n", "alice", "off", "", ""},
		"pass_attrs, not nologin":          {"pass_attrs = nologin=%{oauth2:off:n}\n", "alice", "alice", "", "alice@d"},
		"pass_attrs, its default":          {"pass_attrs = nologin=%{oauth2:off:y}\n", "alice", "local", "", ""},
		"pass_attrs, allow_nets":           {"pass_attrs = allow_nets=%{oauth2:nets}\n", "alice", "alice", "192.0.2.7", "alice@d"},
		"pass_attrs, from elsewhere":       {"pass_attrs = allow_nets=%{oauth2:nets}\n", "alice", "alice", "192.0.3.7", ""},
		"pass_attrs, another account":      {"pass_attrs = user=bob@d\n", "alice", "alice", "", "bob@d"},
		"pass_attrs, no password":          {"pass_attrs = password=x pass=%{oauth2:email}\n", "alice", "alice", "", "alice@d"},
		"active":                           {"active_attribute = off\nactive_value = n\n", "alice", "alice", "", "alice@d"},
		"not active":                       {"active_attribute = off\nactive_value = n\n", "alice", "off", "", ""},
		"nothing says so":                  {"active_attribute = off\n", "alice", "local", "", ""},
		"unknown":                          {"", "alice", "x", "", ""},
		"empty":                            {"", "alice", "", "", ""},
		"a certificate of somebody else's": {"tls_ca_cert_file = /dev/null\n", "", "", "", "error"},
	} {
		a, err := Open(Options{Passdbs: "oauth2:" + s.conf(t, tt.conf), Userdbs: people(t), Domain: "d"})
		if tt.want == "error" {
			require.Error(t, err, name)
			continue
		}
		require.NoError(t, err, name)
		got, err := byToken(t, a, tt.user, tt.token, tt.ip)
		if tt.want == "" {
			require.ErrorIs(t, err, mail.ErrAuthFailed, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, tt.want, got, name)
	}
}

// A password isn't shown to the server that knows tokens, and a token to nobody else, unless main.cf says so.
func TestPasswordsAreNoTokens(t *testing.T) {
	s := newTokenServer(t, map[string]string{"alice": `{"email": "alice@d"}`})
	users := people(t)
	login := func(a *Accounts, password string) error {
		_, err := a.Authenticator().Authenticate(t.Context(), &mail.AuthRequest{Username: "alice", Password: password, Mechanism: "PLAIN", Service: "imap"})
		return err
	}
	a, err := Open(Options{Passdbs: "oauth2:" + s.conf(t, "") + ", " + users, Userdbs: users, Domain: "d"})
	require.NoError(t, err)
	require.NoError(t, login(a, "secret"))
	require.ErrorIs(t, login(a, "alice"), mail.ErrAuthFailed)
	require.Empty(t, s.shown)
	_, err = byToken(t, a, "alice", "secret", "")
	require.ErrorIs(t, err, mail.ErrAuthFailed, "a password is no token, either")

	a, err = Open(Options{Passdbs: "{ oauth2:" + s.conf(t, "") + " mechanisms=plain,oauthbearer }, " + users, Userdbs: users, Domain: "d"})
	require.NoError(t, err)
	require.NoError(t, login(a, "alice"))
	require.NoError(t, login(a, "secret"))
	a, err = Open(Options{Passdbs: "{ oauth2:" + s.conf(t, "") + " mechanisms=xoauth2 }, { passwd-file:/dev/null mechanisms=scram-sha-256 }, " + users, Userdbs: users, Domain: "d"})
	require.NoError(t, err)
	_, err = byToken(t, a, "alice", "alice", "")
	require.ErrorIs(t, err, mail.ErrAuthFailed)

	s.Close()
	a, err = Open(Options{Passdbs: "oauth2:" + s.conf(t, ""), Userdbs: users, Domain: "d"})
	require.NoError(t, err)
	for _, user := range []string{"alice", ""} {
		_, err = byToken(t, a, user, "alice", "")
		require.Error(t, err)
		require.NotErrorIs(t, err, mail.ErrAuthFailed, "nobody knows")
	}
}

func TestTokenSettingsRefused(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"":                              "must be given",
		"introspection_url = ftp://x\n": "no URL",
		"introspection_url = https://x\nintrospection_mode = header\n":                              "auth, get, post or local",
		"introspection_mode = local\n":                                                              "needs local_validation_key_dict",
		"introspection_mode = local\nlocal_validation_key_dict = file:/x\n":                         "fs:posix:prefix=",
		"introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix=" + dir + "/no/\n": "no such folder",
		"introspection_url = https://x\nactive_value = true\n":                                      "needs active_attribute",
		"introspection_url = https://x\ntls_allow_invalid_cert = yes\n":                             "not supported",
		"introspection_url = https://x\nrawlog_dir = /tmp\n":                                        "not supported",
		"grant_url = https://x\n":                                                                   "not supported",
		"introspection_url = https://x\npass_attrs = user=%{oauth2:}\n":                             "names no attribute",
		"introspection_url = https://x\npass_attrs = proxy=y\n":                                     "not supported",
		"introspection_url = https://x\nusername_format = %w\n":                                     "not known here",
		"introspection_url = https://x\ntimeout_msecs = -1\n":                                       "is a number",
		"introspection_url = https://x\nusername_atribute = email\n":                                "did you mean username_attribute",
		"introspection_url = https://x\ntls_cert_file = /dev/null\ntls_key_file = /dev/null\n":      "tls_cert_file",
		"introspection_url = https://x\nopenid_configuration_url = id.example.org\n":                "no URL",
	} {
		file := filepath.Join(dir, "conf")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := Open(Options{Passdbs: "oauth2:" + file, Userdbs: people(t), Domain: "d"})
		require.ErrorContains(t, err, want, "%q", text)
		require.ErrorContains(t, err, file)
	}
}
