package queue

import (
	"slices"
	"strings"
)

// domainOf returns an address's domain, "" when it has none.
func domainOf(address string) string {
	_, domain, _ := cutLast(address)
	return domain
}

// cutLast splits an address at the last "@": a local-part may have one in quotes.
func cutLast(address string) (local, domain string, ok bool) {
	i := strings.LastIndexByte(address, '@')
	if i < 0 {
		return address, "", false
	}
	return address[:i], address[i+1:], true
}

// hasState reports whether messages in a state can pass.
func (f *Filter) hasState(st State) bool {
	return len(f.States) == 0 || slices.Contains(f.States, st)
}

// wantsMessage reports whether the message itself must be looked at.
func (f *Filter) wantsMessage() bool {
	return f.Sender != nil || f.Recipient != "" || f.Destination != "" || f.Match != nil
}

// passes reports whether the message has what the filter asks of its envelope. m may be nil for a damaged one.
func (f *Filter) passes(m *Message) bool {
	if !f.wantsMessage() {
		return true
	}
	if m == nil {
		return false
	}
	if f.Sender != nil && !strings.EqualFold(*f.Sender, m.From) {
		return false
	}
	if (f.Recipient != "" || f.Destination != "") && !slices.ContainsFunc(m.Recipients, f.passesRecipient) {
		return false
	}
	return f.Match == nil || f.Match(m)
}

func (f *Filter) passesRecipient(r Recipient) bool {
	if r.State != Pending || f.Recipient != "" && !strings.EqualFold(f.Recipient, r.Address) {
		return false
	}
	want, have := strings.ToLower(f.Destination), strings.ToLower(domainOf(r.Address))
	if below, ok := strings.CutPrefix(want, "."); ok {
		return have == below || strings.HasSuffix(have, want)
	}
	return want == "" || have == want
}
