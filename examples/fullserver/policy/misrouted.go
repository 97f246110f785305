package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/nearest"
	"github.com/buuta/mail/examples/fullserver/lookup"
)

// Misrouted looks through the first limit lines of the tables that name transports, those that can be listed, for names that no transport has. Mail for
// such an address waits in the queue, "mail transport unavailable", until somebody mends the line. tell is as with Circles.
func (p *Policy) Misrouted(ctx context.Context, limit int, known []string, tell func(param, text string)) {
	for _, t := range []circled{{p.Rules.Transport, "transport_maps"}, {p.Rules.SenderTransport, "sender_dependent_default_transport_maps"}} {
		list, ok := t.table.(*lookup.List)
		if !ok {
			continue
		}
		said, left := map[string]bool{}, limit
		for _, table := range list.Tables() {
			s, ok := table.(lookup.Sequencer)
			if !ok {
				continue
			}
			for e, err := range s.All(ctx) {
				if left--; err != nil || left < 0 || len(said) == maxFindings || ctx.Err() != nil {
					break // a table of patterns, or one that a server has
				}
				if text := p.misrouted(ctx, t, e.Key, known); text != "" && !said[text] {
					said[text] = true
					tell(t.param, text)
				}
			}
		}
	}
}

// misrouted is what is wrong with a line; "" for nothing.
func (p *Policy) misrouted(ctx context.Context, t circled, key string, known []string) string {
	value, found, err := t.table.Find(ctx, key) // of several tables the first one's counts
	if err != nil || !found || t.param != "transport_maps" && strings.EqualFold(value, "DUNNO") {
		return ""
	}
	name, _, _ := strings.Cut(value, ":")
	if name == "" || slices.Contains(known, name) {
		return ""
	}
	hint := "there are " + strings.Join(known, ", ")
	if near := nearest.Name(name, slices.Values(known), 3); near != "" {
		hint = "did you mean " + near + "?"
	}
	return fmt.Sprintf("%s: there is no transport %q; %s", key, name, hint)
}
