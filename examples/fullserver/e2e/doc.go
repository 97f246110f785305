// Package e2e has no code, only tests: they build fullserver, start it, and drive it with programs that are not ours,
// all of them from Debian: swaks, curl, telnet, msmtp, mpop, fetchmail, mbsync, mutt, Postfix's smtp-source and
// smtp-sink, and Python's smtplib, imaplib and poplib.
//
// A test whose program is missing is skipped by name; with CI=true it fails.
package e2e
