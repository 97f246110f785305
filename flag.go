package mail

import (
	"slices"
	"strings"
)

// SystemFlags are the flags that every store has, as bits (RFC 9051 section 2.3.2).
type SystemFlags uint8

// The system flags. \Recent is not among them: it is no property of a message (see [RecentTaker]).
const (
	Seen     SystemFlags = 1 << iota // \Seen: has been read
	Answered                         // \Answered
	Flagged                          // \Flagged: urgent or special attention
	Deleted                          // \Deleted: removed by the next expunge
	Draft                            // \Draft: not yet complete
)

var systemFlagNames = [...]string{`\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft`}

// Flags is the set of a message's flags: system flags as bits, keywords ("$Forwarded", "$Junk", "urgent"; RFC 9051
// section 2.3.2) by name. Keywords are sorted, differ in more than case, and belong to whoever made the value:
// don't change the slice.
type Flags struct {
	System   SystemFlags
	Keywords []string
}

// NewFlags returns the set of the named flags: "\Seen" and the other system flags in any case, keywords else. Names
// that begin with a backslash and are no system flag are left out; [ValidKeyword] says which keywords a store takes.
func NewFlags(names ...string) Flags {
	var f Flags
	for _, n := range names {
		if s, ok := ParseSystemFlag(n); ok {
			f.System |= s
		} else if n != "" && n[0] != '\\' {
			f.Keywords = append(f.Keywords, n)
		}
	}
	f.Keywords = normalKeywords(f.Keywords)
	return f
}

// ParseSystemFlag returns the system flag that name ("\seen") stands for.
func ParseSystemFlag(name string) (SystemFlags, bool) {
	for i, n := range systemFlagNames {
		if strings.EqualFold(n, name) {
			return 1 << i, true
		}
	}
	return 0, false
}

// ValidKeyword reports whether name is a flag-keyword: 1 to 255 characters of an IMAP atom (RFC 9051 section 9).
func ValidKeyword(name string) bool {
	if name == "" || len(name) > 255 {
		return false
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`(){%*"\]`, c) >= 0 {
			return false
		}
	}
	return true
}

// Has reports whether the named flag is set. Case does not count.
func (f Flags) Has(name string) bool {
	if s, ok := ParseSystemFlag(name); ok {
		return f.System&s != 0
	}
	return slices.ContainsFunc(f.Keywords, func(k string) bool { return strings.EqualFold(k, name) })
}

// Names returns every flag's name, system flags first.
func (f Flags) Names() []string {
	out := make([]string, 0, 5+len(f.Keywords))
	for i, n := range systemFlagNames {
		if f.System&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return append(out, f.Keywords...)
}

// Equal reports whether f and g hold the same flags.
func (f Flags) Equal(g Flags) bool {
	return f.System == g.System && slices.EqualFunc(f.Keywords, g.Keywords, strings.EqualFold)
}

// FlagOp says how a flag change combines the flags given with those a message has.
type FlagOp int

// The three ways of STORE (RFC 9051 section 6.4.6).
const (
	FlagsAdd     FlagOp = iota // +FLAGS
	FlagsRemove                // -FLAGS
	FlagsReplace               // FLAGS
)

// Apply returns what f becomes when op is done to it with g. It shares no slice with either unless nothing changes.
func (f Flags) Apply(op FlagOp, g Flags) Flags {
	switch op {
	case FlagsAdd:
		f.System |= g.System
		if len(g.Keywords) > 0 {
			f.Keywords = normalKeywords(slices.Concat(f.Keywords, g.Keywords))
		}
	case FlagsRemove:
		f.System &^= g.System
		if len(g.Keywords) > 0 {
			f.Keywords = slices.DeleteFunc(slices.Clone(f.Keywords), g.Has)
		}
	default:
		return Flags{g.System, slices.Clone(g.Keywords)}
	}
	return f
}

// normalKeywords sorts k without regard to case and drops what is there twice, keeping the first spelling.
func normalKeywords(k []string) []string {
	slices.SortStableFunc(k, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return slices.CompactFunc(k, strings.EqualFold)
}
