// Package doveadm is the command of that name as administrators of Dovecot have it in their fingers: the same words, options, formats and exit statuses. What it
// does to mail it does in an IMAP session inside the program, so that a running server's clients see it as they see each other's changes.
package doveadm
