package imap

// CapLanguage is RFC 5255's capability.
const CapLanguage Capability = "LANGUAGE"

// CapUnauthenticate is RFC 8437's capability.
const CapUnauthenticate Capability = "UNAUTHENTICATE"

// maxLanguages bounds a list of languages.
const maxLanguages = 100

// Languages requires the arguments of LANGUAGE, each with a space before it: language ranges in the order in which the
// client wants them, none to ask which there are (RFC 5255 section 3.2).
func (d *Decoder) Languages() (ranges []string) {
	for d.TrySP() {
		if len(ranges) >= maxLanguages {
			d.Fail(&Status{Type: BAD, Code: CodeLimit, Text: "Too many languages"})
			break
		}
		ranges = append(ranges, d.AString())
	}
	return ranges
}

// Languages writes the arguments of LANGUAGE, each with a space before it.
func (e *Encoder) Languages(ranges []string) *Encoder {
	for _, r := range ranges {
		e.SP().AString(r)
	}
	return e
}

// LanguageList requires what follows "LANGUAGE" in a response (RFC 5255 section 3.3): one language is the one that is spoken
// from now on, several are those that there are.
func (d *Decoder) LanguageList() (tags []string) {
	d.List(func() { tags = append(tags, d.AString()) })
	if len(tags) == 0 {
		d.fail("Language expected")
	}
	return tags
}

// LanguageList writes what follows "LANGUAGE" in a response.
func (e *Encoder) LanguageList(tags []string) *Encoder {
	for i, t := range tags {
		e.Raw([]string{"(", " "}[min(i, 1)]).AString(t)
	}
	return e.Raw(")")
}
