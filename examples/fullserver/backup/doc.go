// Package backup copies what a server keeps into a folder or a tar file while it runs, and puts it back: all of it, one user, one message.
//
// A backup is a tree of files:
//
//	README                 what this is, in a few words
//	files/etc/…            configuration and what lies in data_directory, each file under its whole name
//	queue/hold/ID …        mail that was accepted and not delivered yet, a file a message as package queue writes it
//	mail/USER/…            the account's Maildir as it was at one moment, with dovecot-uidlist, keywords, subscriptions, rights
//	MANIFEST               one line a file with its checksum, written last
//
// In a folder each backup is a folder of its own, named by its time, in which messages that an earlier one has already are hard links to
// those. Any of them can be removed with rm -r. A backup that was not finished has a name that ends with ".part" and no MANIFEST.
package backup
