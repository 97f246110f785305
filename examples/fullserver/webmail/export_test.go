package webmail

import (
	"net/http"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/web"
	"github.com/buuta/mail/examples/fullserver/internal/web/i18n"
)

// Route is a page or action, for tests that walk all of them.
type Route struct {
	Method, Path string
	Public       bool
}

// Routes returns what the mux has.
func Routes() []Route {
	var out []Route
	for _, r := range routes() {
		out = append(out, Route{r.method, r.path, r.public})
	}
	return out
}

// What tests look at.
var (
	EscapeFolder    = escapeFolder
	UnescapeFolder  = unescapeFolder
	LocalPath       = web.LocalPath
	ParseRecipients = parseRecipients
	Clean           = clean
	Disposition     = disposition
)

// Texts returns the English texts by key, and for each group of keys, "login" for "login.title", something under "group login".
func Texts() map[string]string {
	out := map[string]string{}
	c, err := i18n.Load(texts)
	if err != nil {
		panic(err)
	}
	c.Keys(i18n.EN, func(k, text string) {
		out[k] = text
		if group, _, ok := strings.Cut(k, "."); ok {
			out["group "+group] = k
		}
	})
	return out
}

// RawBody serves HTML as a mail's own document, with all of its headers and without having been made safe: what holds when that fails.
func (s *Site) RawBody(html string) http.Handler {
	return s.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &request{Site: s, w: w, r: r}
		q.bodyPolicy(q.origin() + "/mail/INBOX/1/part/")
		_ = q.write(http.StatusOK, []byte(html))
	}))
}
