package accounts

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/auth/totp"
)

// A user with a key logs in with an app password everywhere, and with her own where web mail comes from.
func TestSecondFactorKeepsPasswordsOnTheWeb(t *testing.T) {
	dir := t.TempDir()
	users, apps := filepath.Join(dir, "users"), filepath.Join(dir, "apps")
	require.NoError(t, os.WriteFile(users, []byte("u@d:{PLAIN}own::::::totp=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\nplain@d:{PLAIN}own\nbroken@d:{PLAIN}own::::::userdb_totp=1\n"), 0o600))
	phone, line, err := MakeAppPassword("u@d", []string{"imap"}, "", time.Now())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(apps, []byte(line.String()+"\n"), 0o600))
	a, err := Open(Options{Passdbs: "app-passwords:" + apps + ", passwd-file:" + users, Domain: "d", SecondFactor: true})
	require.NoError(t, err)
	all := a.Authenticator("cram-md5", "scram-sha-256")
	network, socket := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.UnixAddr{Name: "@", Net: "unix"}
	for _, tt := range []struct {
		user, password string
		from           net.Addr
		want           string
	}{
		{"u", "own", network, "no"}, {"u", "own", nil, "no"}, {"u", "own", socket, "yes"}, {"u", phone, network, "yes"}, {"u", "wrong", socket, "no"},
		{"plain", "own", network, "yes"}, {"plain", "own", socket, "yes"}, {"broken", "own", network, "?"}, {"broken", "wrong", network, "no"},
	} {
		q := &mail.AuthRequest{Username: tt.user, Password: tt.password, Service: "imap", Remote: tt.from}
		verdict := func(err error) string {
			switch {
			case err == nil:
				return "yes"
			case strings.Contains(err.Error(), mail.ErrAuthFailed.Error()):
				return "no"
			}
			return "?"
		}
		_, err := all.Authenticate(t.Context(), q)
		require.Equal(t, tt.want, verdict(err), "%v: %v", tt, err)
		if tt.password != "own" {
			continue
		}
		q.Password = ""
		_, _, err = all.(mail.PasswordStore).Password(t.Context(), q)
		require.Equal(t, tt.want, verdict(err), "CRAM-MD5, %v: %v", tt, err)
		_, _, err = all.(mail.SCRAMStore).SCRAM(t.Context(), q, "SHA-256")
		require.Equal(t, tt.want, verdict(err), "SCRAM, %v: %v", tt, err)
	}
}

func TestRecoveryCodes(t *testing.T) {
	dir := t.TempDir()
	users, file := filepath.Join(dir, "users"), filepath.Join(dir, "codes")
	require.NoError(t, os.WriteFile(users, []byte("u@d:{PLAIN}own::::::totp=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\nplain@d:{PLAIN}own\n"), 0o600))
	a, err := Open(Options{Passdbs: "passwd-file:" + users, Domain: "d"})
	require.NoError(t, err)
	s := &SecondFactor{Users: a, Recovery: file, Codes: totp.NewVerifier()}
	for user, want := range map[string]bool{"u": true, "U@D": true, "plain": false, "nobody": false} {
		got, err := s.Wanted(t.Context(), user)
		require.NoError(t, err)
		require.Equal(t, want, got, user)
	}
	require.NoError(t, s.Verify(t.Context(), "plain", "whatever"), "who has no key needs no code")

	var codes []string
	text := "# codes\n"
	for range 3 {
		code, line := MakeRecoveryCode("u@d", time.Now())
		require.Regexp(t, `^([a-z2-9]{4}-){3}[a-z2-9]{4}$`, code)
		codes, text = append(codes, code), text+line+"\n"
	}
	other, line := MakeRecoveryCode("plain@d", time.Now())
	require.NoError(t, os.WriteFile(file, []byte(text+line+"\n"), 0o600))

	require.ErrorIs(t, s.Verify(t.Context(), "u", other), totp.ErrWrong, "another's")
	require.NoError(t, s.Verify(t.Context(), "u", codes[1]))
	require.ErrorIs(t, s.Verify(t.Context(), "u", codes[1]), totp.ErrWrong, "each is good once")
	require.NoError(t, s.Verify(t.Context(), "U@d", strings.ToUpper(strings.ReplaceAll(codes[0], "-", " "))), "as people type")
	left, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 3, strings.Count(string(left), "\n"))
	require.Contains(t, string(left), "# codes\n")

	var in atomic.Int32 // two at once with the last one
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if s.Verify(t.Context(), "u", codes[2]) == nil {
				in.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, in.Load())
	var too *mail.TooManyAttemptsError
	for n := 0; ; n++ {
		require.Less(t, n, 12)
		if err := s.Verify(t.Context(), "u", fmt.Sprintf("%06d", n)); err != nil {
			if ok := tooMany(err, &too); ok {
				break
			}
		}
	}
	require.NoError(t, os.Remove(file))
	require.ErrorAs(t, s.Verify(t.Context(), "u", codes[2]), &too)
}

func tooMany(err error, into **mail.TooManyAttemptsError) bool {
	e, ok := err.(*mail.TooManyAttemptsError)
	*into = e
	return ok
}
