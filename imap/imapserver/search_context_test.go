package imapserver_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver"
)

// RFC 5267 section 4.3: "Both ADDTO and REMOVEFROM data items SHOULD be delivered … whether by new messages arriving in the
// mailbox, metadata such as flags being changed, or messages being expunged."
func TestContextSearch(t *testing.T) {
	f := newFixture(t, nil)
	fill(f, "INBOX", 3)
	p := f.login("INBOX")
	p.do(`x STORE 2 +FLAGS.SILENT (\Deleted)`)
	p.dialogue(`
		C: B01 UID SEARCH RETURN (UPDATE COUNT) DELETED
		S: * ESEARCH (TAG "B01") UID COUNT 1
		S: B01 OK UID SEARCH completed.
		// Note that the following is rejected, and has no effect:
		C: B01 SORT RETURN (UPDATE) (DATE) UTF-8 FLAGGED
		S: B01 BAD Tag reuse
		C: B02 SEARCH RETURN (UPDATE) UNDELETED UID 2:*
		S: B02 OK SEARCH completed.
		C: c STORE 1 +FLAGS (\Deleted)
		S: * 1 FETCH (UID 1 FLAGS (\Deleted \Recent))
		S: * ESEARCH (TAG "B01") UID ADDTO (0 1)
		S: c OK STORE completed.
		C: d STORE 2 -FLAGS (\Deleted)
		S: * 2 FETCH (UID 2 FLAGS (\Recent))
		S: * ESEARCH (TAG "B01") UID REMOVEFROM (0 2)
		S: * ESEARCH (TAG "B02") ADDTO (0 2)
		S: d OK STORE completed.`)
	// "an ADDTO containing message sequence numbers added as a result of those messages being delivered … MUST be sent after
	// the EXISTS notification itself"
	f.add("INBOX", "Subject: new\n\n")
	p.dialogue(`
		C: e NOOP
		S: * 4 EXISTS
		S: * 4 RECENT
		S: * ESEARCH (TAG "B02") ADDTO (0 4)
		S: e OK NOOP completed.
		// "REMOVEFROM … removed as a result of those messages being expunged MUST be sent prior to the expunge notification itself"
		C: f STORE 3 +FLAGS.SILENT (\Deleted)
		S: * ESEARCH (TAG "B01") UID ADDTO (0 3)
		S: * ESEARCH (TAG "B02") REMOVEFROM (0 3)
		S: f OK STORE completed.
		C: g EXPUNGE
		S: * ESEARCH (TAG "B01") UID REMOVEFROM (0 1,3)
		S: * 3 EXPUNGE
		S: * 1 EXPUNGE
		S: g OK EXPUNGE completed.
		C: h CANCELUPDATE "B01" "B02"
		S: h OK CANCELUPDATE completed.
		C: i STORE 1 +FLAGS (\Deleted)
		S: * 1 FETCH …
		S: i OK STORE completed.
		C: j CANCELUPDATE
		S: j BAD …
		C: B01 SEARCH RETURN (UPDATE) DELETED
		S: B01 OK SEARCH completed.`)
	// "Updates will cease when the mailbox is no longer selected".
	p.do("k SELECT INBOX")
	require.Len(t, p.do(`l STORE 2 +FLAGS (\Deleted)`), 1)
}

// RFC 5267 section 4.3.3 and 4.3.4: positions in the requested order.
func TestContextSort(t *testing.T) {
	f := newFixture(t, nil)
	f.add("INBOX", "Subject: d\n\n", "Subject: b\n\n", "Subject: f\n\n")
	p := f.login("INBOX")
	p.dialogue(`
		C: s UID SORT RETURN (UPDATE ALL) (SUBJECT) UTF-8 UNDELETED
		S: * ESEARCH (TAG "s") UID ALL 2,1,3
		S: s OK UID SORT completed.`)
	f.add("INBOX", "Subject: e\n\n", "Subject: a\n\n")
	p.dialogue(`
		C: a NOOP
		S: * 5 EXISTS
		S: * 5 RECENT
		S: * ESEARCH (TAG "s") UID ADDTO (1 5) ADDTO (4 4)
		S: a OK NOOP completed.
		C: b STORE 1:2,4 +FLAGS.SILENT (\Deleted)
		S: * ESEARCH (TAG "s") UID REMOVEFROM (2 2,1,4)
		S: b OK STORE completed.
		C: c STORE 1 -FLAGS.SILENT (\Deleted)
		S: * ESEARCH (TAG "s") UID ADDTO (2 1)
		S: c OK STORE completed.`)
}

// "an untagged NO is generated … with a response-code of NOUPDATE"; "Other return options specified SHALL still be honoured."
func TestContextLimits(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Limits.Contexts, s.Limits.ContextMessages = 2, 3 })
	fill(f, "INBOX", 2)
	f.login("INBOX").dialogue(`
		C: a SORT RETURN (UPDATE COUNT) (DATE) UTF-8 ALL
		S: * ESEARCH (TAG "a") COUNT 2
		S: a OK SORT completed.
		C: b SORT RETURN (UPDATE COUNT) (DATE) UTF-8 ALL
		S: * NO [NOUPDATE "b"] Too many contexts.
		S: * ESEARCH (TAG "b") COUNT 2
		S: b OK SORT completed.
		C: c SEARCH RETURN (UPDATE) ALL
		S: c OK SEARCH completed.
		C: d SEARCH RETURN (UPDATE) ALL
		S: * NO [NOUPDATE "d"] Too many contexts.
		S: d OK SEARCH completed.
		C: e CANCELUPDATE "a"
		S: e OK CANCELUPDATE completed.
		C: f SEARCH RETURN (UPDATE) ALL
		S: f OK SEARCH completed.`)
}

// follower is a client that keeps a result up to date by what it is told, as RFC 5267 section 4.3.2 says.
type follower struct {
	tag    string
	search string // the command without RETURN, to be asked again
	result []uint32
}

func (x *follower) apply(t require.TestingT, r *imap.ESearch) {
	for _, u := range r.Updates {
		var nums []uint32
		for _, n := range u.Nums.Ranges {
			for i := n.First; i <= n.Last; i++ {
				nums = append(nums, i)
			}
		}
		at := int(u.Position) - 1
		switch {
		case u.Position == 0 && u.Remove:
			for _, n := range nums {
				i := slices.Index(x.result, n)
				require.GreaterOrEqual(t, i, 0, "%d is not in %v", n, x.result)
				x.result = slices.Delete(x.result, i, i+1)
			}
		case u.Position == 0:
			x.result = append(x.result, nums...)
			slices.Sort(x.result)
		case u.Remove:
			require.Equal(t, nums, x.result[at:at+len(nums)])
			x.result = slices.Delete(x.result, at, at+len(nums))
		default:
			x.result = slices.Insert(x.result, at, nums...)
		}
	}
}

// esearches reads the ESEARCH responses among lines.
func esearches(t require.TestingT, lines []string) (out []imap.ESearch) {
	for _, l := range lines {
		if rest, ok := strings.CutPrefix(l, "* ESEARCH"); ok {
			d := imap.NewDecoder(strings.NewReader(rest + "\r\n"))
			r := d.ESearch()
			require.NoError(t, d.CRLF(), "%s", l)
			out = append(out, r)
		}
	}
	return out
}

// Whatever happens to a mailbox, from this session and from elsewhere, a client that follows the updates has what a new
// search would find. UIDs are used, as sequence numbers in a result would shift with every EXPUNGE.
func TestContextsAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFixture(t, nil)
		defer func() { _ = f.srv.Close() }()
		for i := range 4 {
			f.add("INBOX", fmt.Sprintf("Subject: %c\n\n", 'a'+i*3%4))
		}
		p := f.login("INBOX")
		follow := map[string]*follower{}
		for i, program := range []string{"SEARCH %s UNDELETED", "SEARCH %s OR FLAGGED SUBJECT b", "SORT %s (SUBJECT) UTF-8 UNDELETED",
			"SORT %s (REVERSE SUBJECT ARRIVAL) UTF-8 NOT FLAGGED"} {
			x := &follower{tag: fmt.Sprintf("f%d", i), search: strings.Replace(program, " %s", "", 1)}
			for _, r := range esearches(rt, p.do(x.tag+" UID "+fmt.Sprintf(program, "RETURN (UPDATE ALL)"))) {
				for _, n := range r.All.Ranges {
					for u := n.First; u <= n.Last; u++ {
						x.result = append(x.result, u)
					}
				}
			}
			follow[x.tag] = x
		}
		tell := func(lines []string) {
			for _, r := range esearches(rt, lines) {
				if x := follow[r.Tag]; x != nil {
					x.apply(rt, &r)
				}
			}
		}
		box := f.box("INBOX")
		defer box.Close()
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			uid := mail.UID(rapid.IntRange(1, 8).Draw(rt, "uid"))
			flag := rapid.SampledFrom([]string{`\Deleted`, `\Flagged`}).Draw(rt, "flag")
			op := rapid.SampledFrom([]string{"+", "-"}).Draw(rt, "op")
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0:
				f.add("INBOX", "Subject: "+rapid.SampledFrom([]string{"a", "b", "Re: b", "c"}).Draw(rt, "subject")+"\n\n")
			case 1:
				change := mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.NewFlags(flag)}
				if op == "-" {
					change.Op = mail.FlagsRemove
				}
				_, err := box.SetFlags(context.Background(), mail.UIDSetOf(uid, uid+1), change)
				require.NoError(rt, err)
			case 2:
				_, err := box.Expunge(context.Background(), mail.UIDSetOf(uid), nil)
				require.NoError(rt, err)
			case 3:
				tell(p.do(fmt.Sprintf("s UID STORE %d %sFLAGS (%s)", uid, op, flag)))
			case 4:
				tell(p.do("e EXPUNGE"))
			case 5:
				tell(p.do("n UID SEARCH ALL"))
			}
		}
		tell(p.do("n NOOP"))
		for _, x := range follow {
			lines := p.do("q UID " + x.search)
			_, list, _ := strings.Cut(strings.TrimPrefix(lines[0], "* "), " ")
			require.Equal(rt, list, strings.Trim(fmt.Sprint(x.result), "[]"), "%s", x.search)
		}
	})
}
