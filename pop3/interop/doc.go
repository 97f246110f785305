// Package interop has no code, only tests that run package pop3 against programs that others wrote:
//
//   - our client reads Debian's Dovecot, Courier and Cyrus, logs in by every mechanism that they and we know, and moves their mail
//     into a mailbox of ours;
//   - Python's poplib (also with APOP, STLS and UTF8), getmail and mutt read our server over a Maildir. What curl, mpop and fetchmail
//     get is compared in examples/fullserver/e2e;
//   - our unique-ids of a Maildir are those that Dovecot and Courier give, so that no client fetches anything twice.
//
// The servers are internal/peers'. A test that lacks something is skipped and says what; with CI=true in the environment it fails.
package interop
