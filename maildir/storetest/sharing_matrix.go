package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

// call is something a user does to a mailbox of another's, and the rights that it takes: all of one of the strings. An
// empty list: it takes none.
type call struct {
	name  string
	needs []string
	do    func(*matrix) error
	// hidden is the error where the user has no right at all. nil: mail.ErrNoMailbox.
	hidden error
}

// matrix is what a call works on: a mailbox "box" of Account's with a message, which Other may do something to.
type matrix struct {
	*sharing
	box  string       // as Other knows it
	open mail.Mailbox // opened by Other when Other had all rights
	half mail.Append  // begun then
	post mail.Append
}

var calls = []call{
	{name: "Open", needs: []string{"r", "i", "p", "a"}, do: func(m *matrix) error {
		b, err := m.other.a.Open(m.ctx, m.box)
		if err == nil {
			err = b.Close()
		}
		return err
	}},
	{name: "Status", needs: []string{"r"}, do: func(m *matrix) error { _, err := m.other.a.Status(m.ctx, m.box); return err }},
	{name: "Create", needs: []string{"k"}, hidden: mail.ErrPermission, do: func(m *matrix) error {
		_, err := m.other.a.Create(m.ctx, m.box+"/kid", nil)
		return err
	}},
	{name: "CreateFarBelow", needs: []string{"k"}, hidden: mail.ErrPermission, do: func(m *matrix) error {
		_, err := m.other.a.Create(m.ctx, m.box+"/far/kid", nil)
		return err
	}},
	{name: "Delete", needs: []string{"x"}, do: func(m *matrix) error { return m.other.a.Delete(m.ctx, m.box) }},
	{name: "Rename", needs: []string{"x"}, do: func(m *matrix) error {
		return m.other.a.Rename(m.ctx, m.box, m.name("free/"+strings.ReplaceAll(m.box, "/", "-")))
	}},
	{name: "RenameInto", needs: []string{"k"}, hidden: mail.ErrPermission, do: func(m *matrix) error {
		return m.other.a.Rename(m.ctx, m.name("free"), m.box+"/kid")
	}},
	{name: "Rights", needs: strings.Split(mail.AllRights.String(), ""), do: func(m *matrix) error {
		_, err := sharingOf(m.other.a).Rights(m.ctx, m.box)
		return err
	}},
	{name: "ACL", needs: []string{"a"}, do: func(m *matrix) error { _, err := sharingOf(m.other.a).ACL(m.ctx, m.box); return err }},
	{name: "SetACL", needs: []string{"a"}, do: func(m *matrix) error {
		return sharingOf(m.other.a).SetACL(m.ctx, m.box, Third, mail.RightsAdd, mail.RightRead)
	}},
	{name: "Grantable", needs: []string{"a"}, do: func(m *matrix) error {
		_, _, err := sharingOf(m.other.a).Grantable(m.ctx, m.box, Third)
		return err
	}},
	{name: "Subscribe", do: func(m *matrix) error { return m.other.a.Subscribe(m.ctx, m.box, true) }},
	{name: "State", needs: []string{"r"}, do: func(m *matrix) error { _, err := m.open.State(m.ctx); return err }},
	{name: "Messages", needs: []string{"r"}, do: func(m *matrix) error {
		_, err := messages(m.ctx, m.open, mail.AllUIDs(), allFields)
		return err
	}},
	{name: "OpenBody", needs: []string{"r"}, do: func(m *matrix) error { _, err := content(m.ctx, m.open, 1); return err }},
	{name: "Changes", needs: []string{"r"}, do: func(m *matrix) error { _, err := m.open.Changes(m.ctx, 0); return err }},
	{name: "Append", needs: []string{"i"}, do: func(m *matrix) error { _, err := add(m.ctx, m.open, text(2), nil); return err }},
	{name: "AppendBegun", needs: []string{"i"}, do: func(m *matrix) error { _, err := m.half.Commit(m.ctx); return err }},
	{name: "Post", needs: []string{"p"}, do: func(m *matrix) error {
		_, err := add(m.ctx, m.open, text(2), &mail.AppendOptions{Post: true})
		return err
	}},
	{name: "PostBegun", needs: []string{"p"}, do: func(m *matrix) error { _, err := m.post.Commit(m.ctx); return err }},
	{name: "CopyFrom", needs: []string{"r"}, do: func(m *matrix) error {
		_, err := m.open.Copy(m.ctx, mail.AllUIDs(), m.other.info("INBOX").ID, nil)
		return err
	}},
	{name: "CopyTo", needs: []string{"i"}, do: func(m *matrix) error {
		_, err := m.other.open("INBOX").Copy(m.ctx, mail.AllUIDs(), m.open.Info().ID, nil)
		return err
	}},
	{name: "MoveFrom", needs: []string{"rte"}, do: func(m *matrix) error { // RFC 6851 section 4.2
		_, err := m.open.Copy(m.ctx, mail.AllUIDs(), m.other.info("INBOX").ID, &mail.CopyOptions{Move: true})
		return err
	}},
	{name: "MoveTo", needs: []string{"i"}, do: func(m *matrix) error {
		_, err := m.other.open("INBOX").Copy(m.ctx, mail.AllUIDs(), m.open.Info().ID, &mail.CopyOptions{Move: true})
		return err
	}},
	{name: "SetSeen", needs: []string{"rs"}, do: setFlags(mail.FlagsAdd, `\Seen`)},
	{name: "SetDeleted", needs: []string{"rt"}, do: setFlags(mail.FlagsAdd, `\Deleted`)},
	{name: "SetFlagged", needs: []string{"rw"}, do: setFlags(mail.FlagsAdd, `\Flagged`)},
	{name: "TakeKeyword", needs: []string{"rw"}, do: setFlags(mail.FlagsRemove, "kept")},
	{name: "SetSome", needs: []string{"rs", "rt"}, do: setFlags(mail.FlagsAdd, `\Seen`, `\Deleted`)},
	{name: "ReplaceFlags", needs: []string{"rs", "rt", "rw"}, do: setFlags(mail.FlagsReplace)},
	{name: "Expunge", needs: []string{"e"}, do: func(m *matrix) error { _, err := m.open.Expunge(m.ctx, mail.AllUIDs(), nil); return err }},
	{name: "ExpungeDeleted", needs: []string{"e"}, do: func(m *matrix) error {
		_, err := m.open.Expunge(m.ctx, mail.AllUIDs(), &mail.ExpungeOptions{OnlyDeleted: true})
		return err
	}},
	{name: "TakeRecent", needs: []string{"r"}, do: func(m *matrix) error {
		r, ok := m.open.(mail.RecentTaker)
		if !ok {
			return errNotThere
		}
		_, err := r.TakeRecent(m.ctx)
		return err
	}},
	{name: "ReadBodies", needs: []string{"r"}, do: func(m *matrix) error {
		r, ok := m.open.(mail.BodyReader)
		if !ok {
			return errNotThere
		}
		bodies := r.ReadBodies(m.ctx, mail.AllUIDs())
		defer bodies.Close()
		body, err := bodies.Open(m.ctx, 1)
		if err != nil {
			return err
		}
		return body.Close()
	}},
	{name: "Metadata", needs: []string{"lr", "ls", "lw", "li", "lp"}, do: func(m *matrix) error { // RFC 5464 section 3.3
		a, ok := m.other.a.(mail.MetadataAccount)
		if !ok {
			return errNotThere
		}
		_, err := a.Metadata(m.ctx, m.box, nil)
		return err
	}},
	{name: "SetMetadata", needs: []string{"lr", "ls", "lw", "li", "lp"}, do: func(m *matrix) error {
		a, ok := m.other.a.(mail.MetadataAccount)
		if !ok {
			return errNotThere
		}
		return a.SetMetadata(m.ctx, m.box, []mail.Annotation{{Name: "/shared/comment", Value: []byte("x")}})
	}},
	{name: "SearchText", needs: []string{"r"}, do: func(m *matrix) error {
		s, ok := m.open.(mail.TextSearcher)
		if !ok {
			return errNotThere
		}
		_, err := s.SearchText(m.ctx, mail.AllUIDs(), mail.TextQuery{In: mail.InText, Text: "message"})
		return err
	}},
	{name: "SearchThread", needs: []string{"r"}, do: func(m *matrix) error {
		s, ok := m.open.(mail.ThreadSearcher)
		if !ok {
			return errNotThere
		}
		_, err := s.SearchThread(m.ctx, mail.AllUIDs(), "T")
		return err
	}},
}

// errNotThere is returned by calls that a store doesn't have.
var errNotThere = fmt.Errorf("not implemented")

func setFlags(op mail.FlagOp, flags ...string) func(*matrix) error {
	return func(m *matrix) error {
		_, err := m.open.SetFlags(m.ctx, mail.AllUIDs(), mail.FlagChange{Op: op, Flags: mail.NewFlags(flags...)})
		return err
	}
}

// runMatrix does every call with no right, with each right alone, with all but each, and with all. RFC 4314 section 4.
func runMatrix(t *testing.T, open func(*testing.T) mail.Store) {
	sets := []mail.Rights{0, mail.AllRights}
	for r := mail.RightLookup; r <= mail.RightAdmin; r <<= 1 {
		sets = append(sets, r, mail.AllRights&^r)
	}
	for _, pair := range []string{"rs", "rt", "rw", "rte", "lr", "ls", "li", "lp", "lw"} {
		sets = append(sets, parseRights(pair))
	}
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			s := newSharing(t, open(t))
			s.add(s.other.open("INBOX"), text(9))
			for i, r := range sets {
				s.tryCall(c, r, i)
			}
		})
	}
}

// tryCall does a call as Other, who has the rights r to a new mailbox.
func (s *sharing) tryCall(c call, r mail.Rights, i int) {
	s.Helper()
	own := fmt.Sprintf("box%d", i)
	owners := s.create(own)
	_, err := add(s.ctx, owners, text(1), &mail.AppendOptions{Flags: mail.NewFlags(`\Answered`, "kept")})
	s.ok(err)
	if s.info("free") == nil {
		s.create("free")
	}
	s.grant("free", Other, "lrswipkxtea")
	s.grant(own, Other, "lrswipkxtea")
	m := &matrix{sharing: s, box: s.name(own), open: s.other.open(s.name(own))}
	begin := func(post bool) mail.Append {
		a, err := m.open.Append(s.ctx)
		s.ok(err)
		s.ok(a.Add(s.ctx, strings.NewReader(text(3)), &mail.AppendOptions{Post: post}))
		return a
	}
	m.half, m.post = begin(false), begin(true)
	defer m.half.Abort()
	defer m.post.Abort()
	before := s.picture(own)
	s.grant(own, Other, r.String())
	allowed := len(c.needs) == 0 || slices.ContainsFunc(c.needs, func(n string) bool { return r.Has(parseRights(n)) })
	err = c.do(m)
	want := mail.ErrPermission
	if r == 0 {
		want = mail.ErrNoMailbox
		if c.hidden != nil {
			want = c.hidden
		}
	}
	switch {
	case err == errNotThere:
		return
	case allowed:
		require.NoErrorf(s, err, "%s with %q", c.name, r)
	default:
		require.ErrorIsf(s, err, want, "%s with %q", c.name, r)
		s.grant(own, Other, mail.AllRights.String())
		require.Equalf(s, before, s.picture(own), "%s with %q", c.name, r)
	}
	if !allowed || c.name != "Delete" && c.name != "Rename" {
		s.grant(own, Other, r.String())
		listed := s.other.info(m.box)
		seen := listed != nil && !listed.NoSelect && !listed.NonExistent
		require.Equalf(s, r.Has(mail.RightLookup), seen, "LIST after %s with %q", c.name, r)
		if !seen && listed != nil { // as one that isn't there: subscribed, or above one that can be seen
			require.True(s, listed.NonExistent || listed.HasChildren)
			require.Empty(s, listed.ID)
		}
	}
	require.NoError(s, m.half.Abort())
}

// picture is all there is to know of a mailbox of Account's but for who may what.
func (s *sharing) picture(mailbox string) any {
	s.Helper()
	m := s.open(mailbox)
	defer m.Close()
	type pic struct {
		State    mail.State
		Messages []mail.Message
		Names    []string
		Others   []mail.Message
	}
	p := pic{State: s.state(m), Messages: s.messages(m)}
	p.State.HighestModSeq = 0 // a change of another user's \Seen, or of rights, may raise it
	for _, n := range s.names() {
		if n == mailbox || strings.HasPrefix(n, mailbox+"/") || strings.HasPrefix(n, "free") {
			p.Names = append(p.Names, n)
		}
	}
	p.Others = s.other.messages(s.other.open(s.name(mailbox)))
	return p
}
