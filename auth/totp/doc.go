// Package totp is one-time passwords by the clock (RFC 6238) and by a counter (RFC 4226), as authenticator apps make them: a [Key] that a user's app and the
// server share, and a [Verifier] that takes each code once and makes guessing hopeless.
//
// A code proves the second factor only. It is asked for after the password was right.
package totp
