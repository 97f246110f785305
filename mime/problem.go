package mime

import "fmt"

// Problem is damage found while reading a message. It never stops the reading.
type Problem struct {
	Kind   ProblemKind
	Offset int64 // octets from the beginning of the message
}

// String describes the problem and its place.
func (p Problem) String() string { return fmt.Sprintf("%s at octet %d", p.Kind, p.Offset) }

// ProblemKind says what is wrong.
type ProblemKind uint8

// The kinds. Their numbers are part of the serialised index: only add at the end.
const (
	ProblemNone           ProblemKind = iota
	ProblemBadField                   // a header line that is no field
	ProblemNoHeaderEnd                // a header without an empty line after it
	ProblemHeaderTooLong              // Limits.HeaderBytes or Limits.Fields
	ProblemValueTooLong               // Limits.FieldBytes
	ProblemBareLF                     // a header line that ends in LF without CR
	ProblemNUL                        // a NUL octet
	ProblemContentType                // Content-Type that can't be read
	ProblemDisposition                // Content-Disposition that can't be read
	ProblemEncoding                   // unknown Content-Transfer-Encoding, or one not allowed for the type
	ProblemNoBoundary                 // multipart without a boundary parameter
	ProblemNoParts                    // multipart without a single delimiter line
	ProblemNoEndBoundary              // multipart whose closing delimiter is missing
	ProblemTooDeep                    // Limits.Depth
	ProblemTooManyParts               // Limits.Parts
	ProblemAddress                    // an address that can't be read
	ProblemDuplicateField             // a field that may stand once stands again
	problemKinds
)

var problemText = [problemKinds]string{
	"no problem", "line is not a header field", "header has no end", "header too long", "value too long", "line ends in LF only",
	"NUL octet", "unreadable Content-Type", "unreadable Content-Disposition", "bad Content-Transfer-Encoding",
	"multipart without boundary", "multipart without parts", "closing boundary missing", "nested too deep", "too many parts",
	"unreadable address", "field repeated",
}

// String returns a short English description.
func (k ProblemKind) String() string {
	if k < problemKinds {
		return problemText[k]
	}
	return "unknown problem"
}
