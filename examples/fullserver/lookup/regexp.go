package lookup

import (
	"context"
	"regexp"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/rules"
)

// openRegexp opens regexp:/file and regexp:{ {rule}, {rule} } (regexp_table(5)): POSIX regular expressions, leftmost and longest, over
// octets as in the C locale that Postfix runs in.
func openRegexp(_ context.Context, name string, o *Options) (Table, error) {
	return openRules("regexp", name, o, parseRegexp)
}

func parseRegexp(name, text string, o *Options) (*rules.Program, error) {
	x := &rules.Syntax{
		Flags: "imx", Second: true, File: name, NoGroups: o.NoGroups,
		Compile: compileRegexp,
		Skipped: func(line int, reason string) { o.Warn(&Problem{File: name, Line: line, Reason: reason}) },
	}
	return x.Parse(text)
}

// compileRegexp compiles a pattern. Flags switch: i is on at first (case doesn't matter), x is (extended syntax), m is off (lines count).
func compileRegexp(pattern, flags string) (rules.Matcher, error) {
	lineMode := rules.Toggled(flags, "m")
	translated, err := translatePOSIX(pattern, !rules.Toggled(flags, "x"), lineMode)
	if err != nil {
		return nil, err
	}
	mode := "(?s"
	if lineMode {
		mode = "(?m"
	}
	if !rules.Toggled(flags, "i") {
		mode += "i"
	}
	re, err := regexp.Compile(mode + ")" + translated)
	if err != nil {
		return nil, err
	}
	re.Longest()
	return &rules.Octets{Re: re}, nil
}
