// Package textcache keeps the folded text of a mailbox's messages in a file that is scanned, with a filter in a second file that
// says which messages a scan may leave out.
//
// What is searched is exact: the filter only ever leaves out what can't match, and what the cache lacks, for whatever reason,
// is read from the messages and kept then. Both files may be lost, torn, damaged, stale or written by two processes at
// once; every piece carries a checksum over what it is and which generation of the files it belongs to, and a piece
// that fails it counts as not there. Nothing is ever synced.
//
// The text file is a header and entries, one a message, in no particular order. When enough entries have come together that no
// group holds, a group is written behind the others into the index file: where the entries lie, and a filter of 2^k rows
// of one bit a message. A message has its bit in the row of each three octets that its text holds; a query asks for the rows of
// its own. Files only grow at their ends; when more than half belongs to messages that are gone, both are written anew.
package textcache
