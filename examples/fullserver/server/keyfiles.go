package server

import (
	"path/filepath"
	"strings"

	"github.com/buuta/mail/examples/fullserver/lookup"
)

// keyFiles are files with keys and certificates that tables name, of those tables that can list what they have.
func (s *Server) keyFiles() []string {
	var out []string
	lists := []*lookup.List{s.sni}
	if s.gateway != nil {
		for _, t := range []any{s.gateway.Sign, s.gateway.Encrypt} {
			l, _ := t.(*lookup.List)
			lists = append(lists, l)
		}
	}
	for _, l := range lists {
		if l == nil {
			continue
		}
		for e, err := range namedCertificates(l) {
			if err != nil {
				continue
			}
			for _, word := range strings.FieldsFunc(e.Value, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }) {
				word = strings.TrimPrefix(strings.TrimPrefix(word, "smime:"), "pgp:")
				if filepath.IsAbs(word) {
					out = append(out, filepath.Clean(word))
				}
			}
		}
	}
	return out
}
