package mail

import "context"

// TextSearcher is a [Mailbox] that finds messages by their text without reading each of them, from an index of its own.
type TextSearcher interface {
	// SearchText returns the messages of set that q matches. Matching is by substring after folding: letter case and
	// accents don't count, and "đ" is "d", so that "hoa don" finds "Hóa đơn"; runs of white space are one space. Messages
	// are decoded first: transfer encodings, charsets, encoded words, HTML to text. Nothing matches across the end of a header
	// field or a part. The answer holds for the messages as of the call, whatever has been indexed before it: it is what a
	// look at each of them would say. The first call may have to take just that look; it ends early, with what it has
	// learned kept, when ctx does.
	//
	// Package mime/searchtext decodes and folds messages so and matches them.
	SearchText(ctx context.Context, set UIDSet, q TextQuery) (UIDSet, error)
}

// ThreadSearcher is a [Mailbox] that finds the messages of a thread without reading each message.
type ThreadSearcher interface {
	// SearchThread returns the messages of set whose THREADID (RFC 8474 section 5.2) is id, the letters' case included: those for which
	// package mime's Envelope.ThreadID, given the message's GUID, returns it. The answer holds for the messages as of the call; the first may take long
	// and be cancelled, as with [TextSearcher].
	SearchThread(ctx context.Context, set UIDSet, id string) (UIDSet, error)
}

// TextQuery is what a [TextSearcher] looks for.
type TextQuery struct {
	In    TextPart
	Field string // with InHeader: the field's name in any case
	Text  string // UTF-8. "" matches every message that has the part searched in
	// Fuzzy asks for the store's best judgement instead of exact substrings (RFC 6203): words in any order, forms and
	// small errors as far as the store knows of such.
	Fuzzy bool
}

// TextPart is the part of a message that is searched.
type TextPart uint8

// The parts, as IMAP's SEARCH keys BODY, TEXT and HEADER have them (RFC 9051 section 6.4.4).
const (
	InBody   TextPart = iota // text of the parts, what attachments say where the store can read it, messages inside with their headers
	InText                   // all header fields, those of MIME parts too, with their names; names of attached files; and the body
	InHeader                 // what follows the colon in fields of the message's own header, each by itself
)
