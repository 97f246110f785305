package mailhtml

import "strings"

// endLink writes where a link leads, unless its text says so.
func (t *texter) endLink() {
	u := t.link
	t.link = ""
	if u == "" {
		return
	}
	said := strings.TrimSpace(t.para.String()[min(t.linkAt, t.para.Len()):])
	bare := func(s string) string {
		for _, p := range []string{"mailto:", "tel:", "https://", "http://", "www."} {
			s = strings.TrimPrefix(strings.ToLower(s), p)
		}
		return strings.TrimRight(s, "/")
	}
	if said == "" || bare(said) == bare(u) {
		return
	}
	if t.gap || !strings.HasSuffix(t.para.String(), " ") {
		t.para.WriteByte(' ')
	}
	t.para.WriteString("<" + u + ">")
}
