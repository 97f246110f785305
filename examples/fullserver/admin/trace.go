package admin

import (
	"context"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/quota"
	"github.com/buuta/mail/examples/fullserver/trace"
)

// Tells reports whether a story is one that he may hear, and takes out of it what isn't his: what became of a message for recipients of other domains here, and for
// others elsewhere where it comes from nobody of his.
func (a *Actor) Tells(ctx context.Context, s *trace.Story) bool {
	if a.all {
		return true
	}
	mine := func(address string) bool { return strings.Contains(address, "@") && a.May(quota.DomainOf(address)) }
	theirs := func(address string) bool {
		yes, err := a.Theirs(ctx, address)
		return yes || err != nil
	}
	sent, heard := mine(s.From), false
	if theirs(s.From) {
		s.From = "…"
	}
	s.Steps = slices.DeleteFunc(s.Steps, func(st trace.Step) bool {
		to := st.Who
		switch st.What {
		case trace.Sent, trace.Filed, trace.Waits, trace.Failed:
			if st.Was != "" {
				to = st.Was
			}
		case trace.Refused:
			to = st.Was
		default:
			return false
		}
		keep := mine(to) || sent && to != "" && !theirs(to)
		heard = heard || keep
		return !keep
	})
	for i := range s.Steps {
		st := &s.Steps[i]
		switch {
		case st.What == trace.Came && st.Via != "" && !mine(st.Via): // whose account it was
			st.Via = ""
		case st.Was != "" && st.What != trace.Refused && theirs(st.Who): // where an alias leads
			st.Who = "…"
		}
	}
	return heard
}
