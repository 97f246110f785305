package thread

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/imap"
)

// show writes threads as a response has them.
func show(list []imap.Thread) string {
	var b strings.Builder
	e := imap.NewEncoder(&b)
	e.Threads(list)
	_ = e.Flush()
	return strings.TrimSpace(b.String())
}

// given makes messages of lines "id subject | references", sent a day apart.
func given(lines ...string) []Message {
	var list []Message
	for i, l := range lines {
		head, refs, _ := strings.Cut(l, "|")
		id, subject, _ := strings.Cut(strings.TrimSpace(head), " ")
		m := Message{Num: uint32(i + 1), Date: time.Unix(int64(i)*86400, 0), Subject: subject}
		if id != "-" {
			m.MessageID = "<" + id + "@x>"
		}
		for r := range strings.FieldsSeq(refs) {
			m.References += " <" + r + "@x>"
		}
		list = append(list, m)
	}
	return list
}

func references(list []Message) string {
	var b Builder
	for i := range list {
		b.Add(&list[i])
	}
	return show(b.References())
}

func refs(list []Message) string {
	var b Builder
	for i := range list {
		b.Add(&list[i])
	}
	return show(b.Refs())
}

func orderedSubject(list []Message) string {
	var b Builder
	for i := range list {
		b.AddSubject(&list[i])
	}
	return show(b.OrderedSubject())
}

// The rules of RFC 5256 section 3, REFERENCES.
func TestReferences(t *testing.T) {
	for _, test := range []struct {
		rule  string
		lines []string
		want  string
	}{
		{"nothing", nil, ""},
		{"no references", []string{"a x", "b y"}, "(1)(2)"},
		{"a chain", []string{"a x", "b y|a", "c z|a b"}, "(1 2 3)"},
		{"siblings", []string{"a x", "b y|a", "c z|a"}, "(1 (2)(3))"},
		{"out of order", []string{"c z|a b", "b y|a", "a x"}, "(3 2 1)"},
		{"create a dummy message with this ID", []string{"b y|a", "c z|a"}, "((1)(2))"},
		{"promote a lone child", []string{"b y|a"}, "(1)"},
		{"promote below a message", []string{"a x", "d y|a b c"}, "(1 2)"},
		{"dummies within dummies", []string{"d x|a b c", "e y|a b", "f z|a"}, "((1)(2)(3))"},
		{"no Message-ID: assign a unique one", []string{"- x", "- y"}, "(1)(2)"},
		{"the same Message-ID twice", []string{"a x", "a y", "c z|a"}, "(1 3)(2)"},
		{"a loop of two", []string{"a x|b", "b y|a"}, "(2 1)"},
		{"a loop of itself", []string{"a x|a"}, "(1)"},
		{"loops of three", []string{"a x|c", "b y|a", "c z|b"}, "(3 1 2)"},
		{"don't change the existing link", []string{"a x", "b y|a", "d z|c b"}, "(1 2 3)"},
		{"break the link that truncated references made", []string{"d z|a b", "b y|c", "a x", "c w"}, "(3)(4 2 1)"},
		{"if this message has no references, it will now have no parent", []string{"d z|a b", "b y", "a x"}, "(2 1)(3)"},
		{"merge: reply below original", []string{"a topic", "b Re: topic"}, "(1 2)"},
		{"merge: original found later", []string{"b Re: topic", "a topic"}, "(2 1)"},
		{"merge: both originals", []string{"a topic", "b topic"}, "((1)(2))"},
		{"merge: both replies", []string{"a Re: topic", "b Re: topic"}, "((1)(2))"},
		{"merge: three originals", []string{"a topic", "b topic", "c topic"}, "((1)(2)(3))"},
		{"merge: case and composition don't count", []string{"a TOPIC \u00e9", "b re: topic E\u0301"}, "(1 2)"},
		{"merge: an empty subject is skipped", []string{"a", "b Re:", "c (fwd)"}, "(1)(2)(3)"},
		{"merge: two dummies", []string{"b topic|x", "c topic|x", "d topic|y", "e topic|y"}, "((1)(2)(3)(4))"},
		{"merge: into a dummy", []string{"a topic", "b topic|x", "c topic|x"}, "((1)(2)(3))"},
		{"merge: only threads, not replies in them", []string{"a x", "b topic|a", "c topic"}, "(1 2)(3)"},
	} {
		require.Equal(t, test.want, references(given(test.lines...)), test.rule)
	}
	// "use the first (if any) valid Message ID found in the In-Reply-To header line as the only reference"
	list := given("a x", "b y", "c z")
	list[1].InReplyTo = `Your message <a@x> of <c@x>`
	list[2].References, list[2].InReplyTo = "not valid", "<b@x>"
	require.Equal(t, "(1 2 3)", references(list))
	// "the INTERNALDATE … sorted by sent date", ties by sequence number.
	list = given("a x", "b y|a", "c z|a", "d w")
	list[1].Date, list[2].Date, list[3].Date = time.Unix(500, 0), time.Unix(400, 0), time.Unix(-1, 0)
	require.Equal(t, "(4)(1 (3)(2))", references(list))
}

func TestRefs(t *testing.T) {
	require.Equal(t, "(1)(2)", refs(given("a topic", "b Re: topic"))) // subjects don't count
	// A thread stands where its most recent message does.
	require.Equal(t, "(2)(1 3)", refs(given("a x", "b y", "c z|a")))
	require.Equal(t, "(3)((1)(2)(4))", refs(given("a x|q", "b y|q", "c z", "d w|q")))
}

// "each thread containing messages with the same base subject text"; "there are no grandchildren".
func TestOrderedSubject(t *testing.T) {
	list := given("a topic", "b other", "c Re: Topic", "d Fwd: [list] topic", "e RE: other", "f", "g re:")
	require.Equal(t, "(1 (3)(4))(2 5)(6 7)", orderedSubject(list))
	list[2].Date = time.Unix(-5, 0)
	require.Equal(t, "(3 (1)(4))(2 5)(6 7)", orderedSubject(list))
}

// model does REFERENCES step by step with pointers, as it is written.
type model struct {
	parent *model
	kids   []*model
	m      *Message // nil: dummy
	base   string
	reply  bool
}

func (n *model) below(a *model) bool {
	for ; n != nil; n = n.parent {
		if n == a {
			return true
		}
	}
	return false
}

func (n *model) adopt(kid *model) {
	kid.parent = n
	n.kids = append(n.kids, kid)
}

func (n *model) date() (int64, uint32) {
	if n.m == nil {
		return n.kids[0].date()
	}
	return n.m.Date.Unix(), n.m.Num
}

func sortModels(list []*model) {
	slices.SortFunc(list, func(a, b *model) int {
		ad, an := a.date()
		bd, bn := b.date()
		return cmp.Or(cmp.Compare(ad, bd), cmp.Compare(an, bn))
	})
}

func modelReferences(list []Message) string {
	table := map[string]*model{}
	var all []*model
	get := func(id string) *model {
		if table[id] == nil {
			table[id] = &model{}
			all = append(all, table[id])
		}
		return table[id]
	}
	link := func(p, c *model) {
		if c.parent == nil && !p.below(c) {
			c.parent = p
		}
	}
	for i := range list {
		m := &list[i]
		id := fmt.Sprintf("unique %d", i)
		if m.MessageID != "" && (table[m.MessageID] == nil || table[m.MessageID].m == nil) {
			id = m.MessageID
		}
		n := get(id)
		n.m = m
		n.base, n.reply = BaseSubject(m.Subject)
		n.base = string(AppendCasemap(nil, n.base))
		ids := strings.Fields(m.References)
		for i := 1; i < len(ids); i++ {
			link(get(ids[i-1]), get(ids[i]))
		}
		n.parent = nil
		if len(ids) > 0 {
			link(get(ids[len(ids)-1]), n)
		}
	}
	root := &model{}
	for _, n := range all {
		if n.parent == nil {
			n.parent = root
		}
		n.parent.kids = append(n.parent.kids, n)
	}
	var prune func(n *model)
	prune = func(n *model) {
		var out []*model
		for _, k := range n.kids {
			prune(k)
			if k.m != nil || n == root && len(k.kids) > 1 {
				out = append(out, k)
				continue
			}
			for _, g := range k.kids {
				g.parent = n
				out = append(out, g)
			}
		}
		n.kids = out
	}
	prune(root)
	var order func(n *model)
	order = func(n *model) {
		for _, k := range n.kids {
			order(k)
		}
		sortModels(n.kids)
	}
	order(root) // of the children of dummies (4) asks for it, elsewhere it doesn't matter yet
	subject := func(n *model) string {
		if n.m == nil {
			return n.kids[0].base
		}
		return n.base
	}
	subjects := map[string]*model{}
	for _, n := range root.kids {
		s := subject(n)
		in := subjects[s]
		if s != "" && (in == nil || in.m != nil && (n.m == nil || in.reply && !n.reply)) {
			subjects[s] = n
		}
	}
	drop := func(n *model) {
		root.kids = slices.DeleteFunc(slices.Clone(root.kids), func(k *model) bool { return k == n })
	}
	for _, n := range root.kids {
		s := subject(n)
		in := subjects[s]
		switch {
		case s == "" || in == n:
		case in.m == nil && n.m == nil:
			drop(n)
			for _, k := range n.kids {
				in.adopt(k)
			}
		case in.m == nil || n.reply && !in.reply:
			drop(n)
			in.adopt(n)
		default:
			d := &model{}
			drop(n)
			drop(in)
			d.adopt(in)
			d.adopt(n)
			root.adopt(d)
			subjects[s] = d
		}
	}
	order(root)
	var convert func(list []*model) []imap.Thread
	convert = func(list []*model) (out []imap.Thread) {
		for _, n := range list {
			t := imap.Thread{Replies: convert(n.kids)}
			if n.m != nil {
				t.Num = n.m.Num
			}
			out = append(out, t)
		}
		return out
	}
	return show(convert(root.kids))
}

func TestReferencesAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.IntRange(1, 12).Draw(t, "ids")
		id := rapid.IntRange(0, ids)
		list := make([]Message, rapid.IntRange(0, 14).Draw(t, "n"))
		for i := range list {
			m := &list[i]
			m.Num, m.Date = uint32(i+1), time.Unix(int64(rapid.IntRange(0, 5).Draw(t, "date")), 0)
			if n := id.Draw(t, "id"); n > 0 {
				m.MessageID = fmt.Sprintf("<%d@x>", n)
			}
			for _, n := range rapid.SliceOfN(id, 0, 5).Draw(t, "refs") {
				m.References += fmt.Sprintf(" <%d@x>", n)
			}
			m.Subject = rapid.SampledFrom([]string{"", "a", "b", "Re: a", "re: b", "Fwd: A"}).Draw(t, "subject")
		}
		require.Equal(t, modelReferences(list), references(list))
	})
}

// hostile are n messages that all refer to many others, in an order of their own.
// ids are the identifiers of n messages.
func ids(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = "<" + strconv.Itoa(i) + "@x>"
	}
	return out
}

func hostile(n, refs int) []Message {
	list, ids := make([]Message, n), ids(n)
	for i := range list {
		var b strings.Builder
		for j := range refs {
			b.WriteString(ids[(i*7919+j*104729+j*j)%n] + " ")
		}
		list[i] = Message{Num: uint32(i + 1), MessageID: ids[i], References: b.String(), Subject: "Re: s"}
	}
	return list
}

// Cycles, one chain through everything with each message naming its whole ancestry, and identifiers that no message has:
// time stays in proportion, and so does memory.
func TestHostileReferences(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const n = 100_000
	for name, list := range map[string][]Message{"all to all": hostile(n, 20), "one chain backwards": chain(n, true), "one chain": chain(n, false)} {
		start := time.Now()
		out := references(list)
		took := time.Since(start)
		t.Logf("%s: %v, %d octets of response", name, took, len(out))
		require.Less(t, took, 60*time.Second, name)
		require.Equal(t, n, len(strings.FieldsFunc(out, func(r rune) bool { return r < '0' || r > '9' })), name)
	}
	var b Builder
	for i := range 100 {
		var refs strings.Builder
		for j := range 10_000 {
			refs.WriteString("<" + strconv.Itoa(i) + "." + strconv.Itoa(j) + "@x>")
		}
		b.Add(&Message{Num: uint32(i + 1), References: refs.String()})
	}
	require.LessOrEqual(t, len(b.msgs), 100+dummiesAtFirst+dummiesEach*100+maxReferences)
	require.Len(t, b.References(), 100)
}

func chain(n int, backwards bool) []Message {
	list, ids := make([]Message, n), ids(n)
	for i := range list {
		at := i
		if backwards {
			at = n - 1 - i
		}
		list[i] = Message{Num: uint32(i + 1), MessageID: ids[at], References: strings.Join(ids[max(0, at-20):at], "")}
	}
	return list
}

func FuzzReferences(f *testing.F) {
	f.Add("a x|b\nb y|a\nc Re: x|d e\n")
	f.Fuzz(func(t *testing.T, s string) {
		lines := strings.Split(s, "\n")
		if len(lines) > 50 {
			return
		}
		list := given(lines...)
		for i := range list {
			list[i].Num = uint32(i + 1)
		}
		out := references(list)
		got := strings.FieldsFunc(out, func(r rune) bool { return r < '0' || r > '9' })
		require.Len(t, got, len(list)) // each message once
		refs(list)
		orderedSubject(list)
	})
}

func BenchmarkReferences(b *testing.B) {
	list := chain(20_000, false)
	b.ReportAllocs()
	for b.Loop() {
		var t Builder
		for i := range list {
			t.Add(&list[i])
		}
		t.References()
	}
}
