package webmail

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/buuta/mail/imap/imapclient"
)

// foldersPage lets folders be made, renamed, deleted and subscribed.
func (q *request) foldersPage() error {
	p := q.page("folders.title")
	err := q.do(func(ctx context.Context, c *imapclient.Client) error {
		if err := q.addFolders(ctx, c, p); err != nil {
			return err
		}
		for l, err := range c.List(ctx, &imapclient.ListOptions{Subscribed: true}) {
			if err != nil {
				return err
			}
			for i := range p.Folders {
				if p.Folders[i].Name == l.Name || p.Folders[i].Inbox() && strings.EqualFold(l.Name, "INBOX") {
					p.Folders[i].Subscribed = true
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return q.render(http.StatusOK, "folders", struct{ *page }{p})
}

// changeFolder does what a form of the folders page asks for.
func (q *request) changeFolder() error {
	name, to := q.r.PostFormValue("folder"), strings.TrimSpace(q.r.PostFormValue("to"))
	if !validFolder(name) || !validFolder(to) {
		return badRequest
	}
	defer q.forgetCounts()
	err := q.do(func(ctx context.Context, c *imapclient.Client) error {
		list, err := q.listFolders(ctx, c)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(f folder) bool { return f.Name == name })
		do := q.r.PostFormValue("do")
		if do != "create" && i < 0 || (do == "create" || do == "rename") && to == "" {
			return badRequest
		}
		switch do {
		case "create":
			if prefix := personalPrefix(ctx, c); i >= 0 && list[i].Delimiter != "" {
				to = name + list[i].Delimiter + to
			} else if !strings.HasPrefix(to, prefix) {
				to = prefix + to
			}
			if _, err = c.Create(ctx, to); err == nil {
				err = c.Subscribe(ctx, to)
			}
			return err
		case "subscribe":
			return c.Subscribe(ctx, name)
		case "unsubscribe":
			return c.Unsubscribe(ctx, name)
		}
		if list[i].System() {
			return badRequest
		}
		switch do {
		case "rename":
			if d := list[i].Delimiter; d != "" && !strings.Contains(to, d) {
				if k := strings.LastIndex(name, d); k >= 0 {
					to = name[:k] + d + to
				}
			}
			if err = c.Rename(ctx, name, to); err == nil {
				_ = c.Unsubscribe(ctx, name) // RENAME leaves subscriptions alone (RFC 9051 section 6.3.6)
				err = c.Subscribe(ctx, to)
			}
			return err
		case "delete":
			if q.r.PostFormValue("sure") != "yes" {
				return &failure{status: http.StatusBadRequest, key: "folders.sure"}
			}
			if err = c.Delete(ctx, name); err == nil {
				_ = c.Unsubscribe(ctx, name)
			}
			return err
		}
		return badRequest
	})
	if err != nil {
		return err
	}
	return q.redirect("/folders")
}
