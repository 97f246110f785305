// Package authres writes and reads Authentication-Results header fields (RFC 8601), and removes those that pretend to be ours.
package authres

import (
	"strings"
)

// Code is the result of a method (RFC 8601 section 2.7).
type Code string

// The codes. Hardfail is what some software writes for Fail of SPF.
const (
	None      Code = "none"      // nothing was there to check
	Pass      Code = "pass"      // it holds
	Fail      Code = "fail"      // it doesn't
	SoftFail  Code = "softfail"  // SPF: probably not
	Neutral   Code = "neutral"   // nothing can be said
	Policy    Code = "policy"    // it holds, but not in a way that is accepted here
	TempError Code = "temperror" // could not be found out; later it may
	PermError Code = "permerror" // can't be found out: broken records or signatures
)

// Results is one Authentication-Results field.
type Results struct {
	ServID  string // authserv-id: who says it
	Version int    // 0: not written
	Methods []Method
}

// Method is what one method found (resinfo).
type Method struct {
	Name    string // "spf", "dkim", "dmarc", "arc", "auth", "iprev"
	Version int    // 0: not written
	Result  Code
	Comment string // in parentheses after the result
	Reason  string
	Props   []Property
}

// Property is a "ptype.property=value" of a method.
type Property struct {
	Type, Name, Value string
}

// Prop returns the value of a property, "" where there is none.
func (m *Method) Prop(ptype, name string) string {
	for _, p := range m.Props {
		if strings.EqualFold(p.Type, ptype) && strings.EqualFold(p.Name, name) {
			return p.Value
		}
	}
	return ""
}

// String returns the whole field, folded, with its CRLF. What can't stand in a header field (line ends, controls) is left
// out of values.
func (r *Results) String() string { return "Authentication-Results: " + r.Value() + "\r\n" }

// Value returns the field's body as String folds it, without a CRLF at its end.
func (r *Results) Value() string {
	var b strings.Builder
	b.WriteString(word(r.ServID, false))
	if r.Version > 0 {
		b.WriteString(" " + itoa(r.Version))
	}
	if len(r.Methods) == 0 {
		b.WriteString("; none")
	}
	for i := range r.Methods {
		b.WriteString(";\r\n\t")
		r.Methods[i].append(&b)
	}
	return b.String()
}

func (m *Method) append(b *strings.Builder) {
	line := 8
	put := func(s string) {
		if line > 8 && line+1+len(s) > 78 {
			b.WriteString("\r\n\t ")
			line = 9
		} else if line > 8 {
			b.WriteByte(' ')
			line++
		}
		b.WriteString(s)
		line += len(s)
	}
	name := keyword(m.Name)
	if m.Version > 0 {
		name += "/" + itoa(m.Version)
	}
	put(name + "=" + keyword(string(m.Result)))
	if m.Comment != "" {
		put("(" + comment(m.Comment) + ")")
	}
	if m.Reason != "" {
		put("reason=" + word(m.Reason, true))
	}
	for _, p := range m.Props {
		put(keyword(p.Type) + "." + keyword(p.Name) + "=" + pvalue(p.Value))
	}
}

func itoa(n int) string {
	s := ""
	for ; n > 0; n /= 10 {
		s = string(rune('0'+n%10)) + s
	}
	return s
}

// keyword keeps what an ABNF Keyword may have, so that no name can break the field.
func keyword(s string) string {
	out := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return -1
	}, s)
	if out == "" {
		return "x"
	}
	return out
}

const tspecials = `()<>@,;:\"/[]?=`

// clean takes away what no header field can hold.
func clean(s string) string {
	if len(s) > maxValue {
		s = s[:maxValue]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

const maxValue = 512 // so that what is written can't be longer than a line may be

// word writes a MIME value: a token, or a quoted string.
func word(s string, quote bool) string {
	s = clean(s)
	if !quote && s != "" && !strings.ContainsAny(s, tspecials+" ") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// pvalue writes a property's value: a MIME value, or "[local] @ domain", which needs no quotes.
func pvalue(s string) string {
	s = clean(s)
	local, domain, ok := cutLast(s, '@')
	if ok && !strings.ContainsAny(local, tspecials+" ") && domain != "" && !strings.ContainsAny(domain, tspecials+" ") {
		return s
	}
	return word(s, false)
}

func cutLast(s string, c byte) (before, after string, ok bool) {
	if i := strings.LastIndexByte(s, c); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

func comment(s string) string {
	return strings.NewReplacer("(", `\(`, ")", `\)`, `\`, `\\`).Replace(clean(s))
}
