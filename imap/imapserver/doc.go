// Package imapserver serves any [mail.Store] over IMAP4rev2 and IMAP4rev1 (RFC 9051, RFC 3501). A [Server] is used like
// one of net/http:
//
//	srv := &imapserver.Server{Store: store, Authenticator: users, TLSConfig: config}
//	err := srv.ListenAndServe()
//
// # Sessions
//
// A session's picture of its mailbox is a view: the UIDs in the order of their sequence numbers, and the ModSeq up to
// which the client has been told. Whenever the protocol allows untagged EXPUNGE, EXISTS and FETCH responses
// (RFC 9051 section 5.2, 7.5.1), the session asks [mail.Mailbox.Changes] what is new since then. Nothing else keeps
// sessions in step; a session in IDLE is woken by [mail.Mailbox.Watch] and looks by itself now and then.
//
// # Errors
//
// A handler, an [mail.Authenticator] or a store may return an [*imap.Status] to choose the answer; the errors of package
// mail have the response codes of RFC 5530, and every other error is NO [SERVERBUG] with its text in the log only.
package imapserver
