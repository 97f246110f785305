package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/buuta/mail"
	"github.com/stretchr/testify/require"
)

// quotaSetter returns the account and INBOX's quota root, if the store lets its user set limits.
func (e *env) quotaSetter() (mail.QuotaSetter, string) {
	q, ok := e.a.(mail.QuotaSetter)
	if !ok {
		e.Skip("the store has no limits that a user can set")
	}
	roots, err := q.QuotaRoots(e.ctx, "INBOX")
	e.ok(err)
	if len(roots) == 0 {
		e.Skip("INBOX has no quota root")
	}
	if err := q.SetQuota(e.ctx, roots[0], nil); errors.Is(err, mail.ErrPermission) {
		e.Skip("the user may not set limits")
	} else {
		e.ok(err)
	}
	return q, roots[0]
}

func limitTo(kind mail.QuotaKind, n int64) []mail.QuotaResource {
	return []mail.QuotaResource{{Kind: kind, Limit: n}}
}

// used returns how much is used of a resource, which must be limited.
func (e *env) used(q mail.QuotaAccount, root string, kind mail.QuotaKind) int64 {
	e.Helper()
	all, err := q.Quota(e.ctx, root)
	e.ok(err)
	for _, r := range all {
		if r.Kind == kind {
			return r.Used
		}
	}
	e.Fatalf("%s is not limited in root %q", kind, root)
	return 0
}

// Limits are as they were set, "resources that limits doesn't name become unlimited", "usage is not looked at".
func testQuotaLimits(e *env) {
	q, root := e.quotaSetter()
	e.add(e.open("INBOX"), text(1))
	e.ok(q.SetQuota(e.ctx, root, []mail.QuotaResource{{Kind: mail.QuotaStorage, Limit: 1 << 20}, {Kind: mail.QuotaMessages, Limit: 9}}))
	all, err := q.Quota(e.ctx, root)
	e.ok(err)
	got := map[mail.QuotaKind]int64{}
	for _, r := range all {
		got[r.Kind] = r.Limit
	}
	e.equal(map[mail.QuotaKind]int64{mail.QuotaStorage: 1 << 20, mail.QuotaMessages: 9}, got)
	e.equal(int64(1), e.used(q, root, mail.QuotaMessages))
	e.ok(q.SetQuota(e.ctx, root, limitTo(mail.QuotaMessages, 7)))
	all, err = q.Quota(e.ctx, root)
	e.ok(err)
	e.equal([]mail.QuotaResource{{Kind: mail.QuotaMessages, Used: 1, Limit: 7}}, all)
	e.ok(q.SetQuota(e.ctx, root, nil))
	all, err = q.Quota(e.ctx, root)
	e.ok(err)
	require.Empty(e, all)

	_, err = q.Quota(e.ctx, "no such root")
	e.is(err, mail.ErrNoQuotaRoot)
	e.is(q.SetQuota(e.ctx, "no such root", nil), mail.ErrNoQuotaRoot)
	e.is(q.SetQuota(e.ctx, root, limitTo("X-PAPER", 1)), mail.ErrQuotaKind)
	roots, err := q.QuotaRoots(e.ctx, "not/made/yet") // "which need not exist yet"
	e.ok(err)
	require.Contains(e, roots, root)
}

// What is appended and copied counts, what is expunged or deleted doesn't, what is moved stays the same.
func testQuotaUsage(e *env) {
	q, root := e.quotaSetter()
	e.ok(q.SetQuota(e.ctx, root, []mail.QuotaResource{{Kind: mail.QuotaStorage, Limit: 1 << 30}, {Kind: mail.QuotaMessages, Limit: 100}}))
	in, box := e.open("INBOX"), e.create("a/b")
	var one int64
	check := func(n int64) {
		e.Helper()
		e.equal(n, e.used(q, root, mail.QuotaMessages))
		e.equal(n*one, e.used(q, root, mail.QuotaStorage))
	}
	check(0)
	e.add(in, text(1))
	one = e.used(q, root, mail.QuotaStorage)
	require.Positive(e, one)
	require.LessOrEqual(e, one, int64(len(text(1)))) // line ends may be kept shorter
	check(1)
	e.add(box, text(2), `\Seen`)
	check(2)
	_, err := in.Copy(e.ctx, mail.AllUIDs(), box.Info().ID, nil)
	e.ok(err)
	check(3)
	_, err = box.Copy(e.ctx, mail.UIDSetOf(1), in.Info().ID, &mail.CopyOptions{Move: true})
	e.ok(err)
	check(3)
	e.set(in, mail.FlagsAdd, []string{`\Deleted`}, 1)
	check(3)
	_, err = in.Expunge(e.ctx, mail.AllUIDs(), &mail.ExpungeOptions{OnlyDeleted: true})
	e.ok(err)
	check(2)
	e.ok(e.a.Rename(e.ctx, "a/b", "c"))
	check(2)
	e.ok(e.a.Delete(e.ctx, "c"))
	check(1)
	_, err = in.Expunge(e.ctx, mail.AllUIDs(), nil)
	e.ok(err)
	check(0)
}

// "Commands that would go beyond fail with ErrOverQuota", and what fails keeps nothing.
func testQuotaRefusal(e *env) {
	q, root := e.quotaSetter()
	in, box := e.open("INBOX"), e.create("box")
	e.add(in, text(1))
	e.add(in, text(2))
	e.ok(q.SetQuota(e.ctx, root, limitTo(mail.QuotaMessages, 3)))
	over := func(err error) {
		e.Helper()
		e.is(err, mail.ErrOverQuota)
		e.equal([]mail.UID{1, 2}, e.uids(in))
		e.equal([]mail.UID{}, e.uids(box))
	}
	// All or none: two more would be one too many.
	over(addMany(e, box, 2))
	_, err := in.Copy(e.ctx, mail.AllUIDs(), box.Info().ID, nil)
	over(err)
	e.equal(int64(2), e.used(q, root, mail.QuotaMessages))
	e.ok(addMany(e, box, 1))
	_, err = box.Expunge(e.ctx, mail.AllUIDs(), nil)
	e.ok(err)
	next := e.state(box).UIDNext

	// At, and beyond, the limit of octets.
	e.ok(q.SetQuota(e.ctx, root, limitTo(mail.QuotaStorage, 1<<30)))
	used := e.used(q, root, mail.QuotaStorage)
	e.ok(q.SetQuota(e.ctx, root, limitTo(mail.QuotaStorage, used+used/2)))
	e.ok(addMany(e, box, 1))
	_, err = box.Expunge(e.ctx, mail.AllUIDs(), nil)
	e.ok(err)
	require.Greater(e, e.state(box).UIDNext, next)
	e.ok(q.SetQuota(e.ctx, root, limitTo(mail.QuotaStorage, used+used/2-1)))
	over(addMany(e, box, 1))
	e.ok(q.SetQuota(e.ctx, root, limitTo(mail.QuotaStorage, 1)))
	over(addMany(e, box, 1))

	// Who is over may move, flag and remove.
	_, err = in.Copy(e.ctx, mail.UIDSetOf(1), box.Info().ID, &mail.CopyOptions{Move: true})
	e.ok(err)
	e.set(in, mail.FlagsAdd, []string{`\Seen`}, 2)
	_, err = in.Expunge(e.ctx, mail.AllUIDs(), nil)
	e.ok(err)
	e.ok(q.SetQuota(e.ctx, root, nil))
	e.ok(addMany(e, box, 5))
}

// addMany appends n messages of one size at once.
func addMany(e *env, m mail.Mailbox, n int) error {
	a, err := m.Append(e.ctx)
	if err != nil {
		return err
	}
	defer a.Abort()
	for i := range n {
		if err := a.Add(e.ctx, strings.NewReader(text(i%10)), nil); err != nil {
			return err
		}
	}
	_, err = a.Commit(e.ctx)
	return err
}

// Many who append at once, into several mailboxes, get no further than the limit.
func testQuotaAtOnce(e *env) {
	q, root := e.quotaSetter()
	const most, writers = 10, 8
	e.ok(q.SetQuota(e.ctx, root, limitTo(mail.QuotaMessages, most)))
	var boxes []mail.Mailbox
	for i := range writers / 2 {
		boxes = append(boxes, e.create(fmt.Sprint("box", i)))
	}
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for range most + 1 {
				if errs[i] = addMany(e, boxes[i%len(boxes)], 1); errs[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	kept := 0
	for _, m := range boxes {
		kept += len(e.uids(m))
	}
	for _, err := range errs {
		e.is(err, mail.ErrOverQuota)
	}
	e.equal(most, kept)
	e.equal(int64(most), e.used(q, root, mail.QuotaMessages))
}
