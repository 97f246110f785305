package notice

import (
	_ "embed"
	"text/template"
	"time"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/dsn"
)

// Set is the words of one language or site. A Template that is nil leaves what package dsn says, in English.
type Set struct {
	Failure *Template // failure_template: mail that could not be delivered
	Delay   *Template // delay_template: mail that is still being tried
	Success *Template // success_template: mail that was delivered, relayed or expanded
	Verify  *Template // verify_template: an address that was probed, for [Template.Apply]

	// Recipient is the line about each recipient, which follows the text: recipient_template, which Postfix hasn't. Of
	// its headers none counts.
	Recipient *Template

	Limits Limits
}

// Limits bound what a template may say. What is beyond falls back to package dsn's own text.
type Limits struct {
	Text       int // octets of the text before the recipients; 0: 16384
	Recipients int // of whom the text speaks, the delivery report has all; 0: 200
}

// Template is the words for one kind of notification. Empty headers leave package dsn's.
type Template struct {
	From              mime.Address // its Host may be empty: that of the reporting system
	Subject           string
	PostmasterSubject string // of a copy for the postmaster, whose text is that of package dsn

	text *template.Template
}

// Values are what a template may speak of beside the report. Zero ones are unknown.
type Values struct {
	Domain       string        // $mydomain
	DelayWarning time.Duration // $delay_warning_time_hours
	Lifetime     time.Duration // $maximal_queue_lifetime_days
}

// Data is what a template is executed on. A recipient_template sees one Recipient, with the Report's other fields.
type Data struct {
	*dsn.Report
	Values
	Recipient *dsn.Recipient // of recipient_template
}

//go:embed english.cf
var english string

//go:embed vietnamese.cf
var vietnamese string

// English returns the words that package dsn uses as well, for a start of one's own: see [EnglishText].
func English() *Set { return must(Parse(english)) }

// Vietnamese returns Vietnamese words.
func Vietnamese() *Set { return must(Parse(vietnamese)) }

// EnglishText is the template file of [English], for an operator to begin with (bounce.cf.default).
func EnglishText() string { return english }

// VietnameseText is the template file of [Vietnamese].
func VietnameseText() string { return vietnamese }

// must is for the files that are built in, which a test parses.
func must(s *Set, err error) *Set {
	if err != nil {
		return &Set{}
	}
	return s
}

// Apply puts the words for what a report is about into it: its From, Subject and Text. It takes a failure before a delay,
// and a delay before success, as [dsn.Report.Worst] does.
func (s *Set) Apply(r *dsn.Report, v Values) {
	t := s.Success
	switch r.Worst() {
	case dsn.Failed:
		t = s.Failure
	case dsn.Delayed:
		t = s.Delay
	}
	s.ApplyTemplate(t, r, v)
}

// ApplyTemplate is Apply with a template of the caller's choice, such as Verify.
func (s *Set) ApplyTemplate(t *Template, r *dsn.Report, v Values) {
	if t == nil {
		return
	}
	if t.From != (mime.Address{}) {
		r.From = t.From
		if r.From.Host == "" {
			r.From.Host = r.ReportingMTA
		}
	}
	if r.Copy {
		if t.PostmasterSubject != "" {
			r.Subject = t.PostmasterSubject
		}
		return
	}
	if t.Subject != "" {
		r.Subject = t.Subject
	}
	r.Text = func(r *dsn.Report) string {
		text, err := s.write(t, r, v)
		if err != nil {
			return dsn.DefaultText(r)
		}
		return text
	}
}
