package imap_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// A value of the extensions about accounts: how it is read, and how it is written.
type value struct {
	read  func(d *imap.Decoder) any
	write func(e *imap.Encoder, v any)
}

type quota struct {
	root      string
	resources []mail.QuotaResource
}

type quotaRoots struct {
	mailbox string
	roots   []string
}

type rightsChange struct {
	op     mail.RightsOp
	rights mail.Rights
}

type acl struct {
	mailbox string
	entries []mail.ACLEntry
}

type metadata struct {
	mailbox string
	values  []mail.Annotation
	changed []string
}

var accountValues = map[string]value{
	"quota": {func(d *imap.Decoder) any { root, r := d.Quota(); return quota{root, r} },
		func(e *imap.Encoder, v any) { e.Quota(v.(quota).root, v.(quota).resources) }},
	"quotaroot": {func(d *imap.Decoder) any { box, r := d.QuotaRoots(); return quotaRoots{box, r} },
		func(e *imap.Encoder, v any) { e.QuotaRoots(v.(quotaRoots).mailbox, v.(quotaRoots).roots) }},
	"setquota": {func(d *imap.Decoder) any { return d.QuotaLimits() },
		func(e *imap.Encoder, v any) { e.QuotaLimits(v.([]mail.QuotaResource)) }},
	"setacl": {func(d *imap.Decoder) any { op, r := d.RightsChange(); return rightsChange{op, r} },
		func(e *imap.Encoder, v any) { e.RightsChange(v.(rightsChange).op, v.(rightsChange).rights) }},
	"acl": {func(d *imap.Decoder) any { box, entries := d.ACL(); return acl{box, entries} },
		func(e *imap.Encoder, v any) { e.ACL(v.(acl).mailbox, v.(acl).entries) }},
	"listrights": {func(d *imap.Decoder) any { return d.ListRights() },
		func(e *imap.Encoder, v any) { e.ListRights(v.(imap.ListRights)) }},
	"getmetadata": {func(d *imap.Decoder) any { return d.GetMetadata() },
		func(e *imap.Encoder, v any) { e.GetMetadata(v.(imap.GetMetadata)) }},
	"setmetadata": {func(d *imap.Decoder) any { return d.Metadata() },
		func(e *imap.Encoder, v any) { e.Metadata(v.([]mail.Annotation)) }},
	"metadata": {func(d *imap.Decoder) any { box, v, names := d.MetadataResponse(); return metadata{box, v, names} },
		func(e *imap.Encoder, v any) {
			if m := v.(metadata); m.changed != nil {
				e.MetadataChanged(m.mailbox, m.changed)
			} else {
				e.Mailbox(m.mailbox).SP().Metadata(m.values)
			}
		}},
	"notify": {func(d *imap.Decoder) any { return d.Notify() }, func(e *imap.Encoder, v any) { e.Notify(v.(imap.Notify)) }},
	"namespace": {func(d *imap.Decoder) any { return d.Namespaces() },
		func(e *imap.Encoder, v any) { e.Namespaces(v.([]imap.Namespace)) }},
	"language": {func(d *imap.Decoder) any { return d.LanguageList() },
		func(e *imap.Encoder, v any) { e.LanguageList(v.([]string)) }},
	"languages": {func(d *imap.Decoder) any { return d.Languages() },
		func(e *imap.Encoder, v any) { e.Languages(v.([]string)) }},
}

// What the RFCs' examples say, and how it is written by us where that is another way. "" is the same.
var accountExamples = []struct{ kind, in, out string }{
	{"quota", `"!partition/sda4" (STORAGE 104 10923847)`, `!partition/sda4 (STORAGE 104 10923847)`},
	{"quota", `"" (STORAGE 10 512)`, ""},
	{"quota", `"#user/alice" (storage 54 111 MESSAGE 42 1000)`, `#user/alice (STORAGE 54 111 MESSAGE 42 1000)`},
	{"quota", `"" ()`, ""},
	{"quota", `x (STORAGE 9223372036854775807 1)`, `x (STORAGE 9007199254740992 1)`},
	{"quotaroot", `INBOX "#user/alice" "!partition/sda4"`, `INBOX #user/alice !partition/sda4`},
	{"quotaroot", `INBOX ""`, ""},
	{"quotaroot", `comp.mail.mime`, ""},
	{"setquota", `(STORAGE 510)`, ""},
	{"setquota", `()`, ""},
	{"setacl", `+cda`, `+kxtea`},
	{"setacl", `-w`, ""},
	{"setacl", `lrswi`, ""},
	{"setacl", `""`, ""},
	{"acl", `INBOX Fred rwipslda David lrswideta`, `INBOX Fred lrswipxtead David lrswitead`},
	{"acl", `INBOX -Fred wetd $team w "" ""`, `INBOX -Fred wted $team w "" ""`},
	{"listrights", `~/Mail/saved smith la r swicdkxte`, `~/Mail/saved smith la r swikxte c d`},
	{"listrights", `archive.imap anyone "" l r s w i p k x t e c d a 0 1 2`, `archive.imap anyone "" l r s w i p k x t e a c d`},
	{"getmetadata", `"" /shared/comment`, `"" (/shared/comment)`},
	{"getmetadata", `"INBOX" (MAXSIZE 1024) (/shared/comment /private/comment)`,
		`(MAXSIZE 1024) INBOX (/shared/comment /private/comment)`},
	{"getmetadata", `(depth Infinity maxsize 5) INBOX "/PRIVATE/filters/values"`,
		`(MAXSIZE 5 DEPTH infinity) INBOX (/private/filters/values)`},
	{"getmetadata", `INBOX (/private /shared)`, ""},
	{"setmetadata", `(/private/comment "My new comment" /shared/comment NIL)`, ""},
	{"setmetadata", "(/private/comment {33}\r\nMy new comment across\r\ntwo lines.)", ""},
	{"setmetadata", "(/private/comment ~{3}\r\n\x00\r\n)", ""},
	{"setmetadata", `(/private/comment "")`, ""},
	{"metadata", `"" /shared/comment`, ""},
	{"metadata", `"INBOX" /shared/comment /private/comment`, `INBOX /shared/comment /private/comment`},
	{"metadata", `INBOX (/private/filters/values/boss "FROM \"boss@example.com\"")`, ""},
	{"notify", `none`, `NONE`},
	{"notify", `set status (selected (MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge))` +
		` (subtree Lists (MessageNew messageexpunge))`,
		`SET STATUS (SELECTED (MessageNew (UID BODY.PEEK[HEADER.FIELDS (from to subject)]) MessageExpunge))` +
			` (SUBTREE (Lists) (MessageNew MessageExpunge))`},
	{"notify", `SET (selected-delayed NONE) (mailboxes (INBOX "a b") (MailboxName X-New)) (personal (SubscriptionChange))`,
		`SET (SELECTED-DELAYED NONE) (MAILBOXES (INBOX "a b") (MailboxName X-New)) (PERSONAL (SubscriptionChange))`},
	{"notify", `SET (inboxes (MessageNew MessageExpunge FlagChange)) (subscribed (ServerMetadataChange))`,
		`SET (INBOXES (MessageNew MessageExpunge FlagChange)) (SUBSCRIBED (ServerMetadataChange))`},
	{"namespace", `(("" "/")) NIL NIL`, ""},
	{"namespace", `(("" "/")) (("Other Users/" "/" "TRANSLATION" ("Andere Ben&APw-tzer/"))) (("Public Folders/" "/"` +
		` "TRANSLATION" ("Gemeinsame Postf&AOQ-cher/")))`, ""},
	{"namespace", `NIL (("~" NIL)) (("#news." ".")("#ftp/" "/" "X-PARAM" ("FLAG1" "FLAG2")))`,
		`NIL (("~" NIL)) (("#news." ".")("#ftp/" "/"))`},
	{"language", `(EN DE IT i-default)`, ""},
	{"languages", ` FR-CA "default"`, ` FR-CA default`},
}

func TestAccountExamples(t *testing.T) {
	for _, x := range accountExamples {
		k := accountValues[x.kind]
		require.NoError(t, decode(x.in+"\r\n", func(d *imap.Decoder) {
			v := k.read(d)
			require.NoError(t, d.CRLF(), "%s %q", x.kind, x.in)
			want := x.out
			if want == "" {
				want = x.in
			}
			require.Equal(t, want, encode(func(e *imap.Encoder) { k.write(e, v) }), "%s %q", x.kind, x.in)
		}))
	}
}

// What the grammars and the rules beside them forbid.
func TestAccountErrors(t *testing.T) {
	for _, x := range []struct{ kind, in string }{
		{"quota", `x `}, {"quota", `x (STORAGE 1)`}, {"quota", `x (STORAGE -1 5)`}, {"quota", `x (STORAGE 1 9223372036854775808)`},
		{"setquota", `STORAGE 5`}, {"setquota", `(5 STORAGE)`},
		// RFC 4314 section 3.1: "an unrecognized right MUST cause the command to return the BAD response."
		{"setacl", `lrQswicda`}, {"setacl", `lrqswicda`}, {"setacl", `+-w`}, {"setacl", `+0`},
		{"acl", `INBOX Fred`}, {"listrights", `INBOX Fred`},
		// RFC 5464 section 3.2: "An entry name MUST NOT contain two consecutive "/" characters and MUST NOT end with a "/"
		// character … MUST NOT contain asterisk or percent … non-ASCII characters"; at least two components, four for a vendor's.
		{"setmetadata", `(/private//comment "x")`}, {"setmetadata", `(/private/comment/ "x")`}, {"setmetadata", `("/private/a*" "x")`},
		{"setmetadata", `("/private/a%b" "x")`}, {"setmetadata", `("/private/ä" "x")`}, {"setmetadata", `(/private "x")`},
		{"setmetadata", `(/other/comment "x")`}, {"setmetadata", `(comment "x")`}, {"setmetadata", `(/private/vendor/x "x")`},
		{"setmetadata", `(/private/comment)`}, {"setmetadata", `(/private/comment atom)`},
		{"getmetadata", `INBOX ()`}, {"getmetadata", `(DEPTH 2) INBOX /private/comment`}, {"getmetadata", `(FOO) INBOX /private/x`},
		{"getmetadata", `INBOX (MAXSIZE x) /private/comment`}, {"getmetadata", `INBOX`},
		// RFC 5465 section 5: "If one of MessageNew or MessageExpunge is specified, then both events MUST be specified."
		{"notify", `SET (personal (MessageNew))`}, {"notify", `SET (personal (MessageExpunge))`},
		// "If the FlagChange and/or AnnotationChange events are specified, MessageNew and MessageExpunge MUST also be specified".
		{"notify", `SET (personal (FlagChange))`}, {"notify", `SET (personal (AnnotationChange))`},
		// Section 6.1: "Only one of the mailbox specifiers affecting the currently selected mailbox can be specified"; "It is an
		// error to specify other types of events".
		{"notify", `SET (selected NONE) (selected-delayed NONE)`}, {"notify", `SET (selected (MailboxName))`},
		// Section 8: "The fett-att list may only be present for the SELECTED/SELECTED-DELAYED mailbox filter".
		{"notify", `SET (personal (MessageNew (UID) MessageExpunge))`},
		{"notify", `SET`}, {"notify", `SET STATUS`}, {"notify", `SET ()`}, {"notify", `SET (everything NONE)`}, {"notify", `ALL`},
		{"notify", `SET (personal ())`}, {"notify", `SET (mailboxes NONE)`}, {"notify", `SET (selected (MessageExpunge (UID) MessageNew))`},
		{"namespace", `NIL NIL`}, {"namespace", `((("" "/"))) NIL NIL`}, {"language", `en`},
	} {
		require.Error(t, decode(x.in+"\r\n", func(d *imap.Decoder) {
			accountValues[x.kind].read(d)
			_ = d.CRLF()
		}), "%s %q", x.kind, x.in)
	}
}

// RFC 9208 section 5.1: "in units of 1024 octets". What is used is not made less by rounding, what is allowed not more.
func TestQuotaUnits(t *testing.T) {
	require.Equal(t, `r (STORAGE 2 1 MESSAGE 1025 2047)`, encode(func(e *imap.Encoder) {
		e.Quota("r", []mail.QuotaResource{{Kind: mail.QuotaStorage, Used: 1025, Limit: 2047},
			{Kind: mail.QuotaMessages, Used: 1025, Limit: 2047}, {Kind: mail.QuotaMailboxes, Used: 5, Limit: -1}})
	}))
	require.Equal(t, `r (STORAGE 9007199254740992 9007199254740991)`, encode(func(e *imap.Encoder) {
		e.Quota("r", []mail.QuotaResource{{Kind: mail.QuotaStorage, Used: math.MaxInt64, Limit: math.MaxInt64}})
	}))
}

// RFC 4314 section 2.1.1: clients "MUST ignore the virtual "d" and "c" rights"; of a server that has only those of RFC 2086 they
// are all there is.
func TestVirtualRights(t *testing.T) {
	for in, want := range map[string]string{"lrswipkxtecda": "lrswipkxtea", "lrtd": "lrt", "lrkc": "lrk", "lrcd": "lrkxte", "lr0n9": "lr"} {
		require.NoError(t, decode(in+"\r\n", func(d *imap.Decoder) { require.Equal(t, want, d.Rights().String(), in) }))
	}
}

// Whatever a store can hold is written so that it is read as the same.
func TestAnnotationsSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := []mail.Annotation{}
		for i, v := range rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 1, 5).Draw(t, "values") {
			want = append(want, mail.Annotation{Name: fmt.Sprintf("/shared/x%d", i), Value: slices.Concat([]byte{}, v)})
		}
		utf8 := rapid.Bool().Draw(t, "utf8")
		s := encode(func(e *imap.Encoder) { e.UTF8 = utf8; e.Metadata(want) })
		require.NoError(t, decode(s+"\r\n", func(d *imap.Decoder) { require.Equal(t, want, d.Metadata()) }))
	})
}

// FuzzAccountValues reads whatever comes as each kind of value. What could be read is written and read again as the same.
func FuzzAccountValues(f *testing.F) {
	kinds := make([]string, 0, len(accountValues))
	for k := range accountValues {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	for _, x := range accountExamples {
		f.Add(byte(slices.Index(kinds, x.kind)), x.in)
	}
	f.Fuzz(func(t *testing.T, kind byte, in string) {
		k := accountValues[kinds[int(kind)%len(kinds)]]
		read := func(s string) (v any, err error) {
			d := imap.NewDecoder(strings.NewReader(s + "\r\n"))
			v = k.read(d)
			return v, d.CRLF()
		}
		v, err := read(in)
		if err != nil {
			return
		}
		first := encode(func(e *imap.Encoder) { k.write(e, v) })
		again, err := read(first)
		require.NoError(t, err, "%q", first)
		require.Equal(t, first, encode(func(e *imap.Encoder) { k.write(e, again) }))
	})
}

// Courier's answer where nothing is limited.
func TestQuotaWithoutList(t *testing.T) {
	d := imap.NewDecoder(strings.NewReader("\"ROOT\"\r\n"))
	root, resources := d.Quota()
	require.NoError(t, d.CRLF())
	require.Equal(t, "ROOT", root)
	require.Empty(t, resources)
}
