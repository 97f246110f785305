package server

import "github.com/buuta/mail/examples/fullserver/intake"

// filter sets what has to do with content filters: where mail goes first, and what is left out on its way there and back.
func (s *Server) filter(d *door, b *intake.Backend) {
	if d.kind == intake.LMTP {
		return
	}
	f := &d.set.Filters
	b.Filter, b.FilterHop = f.Content, f.Nexthop
	if f.Without("no_header_body_checks") {
		b.Checks = nil
	}
	if f.Without("no_milters") { // our own check and signature stand where milters do
		b.Milters, b.Check, b.Keys, b.Checked = nil, nil, nil, true
	}
	if f.Without("no_address_mappings") {
		b.AlwaysBCC = ""
	}
}
