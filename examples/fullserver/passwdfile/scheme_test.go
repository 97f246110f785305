package passwdfile_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/passwdfile"
	"github.com/stretchr/testify/require"
)

// What Debian's "doveadm pw -p 'mật khẩu'" wrote for each scheme.
var fromDovecot = []string{
	"{PLAIN}mật khẩu",
	"{CLEARTEXT}mật khẩu",
	"{SHA512-CRYPT}$6$UhWwsb2mDVJXWEML$LI2Hr4xTyp28VPZRT.V7ixJtlRS/tPdeF0V.sZBJ5voVcWZP6AbMD/daFQseXvgj2jD7odyYBzj8YND8hkvXH/",
	"{SHA256-CRYPT}$5$yNdxicRjPtNjHRv.$5nrH3/h1CFlKJwQlPobCfwV7yW.v6c8jXbKCuW78311",
	"{MD5-CRYPT}$1$mpSNNbxI$WmAk6HlEJwUnpN9xD1DY80",
	"{MD5}$1$d4szyZFf$zD0s8ztE3hcJ2ID1NIgZV.",
	"{CRYPT}$2y$05$.J1ZWE3DCb55j3eDOZKCj.No94KFO8NGakifBj/KuDEo21gsiP3/O",
	"{BLF-CRYPT}$2y$05$xQLJELOS.vMOqlsS.JyOJ.TnQbclnOpL8AW02KJfMBPfo38kobote",
	"{SSHA}wbF2sEj0erVFY0rBFV9eArogQve9h6NF",
	"{SSHA.HEX}7606562c93eb2bd3dba64b4fd1a0f377e016cb3232836cdc",
	"{SSHA256}k9RZ9Jv77S119FQFErrrlXm73UpdWSKNcYRFQcble8CZrxiP",
	"{SSHA512}01URUmtJnznO2MG9dvJeyuKD0RSi2lWiYqntembsThxx4p4a9/RIqan883UHNysoXecEXw4pdfR2vh/Os14FJImo4MY=",
	"{SMD5}pYSQMoJTcZkP++ktokAFeoYSsWk=",
	"{SHA}6+mbt0q3AqWB8vyS2eJ5CcAgxOo=",
	"{SHA1}6+mbt0q3AqWB8vyS2eJ5CcAgxOo=",
	"{SHA256}ceEQGC5k/FF8uOZIrfrqFKsJ4sKpcjmvUwtjqFX5kz4=",
	"{SHA512}aDnu62lFaEM1ZwTS49nJqv1AHACpnGKJkObEMeUC3LMjTaY79AcLeUYl44E034ApydWza4wCGwZy0kaupNF3uQ==",
	"{PLAIN-MD5}8b7c6c38e83316a8c738441782229fc4",
	"{LDAP-MD5}i3xsOOgzFqjHOEQXgiKfxA==",
	"{PBKDF2}$1$CZBbA4RMyS3bl8Q0$5000$5d6a95866998702d234d05a97582645468cdd624",
	"{SCRAM-SHA-1}4096,1QYcGMOEzf8rCMUS6AmuJw==,7GIYgod8al/6+oZC73WDQiEaGV4=,kpM1iMBYqxhYLJCqkmG1EP60f7Y=",
	"{SCRAM-SHA-256}4096,ZAgZMFeOBblOGPyTw/ujAg==,WTJ3xuwTKtWzVrq7Xbr8eOW0uJnqysGYjIk6raH5uvw=,qh9+2VWIFERX1GLZSxRM+x9sbjduI4vjmUcGz3g0PEA=",
	"{CRAM-MD5}3498cb28b357f67ebff93e5a74180df0a66258ade2593b8e9d0eb3a32221e2c8",
	"{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$IVPNhZqGPWQDclxyx0Kdtw$RglGWCMYwADPJA2YivGm0Y57wXQa7RGyNmprU+7LXR4",
	"{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$9u/OuNq9ejoRlWIEcS7gjA$lwT3vXSHxVJ0qvRcJRNzuSUy5tXA5TUJBe8xxPo0PlM",
	// without a scheme: crypt(3)
	"$6$UhWwsb2mDVJXWEML$LI2Hr4xTyp28VPZRT.V7ixJtlRS/tPdeF0V.sZBJ5voVcWZP6AbMD/daFQseXvgj2jD7odyYBzj8YND8hkvXH/",
}

func open(t testing.TB, text string) *passwdfile.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	f, err := passwdfile.Open(path, passwdfile.Options{Domain: "example.test"})
	require.NoError(t, err)
	return f
}

func login(f *passwdfile.File, user, password string) error {
	_, err := f.Authenticator().Authenticate(context.Background(), &mail.AuthRequest{Username: user, Password: password})
	return err
}

func TestSchemesOfDovecot(t *testing.T) {
	for _, stored := range fromDovecot {
		f := open(t, "u:"+stored+"\n")
		require.NoError(t, login(f, "u", "mật khẩu"), stored)
		for _, wrong := range []string{"mật khẩu ", ""} { // few: some of these take long by design
			require.ErrorIs(t, login(f, "u", wrong), mail.ErrAuthFailed, stored)
		}
	}
}

func TestLongPasswords(t *testing.T) {
	long := strings.Repeat("x", 100)
	f := open(t, "m:{MD5-CRYPT}"+md5Long+"\nc:{CRAM-MD5}"+cramLong+"\n")
	require.NoError(t, login(f, "m", long))
	require.NoError(t, login(f, "c", long))
	require.ErrorIs(t, login(f, "c", long[:99]), mail.ErrAuthFailed)
}

// A password that nothing can check lets nobody in and keeps nobody else out.
func TestUselessPasswords(t *testing.T) {
	for _, stored := range []string{
		"", "{PLAIN}", "{NOSUCH}x", "{SHA}x", "{SHA}YWJj", "{SHA", "{SHA.OCT}777", "{SSHA}YWJj", "{DES-CRYPT}W/bu4CEf0p/6c", "{CRYPT}x", "{CRYPT}$",
		"{CRYPT}$9$a$b", "{CRYPT}$1$$", "{CRYPT}$6$rounds=x$salt$key", "{CRYPT}$6$rounds=-1$salt$key", "{PBKDF2}$1$a$0$b", "{PBKDF2}x", "{PBKDF2}$1$a$1$00",
		"{SCRAM-SHA-1}1,2", "{SCRAM-SHA-1}x,YQ==,YQ==,YQ==", "{SCRAM-SHA-256}0,YQ==,YQ==,YQ==", "{SCRAM-SHA-256}4096,,,", "{CRAM-MD5}00", "{CRAM-MD5}xx",
		"{BLF-CRYPT}$2y$05$short", "{ARGON2ID}$argon2id$v=19$m=x,t=3,p=1$YWFhYWFhYWE$YWFhYWFhYWE",
	} {
		f := open(t, "bad:"+stored+"\ngood:{PLAIN}right\n")
		for _, p := range []string{"", "x", "right", stored} {
			require.ErrorIs(t, login(f, "bad", p), mail.ErrAuthFailed, stored)
		}
		require.NoError(t, login(f, "good", "right"), stored)
		_, ok := f.Lookup("bad")
		require.True(t, ok, "it is a mailbox all the same")
	}
}

// What a stored password asks for in time and memory is bounded: each of these would take minutes or gigabytes.
func TestCostIsCapped(t *testing.T) {
	for _, stored := range []string{
		"{CRYPT}$6$rounds=999999999$saltsalt$LI2Hr4xTyp28VPZRT.V7ixJtlRS/tPdeF0V.sZBJ5voVcWZP6AbMD/daFQseXvgj2jD7odyYBzj8YND8hkvXH/",
		"{BLF-CRYPT}$2y$31$xQLJELOS.vMOqlsS.JyOJ.TnQbclnOpL8AW02KJfMBPfo38kobote",
		"{PBKDF2}$1$CZBbA4RMyS3bl8Q0$2000000000$5d6a95866998702d234d05a97582645468cdd624",
		"{SCRAM-SHA-1}2000000000,1QYcGMOEzf8rCMUS6AmuJw==,7GIYgod8al/6+oZC73WDQiEaGV4=,kpM1iMBYqxhYLJCqkmG1EP60f7Y=",
		"{ARGON2ID}$argon2id$v=19$m=16777216,t=3,p=1$IVPNhZqGPWQDclxyx0Kdtw$RglGWCMYwADPJA2YivGm0Y57wXQa7RGyNmprU+7LXR4",
		"{ARGON2ID}$argon2id$v=19$m=65536,t=2000000,p=1$IVPNhZqGPWQDclxyx0Kdtw$RglGWCMYwADPJA2YivGm0Y57wXQa7RGyNmprU+7LXR4",
		"{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=255$IVPNhZqGPWQDclxyx0Kdtw$RglGWCMYwADPJA2YivGm0Y57wXQa7RGyNmprU+7LXR4",
	} {
		require.ErrorIs(t, login(open(t, "u:"+stored+"\n"), "u", "x"), mail.ErrAuthFailed)
	}
}

func TestHash(t *testing.T) {
	for _, scheme := range []string{"", "SHA512-CRYPT", "scram-sha-256"} {
		a, err := passwdfile.Hash(scheme, "mật khẩu")
		require.NoError(t, err)
		b, err := passwdfile.Hash(scheme, "mật khẩu")
		require.NoError(t, err)
		require.NotEqual(t, a, b, "salted")
		require.NotContains(t, a, "mật")
		f := open(t, "u:"+a+"\n")
		require.NoError(t, login(f, "u", "mật khẩu"))
		require.ErrorIs(t, login(f, "u", "x"), mail.ErrAuthFailed)
	}
	_, err := passwdfile.Hash("ROT13", "x")
	require.Error(t, err)
}

func FuzzLine(f *testing.F) {
	for _, s := range fromDovecot {
		if !strings.Contains(s, "$argon2") { // too slow for a fuzzer
			f.Add("u@example.test:"+s+":1:1::/home::allow_nets=127.0.0.1", "mật khẩu")
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, line, password string) {
		if strings.Contains(line, "$2") || strings.Contains(line, "argon2") || len(password) > 1000 {
			t.Skip()
		}
		path := filepath.Join(dir, "users")
		require.NoError(t, os.WriteFile(path, []byte(line), 0o600))
		file, err := passwdfile.Open(path, passwdfile.Options{Domain: "d.test"})
		if err != nil {
			return
		}
		for _, u := range file.Users() {
			require.NotContains(t, u.Name, "/")
			require.NotContains(t, u.Name, "..@")
			again, ok := file.Lookup(u.Name)
			require.True(t, ok)
			require.Same(t, u, again)
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	f := open(b, "u:{PLAIN}x\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := f.Lookup("U@example.test"); !ok {
			b.Fatal("lost")
		}
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	for _, stored := range fromDovecot {
		scheme, _, _ := strings.Cut(stored, "}")
		if scheme == "{PLAIN" || scheme == "{SHA512-CRYPT" || scheme == "{BLF-CRYPT" {
			b.Run(scheme+"}", func(b *testing.B) {
				f := open(b, "u:"+stored+"\n")
				b.ReportAllocs()
				for b.Loop() {
					if err := login(f, "u", "mật khẩu"); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// What "doveadm pw" wrote for a password of a hundred times "x", which is longer than a block of MD5.
const (
	md5Long  = "$1$IFWfXj8o$LDGsQbH1F.I/idvMEeqQS0"
	cramLong = "52197db948d0932512a61b183e7d05b04e94d60a3bb0d00f92d3df52a5d275ca"
)
