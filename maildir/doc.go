// Package maildir is a mail store in plain Maildir++ folders, one file a message, as Dovecot keeps them: it opens an
// existing tree with its UIDs, flags, keywords and subscriptions, and any tool that reads Maildir, Dovecot among them,
// goes on from where it stopped. [Store] implements mail.Store.
//
// # What is where
//
// INBOX is the account's own folder, with new, cur and tmp; the mailbox "Lists/go" is the folder ".Lists.go" in it, or
// "Lists/go" with [LayoutFS]. The
// names of files carry the flags. dovecot-uidlist carries the UIDs, the UIDVALIDITY and the mailbox's identity,
// dovecot-keywords what the flag letters a to z mean. Where there is no dovecot-uidlist, a courierimapuiddb is taken over. These are the truth. Beside them lies an index of our own,
// buuta.index.log and buuta.index.cache, for what Maildir has no place for: ModSeqs, which UIDs are gone, the
// structure of messages. It may be deleted at any time; UIDs stay, and ModSeqs go on above all that were given out.
//
// # Durability
//
// A call that changes something returns after the files, the names in their folders, the UID list and the index log have been synced,
// unless [Store.NoSync] says otherwise. Callers that come at the same time share these syncs. A change of flags syncs the log alone; the
// names of files follow within [Store.SettleAfter].
//
// # Compression
//
// Messages that are compressed with gzip or bzip2, or by one of [Store.Codecs], are read as if they weren't, and with [Store.Compress] those
// that come are saved so: Dovecot's mail_compress does the same, in the same form. Sizes and quotas are those of messages before compression.
//
// # Quota
//
// What an account uses is counted in maildirsize, as Courier and Dovecot do. [Store.Quota] and [Store.QuotaFunc] limit it; where they
// don't, the limits that another program wrote there hold. [Store.Groups] limit accounts together, a domain's for example: the sum of their
// maildirsize files, which are believed as they are.
//
// # Other programs
//
// Deliveries, removals and changes of flags by other programs are noticed when a session asks for State or Changes, and
// within [Store.Poll] when one watches. UIDs are given under Dovecot's own lock, dovecot-uidlist.lock.
package maildir
