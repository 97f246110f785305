package lookup

import (
	"errors"
	"fmt"
	"strings"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/rules"
	"github.com/buuta/mail/examples/fullserver/lookup/internal/source"
)

// bracket translates what stands behind a "[". A backslash is itself there.
func (t *posixTranslator) bracket() error {
	var b strings.Builder
	b.WriteByte('[')
	if strings.HasPrefix(t.in[t.pos:], "^") {
		t.pos++
		b.WriteByte('^')
		if t.lines {
			b.WriteByte('\n')
		}
	}
	for first := true; ; first = false {
		if t.pos == len(t.in) {
			return rules.Invalid("missing ']'")
		}
		rest := t.in[t.pos:]
		if rest[0] == ']' && !first {
			t.pos++
			break
		}
		if strings.HasPrefix(rest, "[:") {
			class, _, ok := strings.Cut(rest[2:], ":]")
			if !ok || !strings.Contains(" alnum alpha blank cntrl digit graph lower print punct space upper xdigit ", " "+class+" ") {
				return rules.Invalid("unknown class in " + source.Quote(rest))
			}
			t.pos += len(class) + 4
			b.WriteString("[:" + class + ":]")
			continue
		}
		class := strings.HasPrefix(rest, "[=")
		low, err := t.element()
		if err != nil {
			return err
		}
		high := low
		if rest := t.in[t.pos:]; len(rest) >= 2 && rest[0] == '-' && rest[1] != ']' {
			t.pos++
			if class || strings.HasPrefix(t.in[t.pos:], "[=") {
				return rules.Invalid("a class can't end a range")
			}
			if high, err = t.element(); err != nil {
				return err
			}
			if high < low {
				return rules.Invalid("a range in [] whose end comes before its beginning")
			}
		}
		writeRange(&b, low, high)
	}
	b.WriteByte(']')
	t.out.WriteString(b.String())
	t.operand, t.repeated = true, false
	return nil
}

// element reads a character of a bracket expression: "x", "[.x.]" or "[=x=]".
func (t *posixTranslator) element() (byte, error) {
	rest := t.in[t.pos:]
	for _, mark := range []string{".", "="} {
		if after, ok := strings.CutPrefix(rest, "["+mark); ok {
			if len(after) < 3 || after[1:3] != mark+"]" {
				return 0, errors.New("only single characters may stand in [. .] and [= =]")
			}
			t.pos += 5
			return after[0], nil
		}
	}
	if strings.HasPrefix(rest, "[:") {
		return 0, rules.Invalid("a class can't end a range")
	}
	t.pos++
	return rest[0], nil
}

func writeRange(b *strings.Builder, low, high byte) {
	if low < 0x80 && high >= 0x80 { // two pieces, since what is above ASCII is moved
		writeRange(b, low, 0x7f)
		low = 0x80
	}
	character := func(c byte) {
		if c >= 0x80 {
			b.WriteRune(rules.OctetBase + rune(c))
		} else {
			fmt.Fprintf(b, `\x%02x`, c)
		}
	}
	character(low)
	if high > low {
		b.WriteByte('-')
		character(high)
	}
}

// lastOperand is where the last thing that can be repeated begins, in what was written so far: s ends in its repetition.
func lastOperand(s string) (int, error) {
	end := len(s)
	if s[end-1] == '}' {
		end = strings.LastIndexByte(s, '{')
	} else {
		end--
	}
	depth, class := 0, false
	starts := []int{}
	last := -1
	for i := 0; i < end; i++ {
		begin := i
		switch c := s[i]; {
		case c == '\\':
			i++
			if s[i] == 'x' {
				i += 2
			}
			if !class {
				last = begin
			}
		case class:
			switch {
			case c == '[' && i+1 < end && s[i+1] == ':':
				i += strings.Index(s[i:], ":]") + 1
			case c == ']':
				class = false
			}
		case c == '[':
			class, last = true, begin
		case c == '(':
			starts = append(starts, i)
			depth++
		case c == ')':
			depth--
			last = starts[depth]
			starts = starts[:depth]
		case c >= 0x80 && c < 0xC0: // inside a character
		case c == '*' || c == '+' || c == '?':
		case c == '{':
			i += strings.IndexByte(s[i:], '}')
		default:
			last = begin
		}
	}
	if last < 0 {
		return 0, errors.New("nothing to repeat")
	}
	return last, nil
}
