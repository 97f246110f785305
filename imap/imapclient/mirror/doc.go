// Package mirror keeps a copy of an IMAP mailbox's list of messages in step with the server, both ways, over any number of
// disconnects. What the copy is kept in is a [Cache], a small interface; [Memory] is one.
//
//	m := &mirror.Mirror{Mailbox: "INBOX", Cache: cache}
//	result, err := m.Sync(ctx, client)
//
// [Mirror.Follow] keeps it so for as long as the program runs, and [Group] several mailboxes over one connection.
//
// # How it is kept in step
//
// A server with QRESYNC tells what has changed and what is gone since the last time (RFC 7162); one with CONDSTORE tells what has
// changed, and what is gone is found by counting and, if need be, by asking for all UIDs; of others all flags are read and
// compared. Each way ends with the same copy. What is known of the server is committed last, so that a Sync which is
// interrupted is done again and not believed; what it had brought is not fetched again. Memory is bounded: messages go through in
// batches, and all UIDs are held as a set of ranges.
//
// # Changes on both sides
//
// Each message has the flags as they are here and as they were on the server when they last were seen. Flags are merged one by one:
// what has been changed here since then holds, and everything else is as on the server; two sides can't disagree about one
// flag, as it has only two values. A message that is gone on the server is gone here, whatever was done to it. One that was
// deleted here is expunged there, even if its flags have changed meanwhile, unless KeepChanged is set. When the mailbox is another
// one (UIDVALIDITY), what was not yet told to the server is lost, but for drafts.
//
// New messages are uploaded once: when the answer to an APPEND was lost, the next Sync looks whether the message has arrived before it
// sends it again. A server that takes the message only after that look, from a connection that was cut long before, could
// have it twice.
package mirror
