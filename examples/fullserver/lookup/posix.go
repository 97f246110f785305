package lookup

import (
	"errors"
	"fmt"
	"strings"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/rules"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// translatePOSIX writes a POSIX regular expression, extended or basic, in the syntax of package regexp. It knows what the GNU C library
// adds: \w \W \s \S \b \B \< \> \` \' and, in basic ones, \+ \? \|. Back references, which need another kind of
// machine, are refused.
func translatePOSIX(pattern string, extended, lines bool) (string, error) {
	t := posixTranslator{in: pattern, extended: extended, lines: lines}
	for t.pos < len(t.in) {
		if err := t.next(); err != nil {
			return "", err
		}
	}
	if t.depth > 0 {
		return "", rules.Invalid("missing ')'")
	}
	return t.out.String(), nil
}

type posixTranslator struct {
	in       string
	pos      int
	out      strings.Builder
	extended bool
	lines    bool // "." and "[^…]" don't match a newline
	depth    int  // open groups
	operand  bool // there is something before pos that can be repeated
	repeated bool // and it has been
}

var errBackReference = errors.New(`back references (\1) are not supported in regexp tables: write the pattern without, or in a pcre table`)

func (t *posixTranslator) literal(c byte) {
	if c < 0x80 {
		if strings.IndexByte(`\.+*?()|[]{}^$`, c) >= 0 {
			t.out.WriteByte('\\')
		}
		t.out.WriteByte(c)
	} else {
		t.out.WriteRune(rules.OctetBase + rune(c))
	}
	t.operand, t.repeated = true, false
}

func (t *posixTranslator) assertion(s string) {
	t.out.WriteString(s)
	t.operand, t.repeated = false, false
}

func (t *posixTranslator) next() error {
	c := t.in[t.pos]
	t.pos++
	switch c {
	case '\\':
		return t.escape()
	case '[':
		return t.bracket()
	case '.':
		if t.lines {
			t.out.WriteString("[^\n]")
		} else {
			t.out.WriteByte('.')
		}
		t.operand, t.repeated = true, false
		return nil
	case '*':
		if !t.operand && !t.extended { // a "*" that nothing stands before is itself
			t.literal(c)
			return nil
		}
		return t.repeat("*")
	case '^':
		if t.extended || t.atStart() {
			t.assertion("^")
			return nil
		}
	case '$':
		if t.extended || t.atEnd() {
			t.assertion("$")
			return nil
		}
	}
	if !t.extended {
		t.literal(c)
		return nil
	}
	return t.operator(c)
}

// operator takes what means something in an extended expression, or in a basic one behind a backslash.
func (t *posixTranslator) operator(c byte) error {
	switch c {
	case '(':
		t.depth++
		t.assertion("(")
	case ')':
		if t.depth == 0 {
			return rules.Invalid("unmatched ')'")
		}
		t.depth--
		t.out.WriteByte(')')
		t.operand, t.repeated = true, false
	case '|':
		t.assertion("|")
	case '+', '?':
		if !t.operand && !t.extended {
			t.literal(c)
			return nil
		}
		return t.repeat(string(c))
	case '{':
		return t.interval()
	default:
		t.literal(c)
	}
	return nil
}

// repeat writes a repetition. One of a repetition is written around a group: "a**" means something else to package regexp.
func (t *posixTranslator) repeat(op string) error {
	if !t.operand {
		return rules.Invalid("nothing before " + op + " to repeat")
	}
	if t.repeated {
		s := t.out.String()
		start, err := lastOperand(s)
		if err != nil {
			return err
		}
		t.out.Reset()
		t.out.WriteString(s[:start] + "(?:" + s[start:] + ")")
	}
	t.out.WriteString(op)
	t.repeated = true
	return nil
}

// interval reads "m,n}" behind a "{".
func (t *posixTranslator) interval() error {
	end := "}"
	if !t.extended {
		end = `\}`
	}
	body, rest, ok := strings.Cut(t.in[t.pos:], end)
	low, high, comma := strings.Cut(body, ",")
	valid := ok && (number(low) || low == "" && comma) && (!comma || high == "" || number(high))
	if !valid {
		return rules.Invalid("malformed {}: write \\{ for the character")
	}
	t.pos = len(t.in) - len(rest)
	if low == "" {
		low = "0"
	}
	if comma {
		low += "," + high
	}
	return t.repeat("{" + low + "}")
}

func number(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && len(s) <= 5 // the GNU library takes 32767
}

func (t *posixTranslator) escape() error {
	if t.pos == len(t.in) {
		return rules.Invalid("backslash at the end")
	}
	c := t.in[t.pos]
	t.pos++
	switch c {
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return errBackReference
	case 'w', 'W':
		t.out.WriteString(`\` + string(c))
		t.operand, t.repeated = true, false
	case 's', 'S':
		t.out.WriteString(map[byte]string{'s': `[\s\v]`, 'S': `[^\s\v]`}[c])
		t.operand, t.repeated = true, false
	case 'b', 'B':
		t.assertion(`\` + string(c))
	case '<', '>':
		return errors.New(`\< and \> are not supported: write \b`)
	case '`':
		t.assertion(`\A`)
	case '\'':
		t.assertion(`\z`)
	case '(', ')', '{', '|', '+', '?':
		if !t.extended {
			return t.operator(c)
		}
		t.literal(c)
	default:
		// The GNU library takes \d for "d", and without regard to case for something that nothing matches. Neither is what was meant.
		if source.IsAlnum(c) {
			return fmt.Errorf(`\%c means nothing in a POSIX expression: write [0-9] for \d, [[:space:]] for white space, or use a pcre table`, c)
		}
		t.literal(c)
	}
	return nil
}

// atStart: in a basic expression "^" is an anchor at the beginning of it or of a group or alternative.
func (t *posixTranslator) atStart() bool {
	before := t.in[:t.pos-1]
	return before == "" || strings.HasSuffix(before, `\(`) || strings.HasSuffix(before, `\|`)
}

func (t *posixTranslator) atEnd() bool {
	after := t.in[t.pos:]
	return after == "" || strings.HasPrefix(after, `\)`) || strings.HasPrefix(after, `\|`)
}
