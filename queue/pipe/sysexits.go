package pipe

import (
	"strconv"
	"strings"

	"github.com/buuta/mail"
)

// verdicts are the exit statuses of sysexits.h from 64 on, with the codes that Postfix gives them.
var verdicts = [...]struct {
	code mail.EnhancedCode
	text string
}{
	{mail.EnhancedCode{5, 3, 0}, "command line usage error"},  // EX_USAGE
	{mail.EnhancedCode{5, 6, 0}, "data format error"},         // EX_DATAERR
	{mail.EnhancedCode{5, 3, 0}, "cannot open input"},         // EX_NOINPUT
	{mail.EnhancedCode{5, 1, 1}, "user unknown"},              // EX_NOUSER
	{mail.EnhancedCode{5, 1, 2}, "host name unknown"},         // EX_NOHOST
	{mail.EnhancedCode{5, 3, 0}, "service unavailable"},       // EX_UNAVAILABLE
	{mail.EnhancedCode{5, 3, 0}, "internal software error"},   // EX_SOFTWARE
	{mail.EnhancedCode{4, 3, 0}, "system resource problem"},   // EX_OSERR
	{mail.EnhancedCode{5, 3, 0}, "critical OS file missing"},  // EX_OSFILE
	{mail.EnhancedCode{5, 2, 0}, "can't create user file"},    // EX_CANTCREAT
	{mail.EnhancedCode{5, 3, 0}, "input/output error"},        // EX_IOERR
	{mail.EnhancedCode{4, 3, 0}, "temporary failure"},         // EX_TEMPFAIL
	{mail.EnhancedCode{5, 5, 0}, "remote error in protocol"},  // EX_PROTOCOL
	{mail.EnhancedCode{5, 7, 0}, "permission denied"},         // EX_NOPERM
	{mail.EnhancedCode{5, 3, 5}, "local configuration error"}, // EX_CONFIG
}

// verdict makes a reply, in Postfix's words, of an exit status other than 0 and what the program called name has said. If that begins with an enhanced
// status code of class 4 or 5, the code counts.
func verdict(status int, name, output string) *mail.Reply {
	code, text := mail.EnhancedCode{5, 3, 0}, "Command died with status "+strconv.Itoa(status)+": "+quoted(name)
	if i := status - 64; i >= 0 && i < len(verdicts) {
		code, text = verdicts[i].code, verdicts[i].text
	}
	output = strings.Join(strings.Fields(output), " ")
	if own, rest, ok := cutCode(output); ok {
		code, output = own, rest
	}
	if output != "" {
		text += said(output)
	}
	r := &mail.Reply{Code: 554, Enhanced: code, Text: text}
	if code[0] == 4 {
		r.Code = 451
	}
	return r
}

// said is what a text adds of a program's output.
func said(output string) string {
	if output = strings.Join(strings.Fields(output), " "); output == "" {
		return ""
	}
	return ". Command output: " + strings.Map(printable, output)
}

func quoted(name string) string { return `"` + strings.Map(printable, name) + `"` }

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return '?'
	}
	return r
}

// cutCode cuts "5.7.1 text".
func cutCode(s string) (code mail.EnhancedCode, rest string, ok bool) {
	word, rest, _ := strings.Cut(s, " ")
	parts := strings.Split(word, ".")
	if len(parts) != 3 || parts[0] != "4" && parts[0] != "5" {
		return code, s, false
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n > 999 || len(p) > 3 {
			return code, s, false
		}
		code[i] = int(n)
	}
	return code, rest, true
}
