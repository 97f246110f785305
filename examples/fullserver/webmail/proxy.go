package webmail

import (
	"net/http"
	"net/url"

	"github.com/buuta/mail/examples/fullserver/internal/web"
)

// pictureURL is where this site has a picture from elsewhere, for a message and a session: an address that nobody else can make or use.
func (q *request) pictureURL(message, remote string) string {
	return message + "/image?k=" + q.pictureMark(message, remote) + "&u=" + url.QueryEscape(remote)
}

func (q *request) pictureMark(message, remote string) string {
	return web.Mark(q.sess.Key("pictures"), message+"\n"+remote)
}

// picture sends a picture from elsewhere that a message of the user's wants and that the user wants to see.
func (q *request) picture() error {
	name, err := q.folder()
	if err != nil {
		return err
	}
	uid, err := q.uid()
	if err != nil {
		return err
	}
	remote := q.r.URL.Query().Get("u")
	if q.pictures == nil || q.r.URL.Query().Get("k") != q.pictureMark(messageURL(name, uid), remote) {
		return notFound
	}
	p, err := q.pictures.Get(q.ctx, q.sess.User, remote)
	if err != nil {
		q.cfg.Log.Debug("webmail: picture", "user", q.sess.User, "url", clean(remote, 300), "err", err)
		q.w.WriteHeader(http.StatusBadGateway) // nobody reads a page in place of a picture
		return nil
	}
	q.fileHeaders(p.Type, "image")
	q.w.Header().Set("Cache-Control", "private, max-age=3600")
	_, _ = q.w.Write(p.Data) // an error is of a browser that has gone
	return nil
}
