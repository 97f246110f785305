package mime

// Limits bound what a message can make its reader spend. The zero value of each field is its default; a nil *Limits
// means all defaults. What lies beyond a limit is not parsed and listed as a [Problem]; it is never an error.
type Limits struct {
	HeaderBytes int // octets of one header that are looked at; default 1 MiB
	Fields      int // fields of one header; default 10,000
	FieldBytes  int // octets of one value kept in an Index; default 64 KiB
	Addresses   int // addresses in one field, group markers counted; default 10,000
	Parameters  int // parameters of one field; default 100
	Depth       int // nesting of multiparts and messages; default 100, never more than 20,000
	Parts       int // parts of a message, the message itself counted; default 10,000
	Problems    int // problems listed; default 100
}

// maxDepth keeps what walks through a tree by recursion within a stack's measure.
const maxDepth = 20_000

func orDefault(v, def int) int {
	if v <= 0 {
		return def
	}
	return v
}

// withDefaults returns the limits with every field set. l may be nil.
func (l *Limits) withDefaults() Limits {
	if l == nil {
		l = &Limits{}
	}
	return Limits{
		HeaderBytes: orDefault(l.HeaderBytes, 1<<20),
		Fields:      orDefault(l.Fields, 10_000),
		FieldBytes:  orDefault(l.FieldBytes, 64<<10),
		Addresses:   orDefault(l.Addresses, 10_000),
		Parameters:  orDefault(l.Parameters, 100),
		Depth:       min(orDefault(l.Depth, 100), maxDepth),
		Parts:       orDefault(l.Parts, 10_000),
		Problems:    orDefault(l.Problems, 100),
	}
}
