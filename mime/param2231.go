package mime

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// segment is one piece of a parameter in RFC 2231's form: name*0*=…, name*1=…, name*=….
type segment struct {
	name    string
	number  int  // -1: the parameter isn't continued
	percent bool // the value is percent-encoded
	value   string
}

// join makes parameters of what was read: continuations are put together in the order of their numbers, whatever
// the order in which they appear (RFC 2231 section 3), percent-encoding and charset are decoded (section 4). Where both name and
// name* are given, name* counts.
func (p *ParamParser) join(raw []rawParam) []Param {
	params := make([]Param, 0, len(raw))
	var segments []segment
	for _, r := range raw {
		if s, ok := splitSegment(r); ok {
			segments = append(segments, s)
			continue
		}
		if !hasParam(params, r.name) {
			params = append(params, Param{Name: r.name, Value: plainValue(r)})
		}
	}
	if len(segments) == 0 {
		return params
	}
	order := make(map[string]int, len(segments))
	for i, s := range segments {
		if _, ok := order[s.name]; !ok {
			order[s.name] = i
		}
	}
	slices.SortStableFunc(segments, func(a, b segment) int {
		if a.name != b.name {
			return order[a.name] - order[b.name]
		}
		return a.number - b.number
	})
	for i := 0; i < len(segments); {
		n := i + 1
		for n < len(segments) && segments[n].name == segments[i].name {
			n++
		}
		if param, ok := p.joinOne(segments[i:n]); ok {
			if at := slices.IndexFunc(params, func(q Param) bool { return q.Name == param.Name }); at >= 0 {
				params[at] = param
			} else {
				params = append(params, param)
			}
		}
		i = n
	}
	return params
}

// plainValue returns the value of a parameter that isn't in RFC 2231's form. 8-bit octets are read as in [TextDecoder.Decode], but those of
// a boundary: it has to be found in the body as it stands.
func plainValue(r rawParam) string {
	if r.name != "boundary" && !utf8.ValidString(r.value) {
		return cleanText(guessUTF8([]byte(r.value)))
	}
	return cleanText(r.value)
}

func hasParam(params []Param, name string) bool {
	return slices.ContainsFunc(params, func(p Param) bool { return p.Name == name })
}

// splitSegment reads the asterisks of a parameter's name.
func splitSegment(r rawParam) (segment, bool) {
	name, rest, found := strings.Cut(r.name, "*")
	if !found || name == "" {
		return segment{}, false
	}
	s := segment{name: name, number: -1, value: r.value}
	if rest == "" {
		s.percent = true
		return s, true
	}
	rest, s.percent = strings.CutSuffix(rest, "*")
	n, err := strconv.Atoi(rest)
	if err != nil || n < 0 || n > 9999 {
		return segment{}, false
	}
	s.number = n
	return s, true
}

// joinOne makes one parameter of its segments, sorted. A gap in the numbers ends it.
func (p *ParamParser) joinOne(segments []segment) (Param, bool) {
	out := Param{Name: segments[0].name}
	if segments[0].number < 0 { // "name*" beats "name*0"
		segments = segments[:1]
	}
	var value []byte
	charset := ""
	want := segments[0].number
	if want > 0 {
		want = 1 // some begin to count at 1
	}
	for i, s := range segments {
		if s.number != want {
			if i > 0 && s.number == want-1 { // the same number twice: the first counts
				continue
			}
			break
		}
		want++
		v := s.value
		if i == 0 && s.percent {
			if cs, rest, ok := strings.Cut(v, "'"); ok {
				if _, text, ok := strings.Cut(rest, "'"); ok {
					charset, v, out.Extended = cs, text, true
				}
			}
		}
		if s.percent {
			value = appendPercent(value, v)
		} else {
			value = append(value, v...)
		}
	}
	if value == nil {
		return out, segments[0].value == "" && want > segments[0].number
	}
	text, ok := toUTF8(charset, value, p.CharsetReader)
	if !ok {
		text = guessUTF8(value)
	}
	out.Value = cleanText(text)
	return out, true
}

// appendPercent decodes percent-encoding; a "%" without two digits stands for itself.
func appendPercent(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && unhex(s[i+1])|unhex(s[i+2]) < 16 {
			dst = append(dst, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		dst = append(dst, s[i])
	}
	return dst
}
