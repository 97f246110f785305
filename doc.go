// Package mail is the vocabulary of Bưu tá, the mail toolkit for Go: what a mail store promises, what a mail protocol
// may ask, and how a message is handed from one program to the next. It holds interfaces and small values and nearly no
// code; the packages beside it (smtp, pop3, imap, mime, queue, maildir) import it and, with few exceptions, not each other.
//
// Three contracts carry the house:
//
//   - [Deliverer] and [Transaction]: two-phase delivery with a [Result] for each recipient. An SMTP session, a queue, an
//     SMTP client and a mailbox all speak it, so that any of them can stand behind any other.
//   - [Store], [Account] and [Mailbox]: where messages are kept. A mailbox is a change log: everything that happens to it
//     gets a [ModSeq], and everybody who wants to keep in step asks [Mailbox.Changes].
//   - [Authenticator]: who somebody is.
//
// # Rules that hold everywhere
//
// A nil error from a call that changes something means that the change survives what the store promises to survive; for
// the stores on disk that is a power cut: file and directory have been synced. Hints (see [Mailbox]) may be lost, doubled
// or late; who gets one asks the change log. Content is immutable and named by its [GUID]; flags and position are not
// content. A context that is cancelled makes a call return early and changes nothing that a nil error has not promised.
//
// Abilities that not every store has are small interfaces of their own, found by type assertion ([RecentTaker] is
// one). A store that cannot do a thing does not implement its interface, and no protocol announces it.
package mail
