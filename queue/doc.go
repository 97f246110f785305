// Package queue keeps mail that must get out until it is delivered or returned: a durable queue with the semantics of
// Postfix's queue manager, as a library.
//
// A [Queue] is a [mail.Deliverer]. What is committed to it is on disk, file and folder synced, before Commit returns.
// From then on the queue delivers each recipient through the [Transport] that [Queue.Route] names, tries again after
// temporary failures with a delay that grows with the message's age, and returns a delivery status notification (RFC
// 3464) when there is no hope left, or when the sender asked for one (RFC 3461). It knows envelopes, not protocols: a
// Transport hands messages to another mail.Deliverer, such as an SMTP client, a mailbox or a program.
//
//	q := &queue.Queue{
//		Dir:        "/var/spool/shop",
//		Hostname:   "shop.example.org",
//		Transports: map[string]*queue.Transport{"smtp": {Deliverer: out.To}}, // out is an mx.Transport
//	}
//	go q.Run(ctx) // until ctx is done
//	_, err := q.Send(ctx, envelope, message) // nil: on disk, and on its way
//
// # The spool
//
// [Spool] is the storage that a Queue uses by default: one file a message in folders named after the state that the
// message is in. An operator can look into them and read the files.
//
//	incoming  accepted, not yet looked at
//	active    being delivered
//	deferred  waiting for the next attempt, which is at the file's modification time
//	hold      no attempts, no expiry, until an operator releases it
//	corrupt   damaged files, set aside: never tried, never deleted
//
// With [Spool.Log] what has just come is in a log in incoming, and gets its file if its first delivery doesn't end it.
//
// Other storages implement [Storage]; package queuetest tests them.
//
// # What a crash can do
//
// A message that was committed is never lost. A recipient is marked done in the queue file, and the mark is synced,
// before anything else happens to the message, so a crash repeats at most the deliveries and notifications that were
// under way at that moment.
package queue
