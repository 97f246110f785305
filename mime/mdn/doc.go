// Package mdn writes and reads message disposition notifications (RFC 8098): the multipart/report in which a reader
// tells a sender that a message was displayed, deleted or dealt with. [Requested] says whether a message asks for one
// and whether its reader must be asked first.
//
// A notification is sent from the null reverse-path to the addresses that asked, once for each message and recipient;
// in IMAP the keyword $MDNSent remembers it (RFC 3503).
package mdn
