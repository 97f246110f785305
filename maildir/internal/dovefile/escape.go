// Package dovefile reads and writes text files that Dovecot keeps beside the mail: annotations and subscriptions.
package dovefile

import "strings"

// Within a line, Dovecot writes octet 1 and a letter for what would end the line or a field.
var (
	escape   = strings.NewReplacer("\x01", "\x011", "\x00", "\x010", "\t", "\x01t", "\n", "\x01n", "\r", "\x01r")
	unescape = strings.NewReplacer("\x011", "\x01", "\x010", "\x00", "\x01t", "\t", "\x01n", "\n", "\x01r", "\r")
)
