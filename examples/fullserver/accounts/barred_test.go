package accounts

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

// An account that is locked in one passdb has no way in by another.
func TestLockedAccounts(t *testing.T) {
	dir := t.TempDir()
	users, apps := filepath.Join(dir, "users"), filepath.Join(dir, "apps")
	require.NoError(t, os.WriteFile(users, []byte("free@d:{PLAIN}x\nlocked@d:{PLAIN}x::::::nologin=y\nhome@d:{PLAIN}x::::::allow_nets=192.0.2.0/24\n"), 0o600))
	s := newTokenServer(t, map[string]string{"free": `{"email": "free@d"}`, "locked": `{"email": "locked@d"}`, "home": `{"email": "home@d"}`})
	passwords, text := map[string]string{}, ""
	for _, who := range []string{"free", "locked", "home"} {
		p, line, err := MakeAppPassword(who+"@d", []string{"imap"}, "", time.Now())
		require.NoError(t, err)
		passwords[who], text = p, text+line.String()+"\n"
	}
	require.NoError(t, os.WriteFile(apps, []byte(text), 0o600))
	conf := s.conf(t, "")
	for _, chain := range []string{"app-passwords:" + apps + ", passwd-file:" + users + ", oauth2:" + conf, "passwd-file:" + users + ", oauth2:" + conf + ", app-passwords:" + apps} {
		for _, size := range []int64{0, 1 << 20} {
			a, err := Open(Options{Passdbs: chain, Domain: "d", Cache: CacheOptions{Size: size, TTL: time.Hour}})
			require.NoError(t, err)
			for range 2 {
				for _, tt := range []struct {
					who, ip string
					in      bool
				}{{"free", "192.0.3.1", true}, {"locked", "192.0.2.1", false}, {"home", "192.0.2.1", true}, {"home", "192.0.3.1", false}} {
					_, err := a.Authenticator().Authenticate(t.Context(), &mail.AuthRequest{Username: tt.who, Password: passwords[tt.who], Service: "imap", Remote: &net.TCPAddr{IP: net.ParseIP(tt.ip)}})
					require.Equal(t, tt.in, err == nil, "%v: %v", tt, err)
					require.True(t, err == nil || errors.Is(err, mail.ErrAuthFailed))
					_, err = byToken(t, a, tt.who, tt.who, tt.ip)
					require.Equal(t, tt.in, err == nil, "by token, %v: %v", tt, err)
				}
			}
		}
	}
	// While nobody knows whether an account is locked nobody gets in by another way.
	good := &fake{spec: "good", passwords: map[string]string{"free@d": "x"}}
	a, err := Open(Options{Passdbs: "app-passwords:" + apps + ", passwd-file:" + users, Domain: "d"})
	require.NoError(t, err)
	a.passdbs = append(a.passdbs, &entry{source: good, skip: "never", success: ruleReturnOK, failure: ruleContinue, internal: ruleContinue})
	good.down = true
	_, err = a.Authenticator().Authenticate(t.Context(), &mail.AuthRequest{Username: "free", Password: passwords["free"], Service: "imap"})
	require.ErrorIs(t, err, errDown)
}
