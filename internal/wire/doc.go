// Package wire is what the line protocols share: reading command lines within limits, and the dot-stuffed blocks of
// SMTP and POP3 in both directions, at the speed of a memory scan.
package wire
