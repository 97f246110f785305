package lookup

import (
	"context"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/pcre"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/rules"
)

// openPCRE opens pcre:/file and pcre:{ {rule}, {rule} } (pcre_table(5)): Perl-compatible expressions over octets. A pattern that takes longer than
// Limits.Match for a key is an error: what comes after it in the table may not be what is meant for this key.
func openPCRE(_ context.Context, name string, o *Options) (Table, error) {
	return openRules("pcre", name, o, parsePCRE)
}

func parsePCRE(name, text string, o *Options) (*rules.Program, error) {
	x := &rules.Syntax{
		Flags: pcre.Flags, File: name, NoGroups: o.NoGroups,
		Compile: func(pattern, flags string) (rules.Matcher, error) {
			return pcre.Compile(pattern, flags, o.Limits.Match)
		},
		Skipped: func(line int, reason string) { o.Warn(&Problem{File: name, Line: line, Reason: reason}) },
	}
	return x.Parse(text)
}
