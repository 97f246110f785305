package mail

import (
	"context"
	"strings"
)

// MetadataAccount is an [Account] that keeps annotations on mailboxes and on itself (RFC 5464). An entry's name begins with
// "/private/" or "/shared/", is in lower case and ASCII, and has at least two levels: see [ValidAnnotation]. Private entries
// belong to the user who asks, shared ones to everybody who can read the mailbox.
type MetadataAccount interface {
	// Metadata returns the annotations of a mailbox, or of the account where mailbox is "", sorted by name. Only entries
	// in the subtrees named by below are returned, all if below is nil.
	Metadata(ctx context.Context, mailbox string, below []string) ([]Annotation, error)
	// SetMetadata sets annotations, all or none; a nil Value removes one. ErrNoMailbox, ErrPermission, ErrBadName for a
	// name that can't be kept, ErrTooLarge for a value, ErrLimit for too many entries.
	SetMetadata(ctx context.Context, mailbox string, set []Annotation) error
}

// Annotation is a named value of any octets.
type Annotation struct {
	Name  string // "/private/comment"
	Value []byte // nil: none. An empty value is one
}

// ValidAnnotation reports whether name is an entry's: at most 1,000 octets of printable ASCII without "*", "%" and capital
// letters; levels are not empty (RFC 5464 section 3.2).
func ValidAnnotation(name string) bool {
	rest, private := strings.CutPrefix(name, "/private/")
	if !private {
		shared := false
		if rest, shared = strings.CutPrefix(name, "/shared/"); !shared {
			return false
		}
	}
	if len(name) > 1000 {
		return false
	}
	for level := range strings.SplitSeq(rest, "/") {
		if level == "" {
			return false
		}
		for i := range len(level) {
			if c := level[i]; c < ' ' || c >= 0x7f || c == '*' || c == '%' || c >= 'A' && c <= 'Z' {
				return false
			}
		}
	}
	return true
}

// AnnotationBelow reports whether an entry lies in one of the subtrees whose roots are given, a root being in its own; with
// nil, always. It is what a [MetadataAccount] chooses by.
func AnnotationBelow(name string, roots []string) bool {
	if roots == nil {
		return true
	}
	for _, r := range roots {
		if rest, ok := strings.CutPrefix(name, strings.TrimSuffix(r, "/")); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}
