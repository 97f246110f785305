// Package dsn writes and reads delivery status notifications: the multipart/report (RFC 6522) in which a mail system tells
// a sender what became of a message, with its message/delivery-status part (RFC 3464) and, for addresses in UTF-8, the
// message/global forms of RFC 6533.
//
// A notification is sent from the null reverse-path, so that nothing ever answers it (RFC 3464 section 2, RFC 5321 section 6.1).
package dsn
