package notice_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime/dsn"
	"github.com/buuta/mail/mime/dsn/notice"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata anew")

var arrived = time.Date(2026, 11, 22, 9, 0, 0, 0, time.FixedZone("", 7*3600))

func report(action dsn.Action) *dsn.Report {
	return &dsn.Report{
		To: "alice@example.test", ReportingMTA: "mx.example.test", ArrivalDate: arrived, Date: arrived, MessageID: "1@mx.example.test",
		Recipients: []dsn.Recipient{
			{
				Original: "rfc822;bob@example.net", Final: "bob@mail.example.net", Action: action, Status: mail.EnhancedCode{5, 1, 1},
				RemoteMTA: "mail.example.net[192.0.2.1]", Diagnostic: "550 5.1.1 <bob@mail.example.net>:\nno such user",
			},
			{Final: "carol@example.net", Action: action, Diagnostic: "mailbox full"},
			{Final: "dave@example.net", Action: action, RemoteMTA: "mail.example.net"},
			{Final: "eve@example.net", Action: action},
		},
	}
}

var kinds = []struct {
	name   string
	action dsn.Action
	change func(r *dsn.Report)
}{
	{"failure", dsn.Failed, func(r *dsn.Report) { r.Return.Content = strings.NewReader("x") }},
	{"failure-header", dsn.Failed, func(r *dsn.Report) { r.Return.Content, r.Return.HeaderOnly = strings.NewReader("x"), true }},
	{"failure-alone", dsn.Failed, func(r *dsn.Report) {}},
	{"delay", dsn.Delayed, func(r *dsn.Report) { r.Recipients[1].WillRetryUntil = arrived.Add(120 * time.Hour) }},
	{"delay-forever", dsn.Delayed, func(r *dsn.Report) {}},
	{"delivered", dsn.Delivered, func(r *dsn.Report) {}},
	{"relayed", dsn.Relayed, func(r *dsn.Report) {}},
	{"expanded", dsn.Expanded, func(r *dsn.Report) {}},
	{"copy", dsn.Failed, func(r *dsn.Report) { r.Copy, r.CopyOf = true, "alice@example.test" }},
}

// English says what package dsn does without templates, so that the file is a true beginning for an operator's own.
func TestEnglish(t *testing.T) {
	for _, k := range kinds {
		plain, r := report(k.action), report(k.action)
		k.change(plain)
		k.change(r)
		notice.English().Apply(r, notice.Values{})
		require.Equal(t, write(t, plain), write(t, r), k.name)
	}
}

// Vietnamese notifications, and the answer to a probe in both languages, are as testdata has them.
func TestGolden(t *testing.T) {
	for lang, s := range map[string]*notice.Set{"vi": notice.Vietnamese(), "en": notice.English()} {
		for _, k := range kinds {
			if lang == "vi" {
				r := report(k.action)
				k.change(r)
				s.Apply(r, notice.Values{})
				golden(t, lang+"-"+k.name, r)
			}
		}
		r := report(dsn.Delivered)
		require.NotNil(t, s.Verify)
		s.ApplyTemplate(s.Verify, r, notice.Values{})
		golden(t, lang+"-verify", r)
	}
}

func golden(t *testing.T, name string, r *dsn.Report) {
	t.Helper()
	text := dsn.DefaultText(r)
	if r.Text != nil {
		text = r.Text(r)
	}
	require.True(t, utf8.ValidString(text))
	for line := range strings.Lines(text) {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 77)
	}
	got := fmt.Sprintf("From: %v\nSubject: %s\n\n%s", r.From, r.Subject, text)
	file := filepath.Join("testdata", name+".txt")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got, name)
}

func write(t *testing.T, r *dsn.Report) string {
	var b strings.Builder
	_, err := r.WriteTo(&b)
	require.NoError(t, err)
	_, after, _ := strings.Cut(b.String(), "boundary=\"")
	boundary, _, _ := strings.Cut(after, "\"")
	return strings.ReplaceAll(b.String(), boundary, "B")
}

// bounce(5)'s own example, and what it says about names and dollars.
const manual = `
# The failure template is used for undeliverable mail.

failure_template = <<EOF
Charset: us-ascii
From: MAILER-DAEMON (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
Postmaster-Subject: Postmaster Copy: Undelivered Mail

This is the mail system at host $myhostname.

For $$5 ${mydomain} tries for $maximal_queue_lifetime_days days, $(maximal_queue_lifetime_hours) hours, and warns
after $delay_warning_time_minutes minutes. { $myhostname}
   {{- $n := len .Recipients}} {{$n}} recipients

                   The mail system
EOF
   
delay_template=<<END
subject: EOF is no end here

EOF

EOF
END
`

func TestPostfixFormat(t *testing.T) {
	s, err := notice.Parse(manual)
	require.NoError(t, err)
	require.Nil(t, s.Success)
	r := report(dsn.Failed)
	s.Apply(r, notice.Values{Domain: "example.test", Lifetime: 5 * 24 * time.Hour, DelayWarning: 90 * time.Minute})
	require.Equal(t, "MAILER-DAEMON@mx.example.test", r.From.Addr())
	require.Equal(t, "Mail Delivery System", r.From.Name)
	text := r.Text(r)
	require.Contains(t, text, "This is the mail system at host mx.example.test.\n\nFor $5 example.test tries for 5 days, 120 hours, and warns\nafter 90 minutes. { mx.example.test} 4 recipients\n")
	require.Contains(t, text, "\n<carol@example.net>: mailbox full\n", "what has happened is added: no template forgets it")

	r = report(dsn.Failed)
	r.Copy = true
	s.Apply(r, notice.Values{})
	require.Equal(t, "Postmaster Copy: Undelivered Mail", r.Subject)
	require.Nil(t, r.Text, `"The template message text is not sent in Postmaster copies"`)

	r = report(dsn.Delayed)
	s.Apply(r, notice.Values{})
	require.Equal(t, "EOF is no end here", r.Subject)
	require.Contains(t, r.Text(r), "EOF\n\nEOF\n")

	r = report(dsn.Delivered)
	s.Apply(r, notice.Values{})
	require.Empty(t, r.Subject, "You can but do not have to specify all four templates")
	require.Nil(t, r.Text)
}

func TestParseErrors(t *testing.T) {
	const begin = "failure_template = <<EOF\n"
	for _, tt := range []struct{ text, want string }{
		{"hello", "line 1: want \"name_template = <<EOF\""},
		{"\n# x\nfailure_template = <<'EOF'\n", "line 3: want"},
		{"failure_template <<EOF\nEOF\n", "line 1: want"},
		{"bounce_template = <<EOF\nEOF\n", "no template is called \"bounce_template\""},
		{begin + "\nx\n", "line 1: no line \"EOF\" ends failure_template"},
		{begin + "\nx\nEOF\n" + begin + "EOF\n", "line 5: a second failure_template"},
		{begin + "Subject: x\nTo: y\n\nEOF\n", "line 3: no header is called \"To\""},
		{begin + "Charset: iso-2022-jp\n\nx\nEOF\n", "line 2: charset \"iso-2022-jp\" is neither"},
		{begin + "From: a b <>\n\nx\nEOF\n", "line 2: bad address"},
		{begin + "no header\n\nx\nEOF\n", "line 2: want a header"},
		{begin + "\nThư\nEOF\n", "text beyond ASCII needs \"Charset: utf-8\""},
		{begin + "\n$mynetworks\nEOF\n", "no value is called \"$mynetworks\""},
		{begin + "\ncosts 5$.\nEOF\n", "no value is called \"$\""},
		{begin + "\n${myhostname\nEOF\n", "no value is called \"$\""},
		{begin + "\n{{.Oops\nEOF\n", "\"{{\" without \"}}\""},
		{begin + "\n{{if}}\nEOF\n", "missing value for if"},
		{"\xff", "must be UTF-8"},
		{strings.Repeat("#\n", 1<<18), "more than 262144 octets"},
	} {
		_, err := notice.Parse(tt.text)
		require.ErrorContains(t, err, tt.want, "%.40q", tt.text)
	}
}

// A template that fails when it is used, calls itself for ever or says too much gives way to English; of very many recipients
// the text names some.
func TestLimits(t *testing.T) {
	for _, text := range []string{
		"{{.Nothing}}", "{{template \"failure_template\" .}}", "{{range 1000000000}}blah{{end}}", "{{.In \"years\" .Lifetime}}", "{{index .Recipients 99}}",
	} {
		s, err := notice.Parse("failure_template = <<EOF\n\n" + text + "\nEOF\n")
		require.NoError(t, err)
		r := report(dsn.Failed)
		s.Apply(r, notice.Values{})
		require.Equal(t, dsn.DefaultText(r), r.Text(r), text)
	}
	s := notice.Vietnamese()
	s.Limits.Recipients = 2
	r := report(dsn.Failed)
	s.Apply(r, notice.Values{})
	require.Contains(t, r.Text(r), "\n… +2\n")
	require.NotContains(t, r.Text(r), "dave")
	require.Contains(t, write(t, r), "Final-Recipient: rfc822; dave@example.net", "the delivery report has all")
}

func FuzzParse(f *testing.F) {
	f.Add(manual)
	f.Add(notice.EnglishText())
	f.Add(notice.VietnameseText())
	f.Add("failure_template = <<x\nFrom: a (b\n\n{{range 3}}${mydomain}{{end}}\nx\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "range") || strings.Contains(text, "template \"") {
			return // the operator's to write with care
		}
		s, err := notice.Parse(text)
		if err != nil {
			return
		}
		r := report(dsn.Failed)
		s.Apply(r, notice.Values{Lifetime: time.Hour})
		var b strings.Builder
		if _, err := r.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		msg := b.String()
		if _, err := dsn.Parse(strings.NewReader(msg), int64(len(msg))); err != nil {
			t.Fatalf("%v in %q", err, msg)
		}
	})
}
