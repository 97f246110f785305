// Package imap is the vocabulary of the Internet Message Access Protocol (RFC 9051, RFC 3501) and its wire codec:
// sequence sets, flags, status responses, FETCH items and SEARCH keys as values, a [Decoder] whose methods are named
// after the rules of the formal syntax, and an [Encoder] that writes what the peer's parser expects.
//
// The codec serves both sides. It holds no opinion about what a command does; package imapserver beside it is the
// server that does.
//
// # Limits
//
// A Decoder never holds more than its [DecoderLimits] allow, whatever the peer sends: lines, literals, whole commands,
// nesting and the number of ranges in a set are all bounded, and every parser is linear in its input. Bad input is a
// [*Status] of type BAD and leaves the Decoder able to go on with the next command after [Decoder.Skip].
package imap
