package lookup

import (
	"strings"

	"github.com/buuta/mail/examples/fullserver/lookup/aliasfile"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// eachAlias goes through "key: value" lines as postalias does. What it leaves out it reports to o.Warn.
func eachAlias(name, text string, o *Options, entry func(key, value string, line int)) {
	lines(name, text, o, func(sc *source.Scanner) {
		key, value, err := aliasfile.ParseLine(sc.Text)
		if err != nil {
			o.Warn(&Problem{File: name, Line: sc.First, Reason: strings.TrimPrefix(err.Error(), "aliasfile: ") + "; line left out"})
			return
		}
		entry(key, value, sc.First)
	})
}
