package imap

// MailboxScope says which mailboxes a [MailboxFilter] means (RFC 5465 section 6, RFC 7377 section 2.2).
type MailboxScope string

// The scopes. SELECTED-DELAYED is for NOTIFY only, SUBTREE-ONE for ESEARCH only.
const (
	ScopeSelected        MailboxScope = "SELECTED"
	ScopeSelectedDelayed MailboxScope = "SELECTED-DELAYED"
	ScopeInboxes         MailboxScope = "INBOXES"     // those that mail may be delivered to
	ScopePersonal        MailboxScope = "PERSONAL"    // the user's own
	ScopeSubscribed      MailboxScope = "SUBSCRIBED"  // the subscribed ones
	ScopeSubtree         MailboxScope = "SUBTREE"     // Names and all below them
	ScopeSubtreeOne      MailboxScope = "SUBTREE-ONE" // Names and their children
	ScopeMailboxes       MailboxScope = "MAILBOXES"   // Names
)

// MailboxFilter names mailboxes by a rule, "filter-mailboxes" in the formal syntax (RFC 5465 section 8).
type MailboxFilter struct {
	Scope MailboxScope
	Names []string // of the scopes that have them
}

// hasNames reports whether names belong to the scope.
func (s MailboxScope) hasNames() bool {
	return s == ScopeSubtree || s == ScopeSubtreeOne || s == ScopeMailboxes
}

// MailboxFilter requires a filter-mailboxes. Which scopes are allowed is for the command to say.
func (d *Decoder) MailboxFilter() (f MailboxFilter) {
	f.Scope = MailboxScope(d.Keyword())
	switch f.Scope {
	case ScopeSelected, ScopeSelectedDelayed, ScopeInboxes, ScopePersonal, ScopeSubscribed:
	case ScopeSubtree, ScopeSubtreeOne, ScopeMailboxes:
		d.SP()
		if d.Peek('(') {
			d.List(func() { f.Names = append(f.Names, d.Mailbox()) })
		} else {
			f.Names = []string{d.Mailbox()}
		}
		if d.err == nil && len(f.Names) == 0 {
			d.fail("Mailbox expected")
		}
	default:
		d.fail("Unknown choice of mailboxes " + describe([]byte(f.Scope)))
	}
	return f
}

// MailboxFilter writes a filter-mailboxes.
func (e *Encoder) MailboxFilter(f MailboxFilter) *Encoder {
	e.Raw(string(f.Scope))
	if !f.Scope.hasNames() {
		return e
	}
	e.Raw(" (")
	for i, n := range f.Names {
		if i > 0 {
			e.SP()
		}
		e.Mailbox(n)
	}
	return e.Raw(")")
}

// ESearchProgram requires what follows the command ESEARCH: source options, of which none mean the selected mailbox, result
// options, charset and search program (RFC 7377 section 4).
func (d *Decoder) ESearchProgram() (in []MailboxFilter, o SearchOptions, key SearchKey) {
	if d.TryWord("IN") {
		d.SP()
		d.Special('(')
		for d.err == nil {
			if in = append(in, d.MailboxFilter()); len(in) > d.Limits.Items {
				d.Fail(&Status{Type: BAD, Code: CodeLimit, Text: "Too many sources"})
			}
			if d.Try(')') {
				break
			}
			if d.SP(); d.Peek('(') {
				d.fail("Unknown scope option")
			}
		}
		d.SP()
	}
	o = d.SearchOptions()
	return in, o, d.SearchProgram()
}

// ESearchProgram writes what follows the command ESEARCH.
func (e *Encoder) ESearchProgram(in []MailboxFilter, o SearchOptions, key SearchKey) *Encoder {
	if len(in) > 0 {
		e.Raw("IN (")
		for i, f := range in {
			if i > 0 {
				e.SP()
			}
			e.MailboxFilter(f)
		}
		e.Raw(") ")
	}
	return e.SearchOptions(o).SearchKey(key)
}
