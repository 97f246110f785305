package maildir

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/ahead"
)

// bodies opens messages that follow each other. It implements mail.Bodies.
type bodies struct {
	m     *mailbox
	ctx   context.Context
	set   mail.UIDSet
	begun bool
	view  view
	dir   string
	rest  walker // what has not been looked at to be read ahead
	queue ahead.Queue[entry, *wholeBody]
}

// ReadBodies implements mail.BodyReader.
func (m *mailbox) ReadBodies(ctx context.Context, set mail.UIDSet) mail.Bodies {
	return &bodies{m: m, ctx: ctx, set: set}
}

// begin takes the view that names are known from. Those that change later are not found under them, and then looked for by OpenBody.
func (r *bodies) begin() error {
	if err := r.m.view(r.ctx, func(st *state) { r.view = st.take(r.set) }); err != nil {
		return err
	}
	r.begun, r.dir, r.rest = true, r.m.b.folder(), r.view.walk(r.set)
	r.queue.Next = func() (uint32, entry, int, bool) {
		for {
			b, s := r.rest.next()
			if s == nil {
				return 0, entry{}, 0, false
			}
			if size := s.bytes(); size <= smallBody {
				return s.uid, entry{b, s}, smallRoom(int(size) + 1), true
			}
		}
	}
	r.queue.Make = func(at entry) *wholeBody {
		if r.ctx.Err() != nil {
			return nil
		}
		body, _ := r.m.sh.readSmall(r.view.path(r.dir, at), at.s.bytes()) // what goes wrong does so again for who wants it
		return body
	}
	r.queue.Drop = func(body *wholeBody) {
		if body != nil {
			body.Close()
		}
	}
	r.queue.Budget = &r.m.sh.budget
	return nil
}

// Open implements mail.Bodies.
func (r *bodies) Open(ctx context.Context, uid mail.UID) (mail.Body, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !r.begun {
		if err := r.begin(); err != nil {
			return nil, err
		}
	}
	if body, _ := r.queue.Take(uint32(uid)); body != nil {
		return body, nil
	}
	if b, s := r.view.find(uint32(uid)); s != nil {
		return r.m.openAt(ctx, &r.view, r.dir, entry{b, s})
	}
	return r.m.OpenBody(ctx, uid)
}

// Close implements mail.Bodies.
func (r *bodies) Close() error {
	r.queue.Close()
	return nil
}

// path returns where a message's file lies in a mailbox's folder, as far as the view knows.
func (v *view) path(dir string, at entry) string {
	var buf [400]byte
	p := append(append(append(append(buf[:0], dir...), '/'), whereDir(at.s.bits&slotCur)...), '/')
	return string(appendInfo(v.appendBase(p, at.b, at.s), at.s.bits&slotCur, at.s.sys, at.s.kw, ""))
}

// openAt is OpenBody for a message that a view knows.
func (m *mailbox) openAt(ctx context.Context, v *view, dir string, at entry) (mail.Body, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if body, _ := m.sh.readSmall(v.path(dir, at), at.s.bytes()); body != nil {
		return body, nil
	}
	return m.OpenBody(ctx, mail.UID(at.s.uid))
}
