package smtp

import "strings"

// Extension is a set of SMTP service extensions (RFC 5321 section 2.2), as bits.
type Extension uint64

// The extensions this package knows.
const (
	Pipelining          Extension = 1 << iota // PIPELINING, RFC 2920
	Size                                      // SIZE, RFC 1870
	EightBitMIME                              // 8BITMIME, RFC 6152
	BinaryMIME                                // BINARYMIME, RFC 3030
	Chunking                                  // CHUNKING, RFC 3030
	SMTPUTF8                                  // SMTPUTF8, RFC 6531
	EnhancedStatusCodes                       // ENHANCEDSTATUSCODES, RFC 2034
	DSN                                       // DSN, RFC 3461
	StartTLS                                  // STARTTLS, RFC 3207
	RequireTLS                                // REQUIRETLS, RFC 8689
	Auth                                      // AUTH, RFC 4954
	DeliverBy                                 // DELIVERBY, RFC 2852
	MTPriority                                // MT-PRIORITY, RFC 6710
	RRVS                                      // RRVS, RFC 7293
	FutureRelease                             // FUTURERELEASE, RFC 4865
	Limit                                     // LIMITS, RFC 9422
	ETRN                                      // ETRN, RFC 1985
	VRFY                                      // VRFY, RFC 5321 section 4.1.1.6
	EXPN                                      // EXPN, RFC 5321 section 4.1.1.7
	Help                                      // HELP, RFC 5321 section 4.1.1.8
	BURL                                      // BURL, RFC 4468
	XClient                                   // XCLIENT, as Postfix documents it
	XForward                                  // XFORWARD, as Postfix documents it
)

// DefaultExtensions are those that a server offers of itself: what they ask for, the server does, or hands to the
// Deliverer in its options. STARTTLS, AUTH, VRFY and others come on top when what they need has been plugged in.
const DefaultExtensions = Pipelining | Size | EightBitMIME | BinaryMIME | Chunking | SMTPUTF8 | EnhancedStatusCodes |
	DSN | Limit

var extensionKeywords = [...]string{
	"PIPELINING", "SIZE", "8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN", "STARTTLS",
	"REQUIRETLS", "AUTH", "DELIVERBY", "MT-PRIORITY", "RRVS", "FUTURERELEASE", "LIMITS", "ETRN", "VRFY", "EXPN", "HELP",
	"BURL", "XCLIENT", "XFORWARD",
}

// ParseExtension returns the extension of an EHLO keyword, in any case, or 0 for one that this package doesn't know.
func ParseExtension(keyword string) Extension {
	for i, k := range extensionKeywords {
		if strings.EqualFold(k, keyword) {
			return 1 << i
		}
	}
	return 0
}

// Has reports whether all of x are in e.
func (e Extension) Has(x Extension) bool { return e&x == x }

// String writes the keywords, separated by spaces.
func (e Extension) String() string {
	var out []string
	for i, k := range extensionKeywords {
		if e&(1<<i) != 0 {
			out = append(out, k)
		}
	}
	return strings.Join(out, " ")
}
