// Package interop has no code, only tests that run package smtp against mail programs that others wrote:
//
//   - our client sends to Debian's Postfix, Exim and OpenSMTPD, by LMTP to Dovecot, and what lands in the mailbox is compared byte for byte;
//   - swaks, curl, msmtp, Postfix's smtp-source and Python's smtplib send to our server, and Postfix, Exim and OpenSMTPD
//     relay to it, over SMTP and LMTP;
//   - the memory of idle connections is measured from outside, as the growth of a server process of its own.
//
// The mail servers run with configurations of the tests' own, in a root directory and process namespace made for the
// test, on free ports of the loopback address; nothing of the machine's own mail setup is read or changed. That takes
// root and util-linux's unshare. Postfix and Dovecot come from the installed packages, the other two from .cache/peers, where
// .ci/peers unpacks them. A test that lacks something is skipped and says what; with CI=true in the environment it
// fails.
//
// The same dialogues with emersion/go-smtp are in examples/peerbench.
package interop
