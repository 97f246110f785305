package totp

import (
	"crypto/subtle"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail"
)

// The reasons why a code isn't taken. Both wrap [mail.ErrAuthFailed].
var (
	ErrWrong = fmt.Errorf("%w: the code is wrong", mail.ErrAuthFailed)
	// ErrUsed says that the code was right, and was taken before, or may have been: the next one will do.
	ErrUsed = fmt.Errorf("%w: the code has been used", mail.ErrAuthFailed)
)

// Verifier checks codes. "The verifier MUST NOT accept the second attempt of the OTP" (RFC 6238 section 5.2): it remembers in memory what it has taken, and takes nothing that may have been
// taken before it was made. So for the first minute of a server's life users may have to wait for their next code.
//
// It counts wrong codes by user: an app's code is one of a million, and three of them are right at a time. It may be used by many goroutines at once.
type Verifier struct {
	// Drift is how many time steps the user's clock may be off, either way; 0: 1 (RFC 6238 section 5.2), negative: none.
	Drift int
	// MaxFailures is how many wrong codes a user may try within Within; 0: 10 within an hour. What follows is refused unseen, with a *mail.TooManyAttemptsError.
	MaxFailures int
	Within      time.Duration

	made time.Time

	mu    sync.Mutex
	users map[string]*history
	swept time.Time
}

// history is what is known of a user.
type history struct {
	taken    uint64 // the time step of the last code that was taken
	failures []time.Time
	last     time.Time
}

// NewVerifier makes a Verifier. It is made when the server starts.
func NewVerifier() *Verifier { return &Verifier{made: time.Now(), users: map[string]*history{}} }

// Verify checks a code, with or without blanks in it: nil, ErrWrong, ErrUsed or a *mail.TooManyAttemptsError. user is always written in the same way.
func (v *Verifier) Verify(user string, k *Key, code string) error {
	code = strings.NewReplacer(" ", "", "-", "").Replace(code)
	now := time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sweep(now)
	h := v.users[user]
	if h == nil {
		h = &history{taken: k.step(v.made) + uint64(v.drift())}
		v.users[user] = h
	}
	h.last = now
	if wait := v.wait(h, now); wait > 0 {
		return &mail.TooManyAttemptsError{Wait: wait}
	}
	step, found := k.step(now), uint64(0)
	for n := -v.drift(); n <= v.drift(); n++ { // all of them, so that the time says nothing
		at := step + uint64(n) // wraps around and back below zero, which no clock shows
		if subtle.ConstantTimeCompare([]byte(k.HOTP(at)), []byte(code)) == 1 {
			found = at
		}
	}
	switch {
	case found == 0:
		h.failures = append(h.failures, now)
		return ErrWrong
	case found <= h.taken: // an older one than the last, too
		return ErrUsed
	}
	h.taken = found
	h.failures = nil
	return nil
}

// wait is how long a user has to wait before another code is looked at.
func (v *Verifier) wait(h *history, now time.Time) time.Duration {
	most, within := v.MaxFailures, v.within()
	if most <= 0 {
		most = 10
	}
	for len(h.failures) > 0 && now.Sub(h.failures[0]) >= within {
		h.failures = h.failures[1:]
	}
	if len(h.failures) < most {
		return 0
	}
	return within - now.Sub(h.failures[0])
}

// sweep forgets, now and then, users whose codes could not count any more.
func (v *Verifier) sweep(now time.Time) {
	if now.Sub(v.swept) < time.Hour {
		return
	}
	v.swept = now
	for user, h := range v.users {
		if now.Sub(h.last) > v.within()+24*time.Hour {
			delete(v.users, user)
		}
	}
}

func (v *Verifier) within() time.Duration {
	if v.Within <= 0 {
		return time.Hour
	}
	return v.Within
}

func (v *Verifier) drift() int {
	switch {
	case v.Drift == 0:
		return 1
	case v.Drift < 0:
		return 0
	}
	return v.Drift
}
