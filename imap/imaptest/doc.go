// Package imaptest has what tests of IMAP need: a mail store in memory that keeps every promise of package mail but
// durability, and a list of users.
package imaptest
