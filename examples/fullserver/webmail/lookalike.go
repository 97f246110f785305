package webmail

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// suspicion is what is odd about a sender: he wants to be taken for somebody else, perhaps.
type suspicion struct {
	Key           string // of the text
	Shown, Really string
}

// inName finds an address in a name.
var inName = regexp.MustCompile(`[^\s<>"'(),;:]+@[^\s<>"'(),;:@]+\.[^\s<>"'(),;:@]*[\pL\pN]`)

// suspect looks at a sender: a name that is another address, which many programs show alone; a domain whose letters look like others.
func suspect(p person) *suspicion {
	for _, other := range inName.FindAllString(p.Name, 3) {
		if !strings.EqualFold(other, p.Addr) {
			return &suspicion{"suspect.name", other, p.Addr}
		}
	}
	domain := p.Addr[strings.LastIndexByte(p.Addr, '@')+1:]
	shown, err := idna.ToUnicode(domain)
	if err != nil {
		shown = domain
	}
	ascii, err := idna.ToASCII(shown)
	if err != nil {
		ascii = domain
	}
	for label := range strings.SplitSeq(shown, ".") {
		if mixed(label) || disguised(label) && isASCII(shown[strings.LastIndexByte(shown, '.')+1:]) {
			return &suspicion{"suspect.domain", shown, ascii}
		}
	}
	return nil
}

// mixed reports whether a label has letters of scripts that nobody writes together (UTS 39 section 5.2, highly restrictive).
func mixed(label string) bool {
	const east = "Han Hiragana Katakana Hangul Bopomofo"
	seen := map[string]bool{}
	for _, r := range label {
		if s := script(r); s != "" {
			if strings.Contains(east, s) {
				s = "east"
			}
			seen[s] = true
		}
	}
	return len(seen) > 2 || len(seen) == 2 && !(seen["Latin"] && seen["east"])
}

// script returns the script of a letter, "" where it is of none or of several.
func script(r rune) string {
	if r < 0x80 {
		if unicode.IsLetter(r) {
			return "Latin"
		}
		return ""
	}
	for name, t := range unicode.Scripts {
		if unicode.Is(t, r) {
			if name == "Common" || name == "Inherited" {
				return ""
			}
			return name
		}
	}
	return ""
}

// twins are letters that look like Latin ones in most fonts.
const twins = "аԁеһіјӏорԛѕԝсухѵькмтвгпнқҽ" + "αικνορτυχωηγ" + "օսոհցյզ" + "ɑɡıȷ"

// disguised reports whether a label that isn't Latin reads as if it were: under a domain of Latin letters it is there to be mistaken.
func disguised(label string) bool {
	n := 0
	for _, r := range label {
		switch {
		case r < 0x80 && !unicode.IsLetter(r):
		case strings.ContainsRune(twins, unicode.ToLower(r)):
			n++
		default:
			return false
		}
	}
	return n > 0
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0
}
