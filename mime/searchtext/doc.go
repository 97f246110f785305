// Package searchtext says what a search for text looks at in a message, and when it matches: for stores that keep an index
// and implement mail.TextSearcher, and for servers that read the messages where a store keeps none, so that all give the same
// answer.
//
// An Extractor decodes a message and folds what it finds into a Text. A Query, made of a mail.TextQuery, is folded
// alike and matches Texts.
package searchtext

// Version changes whenever a Text may come out otherwise than before for the same message. Who keeps Texts makes them
// again then.
const Version = 1
