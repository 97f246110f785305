package smtp

// verb is a command, in the order in which logs count them.
type verb uint8

const (
	verbHELO verb = iota
	verbEHLO
	verbLHLO
	verbSTARTTLS
	verbAUTH
	verbMAIL
	verbRCPT
	verbDATA
	verbBDAT
	verbBURL
	verbRSET
	verbNOOP
	verbVRFY
	verbEXPN
	verbHELP
	verbETRN
	verbXCLIENT
	verbXFORWARD
	verbQUIT
	verbUnknown
	numVerbs
)

var verbNames = [numVerbs]string{
	"helo", "ehlo", "lhlo", "starttls", "auth", "mail", "rcpt", "data", "bdat", "burl", "rset", "noop", "vrfy", "expn", "help",
	"etrn", "xclient", "xforward", "quit", "unknown",
}

var verbUpper = [numVerbs]string{
	"HELO", "EHLO", "LHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "BDAT", "BURL", "RSET", "NOOP", "VRFY", "EXPN", "HELP",
	"ETRN", "XCLIENT", "XFORWARD", "QUIT", "UNKNOWN",
}

// junk reports whether a command does nothing for a message: too many of those without one are errors, as in Postfix.
func (v verb) junk() bool {
	switch v {
	case verbHELO, verbEHLO, verbLHLO, verbRSET, verbNOOP, verbVRFY, verbEXPN, verbHELP, verbETRN:
		return true
	}
	return false
}

// counter counts a command.
type counter struct{ ok, total uint32 }

// splitVerb takes the command off a line: letters up to the first space (RFC 5321 section 4.1.1).
func splitVerb(line []byte) (v verb, name, args []byte) {
	i := 0
	for i < len(line) && line[i] != ' ' {
		i++
	}
	name, args = line[:i], line[i:]
	if len(args) > 0 {
		args = args[1:]
	}
	return lookupVerb(name), name, args
}

func lookupVerb(name []byte) verb {
	var up [8]byte
	if len(name) > len(up) {
		return verbUnknown
	}
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		up[i] = c
	}
	for v := range verbUnknown {
		if string(up[:len(name)]) == verbUpper[v] {
			return v
		}
	}
	return verbUnknown
}
