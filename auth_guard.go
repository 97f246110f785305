package mail

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// AuthGuard decides whether an attempt to log in may go ahead. One serves every protocol, so that who is slowed down at one is slowed
// down at all. [AuthThrottle] is one. It may be used by many goroutines at once.
type AuthGuard interface {
	// Admit is called before anything that a client has shown of itself is looked at. It may wait, as long as ctx allows. When it
	// returns an error nothing is looked at, and the client is told to come back later, the same for good and for wrong
	// credentials. Else settled must be called once, with how the attempt ended: nil, an error that wraps [ErrAuthFailed] for
	// wrong credentials, or any other one, which says nothing about them.
	//
	// a.Password is empty where the mechanism doesn't show it, and a.Username where it has only a.Authorize. A token stands in a.Password.
	Admit(ctx context.Context, a *AuthRequest) (settled func(error), err error)
}

// ErrTooManyAttempts says that an attempt was not looked at since too many failed before it. It comes wrapped in a
// [*TooManyAttemptsError].
var ErrTooManyAttempts = errors.New("too many failed logins")

// TooManyAttemptsError is [ErrTooManyAttempts] with the time after which it is worth trying again.
type TooManyAttemptsError struct{ Wait time.Duration }

// Error implements error.
func (e *TooManyAttemptsError) Error() string {
	return fmt.Sprintf("%v: try again in %v", ErrTooManyAttempts, e.Wait.Round(time.Second))
}

// Unwrap returns ErrTooManyAttempts.
func (e *TooManyAttemptsError) Unwrap() error { return ErrTooManyAttempts }

// Temporary reports that it may go better later.
func (e *TooManyAttemptsError) Temporary() bool { return true }
