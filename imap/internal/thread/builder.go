package thread

import (
	"hash/maphash"
	"time"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/mime"
)

// Message is what threading needs to know of a message. Its strings are not kept.
type Message struct {
	Num        uint32    // its number or UID, as the answer names it; messages are added in the order of the mailbox
	Date       time.Time // the sent date (RFC 5256 section 2.2)
	Subject    string    // encoded words decoded
	MessageID  string    // bodies of the fields, as they are
	References string
	InReplyTo  string
}

// Builder makes threads of messages. The zero value is ready.
type Builder struct {
	seed  maphash.Seed
	nodes map[uint64]int32 // by the hash of a message identifier
	msgs  []message        // by node, from 1
	par   []int32          // parent node, 0: none
	tree  linkCut
	real  int // messages that were added
	chain []int32
	fold  []byte
}

// message is a node: a message, or with Num 0 one that is only referred to.
type message struct {
	num     uint32
	reply   bool
	date    int64  // seconds
	subject uint64 // hash of the base subject, 0 when that is empty
}

// How much a hostile mailbox gets of what a normal one has plenty of: references looked at of one message (the first
// and the last ones), and messages that are only referred to.
const (
	maxReferences  = 256
	dummiesAtFirst = 10_000
	dummiesEach    = 8
)

func (b *Builder) init() {
	if b.nodes == nil {
		b.seed, b.nodes = maphash.MakeSeed(), map[uint64]int32{}
		b.msgs, b.par = make([]message, 1, 64), make([]int32, 1, 64)
	}
}

func (b *Builder) newNode() int32 {
	b.msgs, b.par = append(b.msgs, message{}), append(b.par, 0)
	b.tree.grow()
	return int32(len(b.msgs) - 1)
}

// AddSubject adds a message for [Builder.OrderedSubject], which needs no more than subject and date.
func (b *Builder) AddSubject(m *Message) {
	b.init()
	b.msgs, b.par = append(b.msgs, b.message(m)), append(b.par, 0)
	b.real++
}

// Add adds a message for [Builder.References] or [Builder.Refs], and links those it refers to: step (1) of RFC 5256's
// REFERENCES.
func (b *Builder) Add(m *Message) {
	b.init()
	b.real++
	node := b.own(m.MessageID)
	b.msgs[node] = b.message(m)
	b.references(m)
	// (A) "Make the first reference the parent of the second …"
	for i := 1; i < len(b.chain); i++ {
		b.link(b.chain[i-1], b.chain[i])
	}
	// (B) "If the current message already has a parent, … break the current parent/child link before creating the new
	// correct one." "Note that if this message has no references, it will now have no parent."
	if b.par[node] != 0 {
		b.tree.cut(node)
		b.par[node] = 0
	}
	if n := len(b.chain); n > 0 {
		b.link(b.chain[n-1], node)
	}
}

func (b *Builder) message(m *Message) message {
	base, reply := BaseSubject(m.Subject)
	out := message{num: m.Num, reply: reply, date: m.Date.Unix()}
	if base != "" {
		b.fold = AppendCasemap(b.fold[:0], base)
		out.subject = maphash.Bytes(b.seed, b.fold) | 1
	}
	return out
}

// own returns the node of a message with the given Message-ID field. "If two or more messages have the same Message ID, then
// only use that Message ID in the first", and without one it gets "a unique Message ID".
func (b *Builder) own(field string) int32 {
	for id := range mime.ThreadMessageIDs(field) {
		h := maphash.Bytes(b.seed, id)
		node, known := b.nodes[h]
		switch {
		case !known:
			node = b.newNode()
			b.nodes[h] = node
		case b.msgs[node].num != 0:
			return b.newNode()
		}
		return node
	}
	return b.newNode()
}

// references collects the nodes of the references of m in b.chain: those of References, else the first of In-Reply-To.
func (b *Builder) references(m *Message) {
	b.chain = b.chain[:0]
	n := 0
	var recent [maxReferences - 1]uint64 // the hashes of those behind the first, a ring
	for id := range mime.ThreadMessageIDs(m.References) {
		h := maphash.Bytes(b.seed, id)
		if n == 0 {
			b.refer(h)
		} else {
			recent[(n-1)%len(recent)] = h
		}
		n++
	}
	for i := max(1, n-len(recent)); i < n; i++ {
		b.refer(recent[(i-1)%len(recent)])
	}
	if n > 0 {
		return
	}
	for id := range mime.ThreadMessageIDs(m.InReplyTo) {
		b.refer(maphash.Bytes(b.seed, id))
		return
	}
}

// refer adds the node with the hash to the chain, making one for a message that isn't known yet, unless there are too many.
func (b *Builder) refer(h uint64) {
	node, known := b.nodes[h]
	if !known {
		if len(b.msgs)-b.real > dummiesAtFirst+dummiesEach*b.real {
			return
		}
		node = b.newNode()
		b.nodes[h] = node
	}
	b.chain = append(b.chain, node)
}

// link makes p the parent of x unless x has one, or it would be a loop: x is a root, so p is below x exactly if x is the
// root of p's tree.
func (b *Builder) link(p, x int32) {
	if b.par[x] != 0 || p == x || b.tree.root(p) == x {
		return
	}
	b.tree.link(x, p)
	b.par[x] = p
}

// emit makes the answer of trees: children holds each node's children as they are to be shown.
func (b *Builder) emit(roots []int32, children func(int32) []int32) []imap.Thread {
	if len(roots) == 0 {
		return nil
	}
	slab := make([]imap.Thread, b.real+len(roots)) // roots may be dummies
	take := func(nodes []int32) []imap.Thread {
		out := slab[:len(nodes):len(nodes)]
		slab = slab[len(nodes):]
		return out
	}
	type pending struct {
		nodes []int32
		out   []imap.Thread
	}
	top := take(roots)
	work := []pending{{roots, top}}
	for len(work) > 0 {
		p := work[len(work)-1]
		work = work[:len(work)-1]
		for i, node := range p.nodes {
			p.out[i].Num = b.msgs[node].num
			if kids := children(node); len(kids) > 0 {
				p.out[i].Replies = take(kids)
				work = append(work, pending{kids, p.out[i].Replies})
			}
		}
	}
	return top
}
