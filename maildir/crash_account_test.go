package maildir_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/maildir/archive"
)

// accountStep is something that is done to an account as a whole. partly says that it is several things, each of which lasts or doesn't.
type accountStep struct {
	name   string
	partly bool
	do     func(ctx context.Context, a mail.Account) error
}

func accountSteps() []accountStep {
	create := func(name string) accountStep {
		return accountStep{"create " + name, strings.Contains(name, "/"), func(ctx context.Context, a mail.Account) error {
			_, err := a.Create(ctx, name, nil)
			return err
		}}
	}
	put := func(box string, contents ...string) accountStep {
		// A Maildir can't take two files at once: whoever asks for all or none (RFC 3502) and gets no answer may find some.
		return accountStep{"append to " + box, len(contents) > 1, func(ctx context.Context, a mail.Account) error {
			m, err := a.Open(ctx, box)
			if err != nil {
				return err
			}
			defer m.Close()
			ap, err := m.Append(ctx)
			if err != nil {
				return err
			}
			for _, c := range contents {
				if err := ap.Add(ctx, strings.NewReader("Subject: "+c+"\r\n\r\n"), nil); err != nil {
					_ = ap.Abort()
					return err
				}
			}
			_, err = ap.Commit(ctx)
			return err
		}}
	}
	rename := func(from, to string, partly bool) accountStep {
		return accountStep{"rename " + from + " to " + to, partly, func(ctx context.Context, a mail.Account) error { return a.Rename(ctx, from, to) }}
	}
	subscribe := func(name string, on bool) accountStep {
		return accountStep{fmt.Sprint("subscribe ", name, " ", on), false, func(ctx context.Context, a mail.Account) error { return a.Subscribe(ctx, name, on) }}
	}
	annotate := func(box, value string) accountStep {
		return accountStep{"annotate " + box, false, func(ctx context.Context, a mail.Account) error {
			return a.(mail.MetadataAccount).SetMetadata(ctx, box, []mail.Annotation{{Name: "/private/comment", Value: []byte(value)}})
		}}
	}
	limit := func(octets int64) accountStep {
		return accountStep{"limit", false, func(ctx context.Context, a mail.Account) error {
			return a.(mail.QuotaSetter).SetQuota(ctx, "User quota", []mail.QuotaResource{{Kind: mail.QuotaStorage, Limit: octets}})
		}}
	}
	remove := accountStep{"delete old", true, func(ctx context.Context, a mail.Account) error { return a.Delete(ctx, "old") }}
	bring := accountStep{"import", true, func(ctx context.Context, a mail.Account) error {
		mbox := "From a@b Thu Jan  1 00:00:00 2026\nSubject: i1\n\nFrom a@b Thu Jan  1 00:00:01 2026\nSubject: i2\n\n"
		src, err := archive.OpenMbox(fstest.MapFS{"m": {Data: []byte(mbox)}}, "m", "imported", archive.MboxAuto)
		if err != nil {
			return err
		}
		_, err = archive.Copy(ctx, &archive.Account{Account: a}, src, nil)
		return err
	}}
	return []accountStep{
		put("INBOX", "1", "2"), create("work"), limit(1 << 20), put("work", "3"), subscribe("work", true), create("work/a/b"), put("work/a/b", "4", "5"),
		annotate("work", "one"), annotate("work/a/b", "deep"), subscribe("work/a/b", true), rename("work", "job", true), annotate("job", "two"),
		put("job", "6"), create("old"), put("old", "7"), subscribe("old", true), remove, subscribe("old", false), rename("INBOX", "in", true),
		put("INBOX", "8"), bring, limit(1 << 21), rename("job/a", "a", true), subscribe("a/b", true),
	}
}

// accountView is what an account looks like from outside: a line a mailbox, and the limit.
type accountView struct {
	boxes map[string]string
	where map[string]map[string]string // by UIDVALIDITY: UID to content

	used, total int64 // octets, by quota and as counted here
}

func viewAccount(ctx context.Context, a mail.Account) (*accountView, error) {
	v := &accountView{boxes: map[string]string{}, where: map[string]map[string]string{}}
	total := int64(0)
	for info, err := range a.Mailboxes(ctx) {
		if err != nil {
			return nil, err
		}
		if info.NonExistent || info.NoSelect {
			if info.Subscribed {
				v.boxes["subscribed: "+info.Name] = "yes"
			}
			continue
		}
		m, err := a.Open(ctx, info.Name)
		if err != nil {
			return nil, err
		}
		st, err := m.State(ctx)
		if err != nil {
			return nil, err
		}
		var contents []string
		uids := map[string]string{}
		for msg, err := range m.Messages(ctx, mail.AllUIDs(), mail.FieldSize) {
			if err != nil {
				return nil, err
			}
			b, err := readBody(ctx, m, msg.UID)
			if err != nil {
				return nil, err
			}
			s := strings.TrimSpace(strings.TrimPrefix(b, "Subject: "))
			contents = append(contents, s)
			uids[fmt.Sprint(msg.UID)] = s
			total += msg.Size
		}
		v.where[fmt.Sprint(st.UIDValidity, " ", info.Name)] = uids
		notes, err := a.(mail.MetadataAccount).Metadata(ctx, info.Name, nil)
		if err != nil {
			return nil, err
		}
		slices.Sort(contents)
		v.boxes[info.Name] = fmt.Sprint(contents)
		if info.Subscribed {
			v.boxes["subscribed: "+info.Name] = "yes"
		}
		for _, n := range notes {
			v.boxes["note: "+info.Name+n.Name] = string(n.Value)
		}
		if err := m.Close(); err != nil {
			return nil, err
		}
	}
	rs, err := a.(mail.QuotaAccount).Quota(ctx, "User quota")
	if err != nil {
		return nil, err
	}
	for _, r := range rs {
		if r.Kind == mail.QuotaStorage {
			v.boxes["limit"] = fmt.Sprint(r.Limit)
			v.used, v.total = r.Used, total
		}
	}
	return v, nil
}

func accountStore(fs *vfs.Crash, layout maildir.Layout) *maildir.Store {
	return &maildir.Store{Path: "/mail/%u", FS: fs, Host: "h", Poll: -1, UserQuota: true, Layout: layout}
}

// runAccount does the steps, and returns what was seen before each and at the end.
func runAccount(ctx context.Context, s *maildir.Store) (views []*accountView, err error) {
	a, err := s.Account(ctx, "u")
	if err != nil {
		return nil, err
	}
	defer a.Close()
	for _, step := range accountSteps() {
		v, err := viewAccount(ctx, a)
		if err != nil {
			return views, err
		}
		views = append(views, v)
		if err := step.do(ctx, a); err != nil {
			return views, fmt.Errorf("%s: %w", step.name, err)
		}
	}
	v, err := viewAccount(ctx, a)
	if err != nil {
		return views, err
	}
	return append(views, v), nil
}

// TestCrashAccount stops the machine at every operation while mailboxes are made, renamed with what is below them, deleted, subscribed
// to, annotated, limited and imported into. What was acknowledged is there after; what was being done is, or is not, or of what is several things some
// are; no message is lost.
func TestCrashAccount(t *testing.T) { testCrashAccount(t, maildir.LayoutMaildirPP, 1) }

// The same with a folder a level, at every second operation.
func TestCrashAccountNested(t *testing.T) { testCrashAccount(t, maildir.LayoutFS, 2) }

func testCrashAccount(t *testing.T, layout maildir.Layout, every int) {
	t.Parallel()
	whole := vfs.NewCrash()
	want, err := runAccount(t.Context(), accountStore(whole, layout))
	require.NoError(t, err)
	for _, v := range want {
		require.Equal(t, v.total, v.used)
	}
	steps := accountSteps()
	for n := 1; n <= whole.Ops(); n += every {
		fs := vfs.NewCrash()
		fs.CrashAt(n)
		seen, err := runAccount(t.Context(), accountStore(fs, layout))
		if err == nil {
			continue
		}
		if len(seen) == 0 {
			continue // before anything was acknowledged
		}
		at := len(seen) - 1
		what := fmt.Sprintf("crash at %d: %v", n, err)
		require.ErrorIs(t, err, vfs.ErrCrashed, what)
		a, err := accountStore(fs.Recover(rand.New(rand.NewPCG(uint64(n), 7))), layout).Account(t.Context(), "u")
		require.NoError(t, err, what)
		got, err := viewAccount(t.Context(), a)
		require.NoError(t, err, what)
		before, after := want[at].boxes, want[min(at+1, len(want)-1)].boxes
		if !steps[min(at, len(steps)-1)].partly {
			require.Contains(t, []map[string]string{before, after}, got.boxes, what)
		}
		for k, v := range got.boxes {
			if strings.HasPrefix(v, "[") { // some of the messages of after, all of those that are in both
				for _, c := range strings.FieldsFunc(v, notDigit) {
					require.Contains(t, strings.FieldsFunc(before[k]+" "+after[k], notDigit), c, "%s: %s", what, k)
				}
				continue
			}
			require.Contains(t, []string{before[k], after[k]}, v, "%s: %s", what, k)
		}
		kept := strings.Join(slices.Collect(maps.Values(got.boxes)), " ")
		for i := 1; i <= 8; i++ {
			if c := fmt.Sprint(i); has(before, c) && has(after, c) {
				require.Contains(t, strings.FieldsFunc(kept, notDigit), c, "%s: message %s", what, c)
			}
		}
		// No UID stands for another message than it did.
		for box, uids := range got.where {
			for uid, content := range uids {
				for _, v := range seen {
					if was, ok := v.where[box][uid]; ok {
						require.Equal(t, was, content, "%s: %s UID %s", what, box, uid)
					}
				}
			}
		}
		// What is used may have got lost, the limit not; whoever counts finds it.
		require.NoError(t, a.(mail.QuotaSetter).SetQuota(t.Context(), "User quota", []mail.QuotaResource{{Kind: mail.QuotaStorage, Limit: 1 << 20}}), what)
		got, err = viewAccount(t.Context(), a)
		require.NoError(t, err, what)
		require.Equal(t, got.total, got.used, what)
		require.NoError(t, a.Close())
	}
}

func notDigit(r rune) bool { return r < '0' || r > '9' }

func has(boxes map[string]string, content string) bool {
	for _, v := range boxes {
		if strings.HasPrefix(v, "[") && slices.Contains(strings.FieldsFunc(v, notDigit), content) {
			return true
		}
	}
	return false
}
