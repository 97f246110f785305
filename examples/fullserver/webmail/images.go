package webmail

import (
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/web"
	"github.com/buuta/mail/mime/mailhtml"
)

// addImages decides on remote images: they are shown once where the page's own link asks for it, and always for senders that the user has
// chosen.
func (q *request) addImages(v *messageView, r *mailhtml.Result) {
	v.Frame = v.URL + "/body"
	if len(v.From) > 0 {
		v.Sender = strings.ToLower(v.From[0].Addr)
	}
	key := web.Mark(q.sess.Key("images"), v.URL)
	if q.imagesAllowed(v.URL, v.Sender) {
		v.Frame += "?images=" + key
	} else if r.Blocked > 0 {
		v.Blocked = r.Blocked
		v.ShowImages = v.URL + "?images=" + key
	}
}

func (q *request) imagesAllowed(url, sender string) bool {
	if got := q.r.URL.Query().Get("images"); got != "" && got == web.Mark(q.sess.Key("images"), url) {
		return true
	}
	for _, t := range q.prefs.Trusted {
		if sender != "" && t == sender {
			return true
		}
	}
	return false
}
