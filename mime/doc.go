// Package mime reads what the world really sends as mail, byte by byte as it came, and writes what the RFCs ask
// (RFC 5322, RFC 2045 to 2049, RFC 2183, RFC 2231, RFC 6532).
//
// # Reading
//
// There are two ways in. [NewReader] takes a stream and yields the message's leaves one after the other in one pass,
// decoded if wanted; [Read] collects a small message whole. [BuildIndex] takes an io.ReaderAt and finds every part's place,
// the envelope and the structure, once: the [Index] is a compact value that a store keeps, so that any part or byte range is
// served later without parsing again.
//
// Beneath them are the pieces: [Header] keeps every byte and the order of the fields and looks fields up lazily;
// [ParseAddressList], [ParseDate], [DecodeText], [ParseContentType] read field bodies.
//
// Damage is never an error. Reading a message always ends with a tree and a list of [Problem], each with the place where
// it was found. What an attacker could make large is bounded by [Limits], and no parser here takes more than linear time.
//
// What mail carries besides has readers of its own: [Header.List] for mailing lists, [Part.Report], [JoinPartials], [Part.ExternalBody],
// [NewUUReader] and [NewYEncReader], [ParseAppleFile], and package mime/tnef for winmail.dat.
//
// # Writing
//
// [Builder] writes a message from text, HTML and attachments. Whatever is passed in, no value can add a header field
// or end the header.
//
// # Charsets
//
// UTF-8, US-ASCII and ISO-8859-1 (read as windows-1252, as mail means it) are known here. For all others pass the function
// of package mime/charset, or one of your own, where a field or parameter is called CharsetReader.
package mime
