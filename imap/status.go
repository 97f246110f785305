package imap

import (
	"errors"
	"strings"
)

// StatusType is the kind of a status response (RFC 9051 section 7.1).
type StatusType string

// The kinds of status response.
const (
	OK      StatusType = "OK"
	NO      StatusType = "NO"
	BAD     StatusType = "BAD"
	BYE     StatusType = "BYE"
	PREAUTH StatusType = "PREAUTH"
)

// Code is the name of a response code (RFC 9051 section 7.1, RFC 5530).
type Code string

// The response codes that need no argument, and some that have one.
const (
	CodeAlert                Code = "ALERT"
	CodeAlreadyExists        Code = "ALREADYEXISTS"
	CodeAppendUID            Code = "APPENDUID"
	CodeAuthenticationFailed Code = "AUTHENTICATIONFAILED"
	CodeAuthorizationFailed  Code = "AUTHORIZATIONFAILED"
	CodeBadCharset           Code = "BADCHARSET"
	CodeBadURL               Code = "BADURL"
	CodeCannot               Code = "CANNOT"
	CodeCapability           Code = "CAPABILITY"
	CodeClientBug            Code = "CLIENTBUG"
	CodeClosed               Code = "CLOSED"
	CodeCompressionActive    Code = "COMPRESSIONACTIVE"
	CodeContactAdmin         Code = "CONTACTADMIN"
	CodeCopyUID              Code = "COPYUID"
	CodeCorruption           Code = "CORRUPTION"
	CodeExpired              Code = "EXPIRED"
	CodeExpungeIssued        Code = "EXPUNGEISSUED"
	CodeHasChildren          Code = "HASCHILDREN"
	CodeHighestModSeq        Code = "HIGHESTMODSEQ"
	CodeInUse                Code = "INUSE"
	CodeLimit                Code = "LIMIT"
	CodeMailboxID            Code = "MAILBOXID"
	CodeModified             Code = "MODIFIED"
	CodeNoModSeq             Code = "NOMODSEQ"
	CodeNonExistent          Code = "NONEXISTENT"
	CodeNoPerm               Code = "NOPERM"
	CodeNotSaved             Code = "NOTSAVED"
	CodeOverQuota            Code = "OVERQUOTA"
	CodeParse                Code = "PARSE"
	CodePermanentFlags       Code = "PERMANENTFLAGS"
	CodePrivacyRequired      Code = "PRIVACYREQUIRED"
	CodeReadOnly             Code = "READ-ONLY"
	CodeReadWrite            Code = "READ-WRITE"
	CodeServerBug            Code = "SERVERBUG"
	CodeTooBig               Code = "TOOBIG"
	CodeTryCreate            Code = "TRYCREATE"
	CodeUIDNext              Code = "UIDNEXT"
	CodeUIDNotSticky         Code = "UIDNOTSTICKY"
	CodeUIDRequired          Code = "UIDREQUIRED"
	CodeUIDValidity          Code = "UIDVALIDITY"
	CodeUnavailable          Code = "UNAVAILABLE"
	CodeUnknownCTE           Code = "UNKNOWN-CTE"
	CodeUnseen               Code = "UNSEEN"

	CodeInProgress      Code = "INPROGRESS"       // RFC 9585, see [Progress]
	CodeMessageLimit    Code = "MESSAGELIMIT"     // RFC 9738, see [ParseMessageLimit]
	CodeNoUpdate        Code = "NOUPDATE"         // RFC 5267
	CodeTooSmall        Code = "TOOSMALL"         // draft-ietf-mailmaint-imap-uidbatches
	CodeUndefinedFilter Code = "UNDEFINED-FILTER" // RFC 5466

	CodeURLMech Code = "URLMECH"
)

// Status is a status response and, unless it says OK or PREAUTH, an error: the value in which a server, a store behind
// it or a policy says how a command ended (RFC 9051 section 7.1). Code and Arg become the response code, "[Code Arg]".
type Status struct {
	Type StatusType // "" means NO
	Code Code       // "" for none
	Arg  string     // what follows the code's name, in wire form
	Text string     // human-readable, one line; "" becomes a word that fits Type
	Err  error      // why, for the log and errors.Is; never sent to the peer
}

// Bad returns a BAD response: a command that was not understood.
func Bad(text string) *Status { return &Status{Type: BAD, Text: text} }

// No returns a NO response: a command that was understood and failed.
func No(code Code, text string) *Status { return &Status{Type: NO, Code: code, Text: text} }

// Okay returns an OK response.
func Okay(code Code, arg, text string) *Status {
	return &Status{Type: OK, Code: code, Arg: arg, Text: text}
}

// Error writes the response as one line, with its cause.
func (s *Status) Error() string {
	out := s.String()
	if s.Err != nil {
		out += " (" + s.Err.Error() + ")"
	}
	return out
}

// String writes what the peer would see after the tag: "NO [TRYCREATE] No such mailbox".
func (s *Status) String() string { return string(s.append(nil)) }

// Unwrap returns the cause.
func (s *Status) Unwrap() error { return s.Err }

// append writes the response without tag and CRLF. Text that came from elsewhere cannot split it: control characters
// become spaces.
func (s *Status) append(b []byte) []byte {
	typ := s.Type
	if typ == "" {
		typ = NO
	}
	b = append(append(b, typ...), ' ')
	if s.Code != "" {
		b = append(append(b, '['), s.Code...)
		if s.Arg != "" {
			b = append(append(b, ' '), s.Arg...)
		}
		b = append(b, ']', ' ')
	}
	text := s.Text
	if text == "" {
		text = map[StatusType]string{OK: "Completed.", BAD: "Command not understood.", NO: "Failed.",
			BYE: "Logging out.", PREAUTH: "Ready."}[typ]
	}
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == 0x7f {
			b = append(b, ' ')
		} else {
			b = append(b, c)
		}
	}
	return b
}

// StatusOf returns the status that err is or wraps, nil for nil. Any other error becomes "NO [SERVERBUG] Internal
// error" with err as its cause, so that internal text stays inside.
func StatusOf(err error) *Status {
	if err == nil {
		return nil
	}
	if s, ok := errors.AsType[*Status](err); ok {
		return s
	}
	return &Status{Type: NO, Code: CodeServerBug, Text: "Internal error, see the server's log.", Err: err}
}

// equalFold reports whether the ASCII strings a and b are equal but for case, without allocating.
func equalFold(a []byte, b string) bool { return len(a) == len(b) && strings.EqualFold(string(a), b) }
