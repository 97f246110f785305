// Package notify is the part of NOTIFY (RFC 5465) that needs no connection: which events of which mailboxes a client wants, what
// the account was like when the client was last told, in few octets, and what has become of it since.
package notify
