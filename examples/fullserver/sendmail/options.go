package sendmail

import (
	"errors"
	"fmt"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/internal/getopt"
)

// mode is what the program is to do: the letter of -b.
type mode byte

const (
	deliver mode = 'm'
	speak   mode = 's' // SMTP on standard input and output
	verify  mode = 'v'
	listing mode = 'p' // mailq
	aliases mode = 'i' // newaliases
	flush   mode = 'q' // -q
)

// options are the words of the command line.
type options struct {
	mode       mode
	from       string // -f, -r: the envelope sender; "<>" the null sender
	fromGiven  bool
	fullName   string // -F
	fromHeader bool   // -t: recipients are in the header
	dots       bool   // -i: a line of a dot ends nothing
	verbose    bool
	site       string // -qR, -qS: flush mail for it; -qI: a message
	siteKind   byte
	mail       mail.MailOptions
	notify     mail.Notify
	to         []string
}

// flags are sendmail's. -p, and others of which nothing depends here, are taken and left.
var flags = getopt.Flags{With: "ABCFLNORVXfhpr", Attached: "boq", Without: "GIUimntv"}

// parse reads the words of the command line.
func parse(args []string) (*options, error) {
	opts, to, err := flags.Parse(args)
	if bad, ok := errors.AsType[*getopt.Error](err); ok && !bad.Known {
		return nil, fmt.Errorf("%w of sendmail", err)
	}
	if err != nil {
		return nil, err
	}
	o := &options{mode: deliver, to: to}
	for _, f := range opts {
		if err := o.set(f.Letter, f.Value); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (o *options) set(letter byte, value string) error {
	switch letter {
	case 'B':
		switch strings.ToUpper(value) {
		case "8BITMIME":
			o.mail.Body = mail.Body8BitMIME
		case "7BIT":
			o.mail.Body = mail.Body7Bit
		default:
			return fmt.Errorf("-B %s: there are 7BIT and 8BITMIME", value)
		}
	case 'F':
		o.fullName = value
	case 'N':
		return o.setNotify(value)
	case 'R':
		switch strings.ToLower(value) {
		case "full":
			o.mail.Return = mail.ReturnFull
		case "hdrs":
			o.mail.Return = mail.ReturnHeaders
		default:
			return fmt.Errorf("-R %s: there are full and hdrs", value)
		}
	case 'V':
		o.mail.EnvelopeID = value
	case 'b':
		switch m := mode(first(value)); m {
		case deliver, speak, verify, listing, aliases:
			o.mode = m
		case 'd', 'l':
			return errors.New("-b" + value + ": the server is started with \"fullserver -c main.cf\"")
		default:
			return fmt.Errorf("-b%s: there are -bm, -bs, -bv, -bp and -bi", value)
		}
	case 'f', 'r':
		o.from, o.fromGiven = value, true
	case 'i':
		o.dots = true
	case 'o':
		// -oi as -i; the others of these options have no meaning any more.
		o.dots = o.dots || value == "i"
	case 'q':
		o.mode, o.siteKind = flush, first(value)
		if value != "" {
			o.site = value[1:]
		}
	case 't':
		o.fromHeader = true
	case 'v':
		o.verbose = true
	}
	return nil
}

func first(s string) byte {
	if s == "" {
		return 0
	}
	return s[0]
}

func (o *options) setNotify(value string) error {
	for word := range strings.SplitSeq(strings.ToLower(value), ",") {
		switch word {
		case "never":
			o.notify |= mail.NotifyNever
		case "success":
			o.notify |= mail.NotifySuccess
		case "failure":
			o.notify |= mail.NotifyFailure
		case "delay":
			o.notify |= mail.NotifyDelay
		default:
			return fmt.Errorf("-N %s: there are never, or success, failure and delay with commas between", value)
		}
	}
	if o.notify&mail.NotifyNever != 0 && o.notify != mail.NotifyNever {
		return fmt.Errorf("-N %s: never stands alone", value)
	}
	return nil
}
