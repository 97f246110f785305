package imaptest

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/searchtext"
)

// textView is a view that searches texts, of a store with TextSearch.
type textView struct{ *view }

// SearchText implements [mail.TextSearcher]. It reads every message.
func (v textView) SearchText(ctx context.Context, set mail.UIDSet, q mail.TextQuery) (mail.UIDSet, error) {
	var found mail.UIDSet
	unlock, err := v.enter(ctx, "SearchText", mail.RightRead)
	if err != nil {
		return found, err
	}
	msgs := v.msgs
	unlock()
	query := searchtext.NewQuery(q)
	x := &searchtext.Extractor{CharsetReader: v.account.store.CharsetReader}
	for _, m := range msgs {
		if !set.Contains(m.UID) {
			continue
		}
		r := body(m.content)
		index, err := mime.BuildIndex(r, r.Size(), nil)
		if err != nil {
			return found, err
		}
		text, err := x.Message(ctx, r, index.Root)
		if err != nil {
			return found, err
		}
		if query.Match(text) {
			found.Add(m.UID)
		}
	}
	return found, nil
}
