package verify_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/verify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func result(code int, detail string) mail.Result {
	return mail.Result{Reply: mail.NewReply(code, mail.EnhancedCode{code / 100, 1, 1}, "said"), Detail: detail}
}

var (
	ok   = result(250, "deliverable")
	no   = result(550, "host x said: 550 no")
	soon = result(450, "")
)

// A known address is answered from memory for as long as its kind may be, and asked for again before that, without anybody's waiting.
func TestAges(t *testing.T) {
	for name, c := range map[string]struct {
		first           mail.Result
		refresh, expire time.Duration
		want            verify.Answer
	}{
		"deliverable":   {ok, 7 * 24 * time.Hour, 31 * 24 * time.Hour, verify.Answer{Status: verify.Deliverable, Text: "deliverable"}},
		"undeliverable": {no, 3 * time.Hour, 3 * 24 * time.Hour, verify.Answer{Status: verify.Undeliverable, Text: "host x said: 550 no"}},
		"put off":       {soon, 3 * time.Hour, 3 * 24 * time.Hour, verify.Answer{Status: verify.Unknown, Text: "450 4.1.1 said"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int32
				v := &verify.Verifier{Probe: func(context.Context, string) mail.Result {
					asked.Add(1)
					time.Sleep(time.Second)
					return c.first
				}}
				defer v.Close()
				begun := time.Now()
				require.Equal(t, c.want, v.Verify(t.Context(), "Bob@Example.NET"))
				require.Equal(t, time.Second, time.Since(begun))
				require.Equal(t, c.want, v.Verify(t.Context(), "Bob@example.net"))
				time.Sleep(c.refresh - time.Second)
				v.Verify(t.Context(), "Bob@example.net")
				require.EqualValues(t, 1, asked.Load())
				time.Sleep(2 * time.Second)
				begun = time.Now()
				require.Equal(t, c.want, v.Verify(t.Context(), "Bob@example.net"))
				require.Zero(t, time.Since(begun))
				time.Sleep(2 * time.Second)
				require.EqualValues(t, 2, asked.Load(), "asked again in the background")
				require.Equal(t, c.want, v.Verify(t.Context(), "Bob@example.net"))
				time.Sleep(c.expire + time.Second)
				begun = time.Now()
				v.Verify(t.Context(), "Bob@example.net")
				require.Equal(t, time.Second, time.Since(begun), "too old: asked while the caller waits")
			})
		})
	}
}

// A server in trouble makes nobody of its users undeliverable who was there the day before.
func TestTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := ok
		v := &verify.Verifier{Probe: func(context.Context, string) mail.Result { return now }}
		defer v.Close()
		require.Equal(t, verify.Deliverable, v.Verify(t.Context(), "a@b").Status)
		now = no
		time.Sleep(8 * 24 * time.Hour)
		v.Verify(t.Context(), "a@b")
		synctest.Wait()
		require.Equal(t, verify.Deliverable, v.Verify(t.Context(), "a@b").Status)
		time.Sleep(24 * 24 * time.Hour)
		require.Equal(t, verify.Undeliverable, v.Verify(t.Context(), "a@b").Status)
		now = ok
		time.Sleep(4 * time.Hour)
		v.Verify(t.Context(), "a@b")
		synctest.Wait()
		require.Equal(t, verify.Deliverable, v.Verify(t.Context(), "a@b").Status, "who has come is taken at once")
	})
}

// Who would have to wait longer is told so, and finds the answer when he comes again; many who ask for one address are one question.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		v := &verify.Verifier{Probe: func(context.Context, string) mail.Result {
			asked.Add(1)
			time.Sleep(time.Minute)
			return ok
		}, MaxPending: 1}
		defer v.Close()
		for range 3 {
			go func() {
				require.Equal(t, verify.Answer{Status: verify.Unknown, Text: "Address verification in progress"}, v.Verify(t.Context(), "a@b"))
			}()
		}
		synctest.Wait()
		begun := time.Now()
		require.Equal(t, verify.Unknown, v.Verify(t.Context(), "other@b").Status)
		require.Zero(t, time.Since(begun), "too many already")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.Equal(t, verify.Unknown, v.Verify(ctx, "a@b").Status)
		time.Sleep(2 * time.Minute)
		require.Equal(t, verify.Deliverable, v.Verify(t.Context(), "a@b").Status)
		require.EqualValues(t, 1, asked.Load())
	})
}

func TestForgetNegative(t *testing.T) {
	n := 0
	v := &verify.Verifier{ForgetNegative: true, Probe: func(context.Context, string) mail.Result { n++; return no }}
	for range 2 {
		require.Equal(t, verify.Undeliverable, v.Verify(t.Context(), "a@b").Status)
	}
	require.Equal(t, 2, n)
	require.NoError(t, v.Close())
	require.Equal(t, verify.Unknown, v.Verify(t.Context(), "c@b").Status, "closed")
}

// What is known outlives a restart; a file that is damaged, or from the future, is worth what can be read of it.
func TestFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "verify_cache")
	n := 0
	open := func() *verify.Verifier {
		return &verify.Verifier{File: file, MaxEntries: 50, Probe: func(_ context.Context, a string) mail.Result {
			n++
			if strings.HasPrefix(a, "x") {
				return no
			}
			return ok
		}}
	}
	v := open()
	for _, a := range []string{"a@b", "x@b", `"q @ x"@b`} {
		v.Verify(t.Context(), a)
	}
	require.NoError(t, v.Close())
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte("garbage\n"+string(text)+`{"address":"y@b","status":1,"updated":"2999-01-01T00:00:00Z"}`+"\n{\"addr"), 0o600))
	v = open()
	require.Equal(t, verify.Undeliverable, v.Verify(t.Context(), "x@b").Status)
	require.Equal(t, verify.Deliverable, v.Verify(t.Context(), `"q @ x"@b`).Status)
	require.Equal(t, 3, n)
	v.Verify(t.Context(), "y@b")
	require.Equal(t, 4, n)
	for i := range 100 {
		v.Verify(t.Context(), fmt.Sprintf("%d@b", i))
	}
	require.NoError(t, v.Close())
	text, err = os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 50, strings.Count(string(text), "\n"), "no more than MaxEntries are remembered")
}

func ExampleVerifier() {
	v := &verify.Verifier{Probe: func(ctx context.Context, address string) mail.Result {
		// An mx.Transport's Probe asks a server; here is one that knows nobody.
		return mail.Result{Reply: mail.NewReply(550, mail.EnhancedCode{5, 1, 1}, "No such user"), Detail: "host mx.example.net said: 550 5.1.1 No such user"}
	}}
	defer v.Close()
	a := v.Verify(context.Background(), "bob@example.net")
	fmt.Println(a.Status, "-", a.Text)
	// Output: undeliverable - host mx.example.net said: 550 5.1.1 No such user
}

func BenchmarkKnown(b *testing.B) {
	v := &verify.Verifier{Probe: func(context.Context, string) mail.Result { return ok }}
	defer v.Close()
	v.Verify(b.Context(), "bob@example.net")
	b.ReportAllocs()
	for b.Loop() {
		v.Verify(b.Context(), "bob@example.net")
	}
}
