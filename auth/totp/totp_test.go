package totp_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail"
	"github.com/buuta/mail/auth/totp"
)

// RFC 4226 appendix D.
func TestHOTP(t *testing.T) {
	k := &totp.Key{Secret: []byte("12345678901234567890")}
	for counter, want := range strings.Fields("755224 287082 359152 969429 338314 254676 287922 162583 399871 520489") {
		require.Equal(t, want, k.HOTP(uint64(counter)))
	}
}

// RFC 6238 appendix B, with the secrets of its reference implementation: as long as the hash.
func TestTOTP(t *testing.T) {
	secret := func(n int) []byte { return bytes.Repeat([]byte("1234567890"), 7)[:n] }
	for _, tt := range []struct {
		at                   int64
		sha1, sha256, sha512 string
	}{
		{59, "94287082", "46119246", "90693936"},
		{1111111109, "07081804", "68084774", "25091201"},
		{1111111111, "14050471", "67062674", "99943326"},
		{1234567890, "89005924", "91819424", "93441116"},
		{2000000000, "69279037", "90698825", "38618901"},
		{20000000000, "65353130", "77737706", "47863826"},
	} {
		for h, want := range map[totp.Hash]string{totp.SHA1: tt.sha1, totp.SHA256: tt.sha256, totp.SHA512: tt.sha512} {
			size := map[totp.Hash]int{totp.SHA1: 20, totp.SHA256: 32, totp.SHA512: 64}[h]
			k := &totp.Key{Secret: secret(size), Hash: h, Digits: 8}
			require.Equal(t, want, k.At(time.Unix(tt.at, 0)), "%d %s", tt.at, h)
		}
	}
}

func TestKeys(t *testing.T) {
	k, err := totp.ParseKey("gezd gnbv gy3t qojq gezd gnbv gy3t qojq")
	require.NoError(t, err)
	require.Equal(t, "12345678901234567890", string(k.Secret))
	require.Equal(t, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", k.String())
	require.Equal(t, "otpauth://totp/B%C6%B0u%20t%C3%A1:alice@example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=B%C6%B0u%20t%C3%A1&algorithm=SHA1&digits=6&period=30", k.URI("Bưu tá", "alice@example.org"))
	rapid.Check(t, func(t *rapid.T) {
		k := &totp.Key{Secret: rapid.SliceOfN(rapid.Byte(), 10, 128).Draw(t, "secret"), Hash: rapid.SampledFrom([]totp.Hash{totp.SHA1, totp.SHA256, totp.SHA512}).Draw(t, "hash"),
			Digits: rapid.IntRange(6, 8).Draw(t, "digits"), Period: time.Duration(rapid.IntRange(15, 600).Draw(t, "period")) * time.Second}
		back, err := totp.ParseKey(k.String())
		if err != nil || back.At(time.Unix(1e9, 0)) != k.At(time.Unix(1e9, 0)) {
			t.Fatalf("%v: %v %v", k, back, err)
		}
		if back, err = totp.ParseKey(k.URI("A:B/?", "c d")); err != nil || !bytes.Equal(back.Secret, k.Secret) {
			t.Fatalf("%v: %v %v", k, back, err)
		}
	})
	require.NotEqual(t, totp.NewKey().Secret, totp.NewKey().Secret)
	for _, bad := range []string{"", "GEZDGNBV", "GEZDGNBVGY3TQOJ1", "otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQ", "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&digits=4", "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&digits=x",
		"otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&algorithm=MD5", "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&period=1", "otpauth://totp/%zz?secret=GEZDGNBVGY3TQOJQ", strings.Repeat("A", 400)} {
		_, err := totp.ParseKey(bad)
		require.Error(t, err, bad)
		require.NotContains(t, err.Error(), "GEZDGNBV", "no secret in an error")
	}
}

// Debian's oathtool makes the same codes.
func TestOathtool(t *testing.T) {
	if _, err := exec.LookPath("oathtool"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("oathtool is not there")
		}
		t.Skip("oathtool is not there: run .ci/deps")
	}
	for _, h := range []totp.Hash{totp.SHA1, totp.SHA256, totp.SHA512} {
		k := totp.NewKey()
		k.Hash, k.Digits = h, 8
		at := time.Unix(1_800_000_017, 0)
		out, err := exec.Command("oathtool", "--totp="+strings.ToLower(string(h)), "-d", "8", "-N", at.UTC().Format("2006-01-02 15:04:05 UTC"), fmt.Sprintf("%x", k.Secret)).Output()
		require.NoError(t, err)
		require.Equal(t, strings.TrimSpace(string(out)), k.At(at))
	}
}

func TestVerifier(t *testing.T) {
	k := &totp.Key{Secret: []byte("12345678901234567890")}
	synctest.Test(t, func(t *testing.T) {
		v := totp.NewVerifier()
		require.ErrorIs(t, v.Verify("alice", k, k.At(time.Now())), totp.ErrUsed, "it may have been used before the server was started anew")
		time.Sleep(time.Minute)
		require.NoError(t, v.Verify("alice", k, k.At(time.Now())))
		require.ErrorIs(t, v.Verify("alice", k, k.At(time.Now())), totp.ErrUsed)
		require.ErrorIs(t, v.Verify("alice", k, k.At(time.Now().Add(-30*time.Second))), totp.ErrUsed, "an older one is no better")
		require.NoError(t, v.Verify("bob", k, k.At(time.Now())), "another's codes are his own")
		for _, off := range []time.Duration{-30 * time.Second, 0, 30 * time.Second} { // the user's clock is off
			time.Sleep(2 * time.Minute)
			code := k.At(time.Now().Add(off))
			require.NoError(t, v.Verify("alice", k, code[:3]+" "+code[3:]), off)
		}
		time.Sleep(2 * time.Minute)
		for _, off := range []time.Duration{-60 * time.Second, 60 * time.Second} {
			require.ErrorIs(t, v.Verify("alice", k, k.At(time.Now().Add(off))), totp.ErrWrong, off)
		}
		for _, bad := range []string{"", "0", "abcdef", k.At(time.Now()) + "0"} {
			require.ErrorIs(t, v.Verify("alice", k, bad), totp.ErrWrong)
		}
		require.ErrorIs(t, totp.ErrWrong, mail.ErrAuthFailed)
	})
	// "a throttling parameter T, the maximum number of possible attempts" (RFC 4226 section 7.3).
	synctest.Test(t, func(t *testing.T) {
		v := totp.NewVerifier()
		time.Sleep(time.Hour)
		looked := 0
		for n := range 24*60 - 30 { // a day of guesses
			err := v.Verify("alice", k, fmt.Sprintf("%06d", n))
			if errors.Is(err, totp.ErrWrong) {
				looked++
			} else {
				var too *mail.TooManyAttemptsError
				require.ErrorAs(t, err, &too)
				require.LessOrEqual(t, too.Wait, time.Hour)
				require.Positive(t, too.Wait)
			}
			time.Sleep(time.Minute)
		}
		require.LessOrEqual(t, looked, 250, "of a million, three are right at a time")
		var too *mail.TooManyAttemptsError
		require.ErrorAs(t, v.Verify("alice", k, k.At(time.Now())), &too, "the right one has to wait, too")
		time.Sleep(too.Wait)
		require.NoError(t, v.Verify("alice", k, k.At(time.Now())))
		require.ErrorIs(t, v.Verify("bob", k, "000000"), totp.ErrWrong, "nobody else has to")
	})
	synctest.Test(t, func(t *testing.T) { // two who read the same code over a shoulder: one gets in
		v := totp.NewVerifier()
		time.Sleep(2 * time.Minute)
		var in atomic.Int32
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if v.Verify("alice", k, k.At(time.Now())) == nil {
					in.Add(1)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, in.Load())
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
	f.Add("otpauth://totp/a:b?secret=GEZDGNBVGY3TQOJQ&algorithm=sha256&digits=8&period=60")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := totp.ParseKey(text)
		if err != nil {
			return
		}
		if n := len(k.At(time.Unix(1e9, 0))); n < 6 || n > 8 {
			t.Fatalf("%q: %d digits", text, n)
		}
		if back, err := totp.ParseKey(k.String()); err != nil || back.At(time.Unix(1e9, 0)) != k.At(time.Unix(1e9, 0)) {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
