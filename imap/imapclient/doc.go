// Package imapclient is a client of IMAP4rev2 and IMAP4rev1 servers (RFC 9051, RFC 3501) and their extensions.
//
//	c, err := imapclient.Dial(ctx, "imap.example.org:993", &imapclient.Options{
//		Auth: &mail.Credentials{Username: "alice", Password: password},
//	})
//	…
//	defer c.Logout(ctx)
//	if _, err := c.Select(ctx, "INBOX", nil); err != nil { … }
//	for msg, err := range c.Fetch(ctx, imapclient.All(), &imapclient.FetchOptions{
//		Items: imapclient.Items(imap.FetchFlags, imap.FetchEnvelope),
//	}) {
//		…
//	}
//
// # What people do
//
// Each has an example that runs:
//
//   - log in: [Dial]
//   - list mailboxes, with how many messages are unread: [Client.List]
//   - list messages: [Client.Fetch] with FetchEnvelope and FetchFlags
//   - read one message, or a part of it: [Client.FetchOne]
//   - save something large without holding it in memory: [FetchOptions].Stream
//   - search: [Client.Search]; in order, or in threads: [Client.Sort], [Client.Thread]
//   - mark as read, flag, delete: [Client.Store], [Client.ExpungeSet]
//   - file away: [Client.Move], [Client.Copy]
//   - add a message: [Client.Append]
//   - wait for mail: [Client.Idle]
//
// Beyond one connection: [Pool] keeps several for many goroutines and makes new ones when they are lost. Package mirror keeps a copy of
// a mailbox in step, both ways. [CodeOf] and [Refused] tell what an error means.
//
// # What the server can do
//
// A call uses the extensions that the server offers and does without where there is another way. So SORT, THREAD, PARTIAL, SEARCHRES, ESEARCH,
// MULTISEARCH, BINARY, PREVIEW, CATENATE, MULTIAPPEND, REPLACE, MOVE, LIST-STATUS, LIST-MYRIGHTS, LIST-METADATA, UIDBATCHES, IDLE and
// UNSELECT need not be there: see the methods for what it costs then. Where there is no other way a call returns
// [ErrUnsupported]. Options.Without takes an extension away from a server that has trouble with it.
// [Client.Raw] sends what this package doesn't know; unknown responses and items are kept and told.
//
// # Servers as they are
//
// A response that can't be read spoils the command that it belongs to, and never the connection. What servers are known to
// get wrong and what does no harm is read as it was meant. No response makes the client hold more than [Limits] allows.
//
// # Goroutines
//
// A Client has one goroutine that reads. Every method may be called by any goroutine; commands overlap as far as RFC 9051
// section 5.5 allows. A loop over [Client.Fetch] or [Client.Idle] may be left at any time, and may call the Client's methods.
package imapclient
