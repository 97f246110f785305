// Package report counts what DMARC found of the mail received, makes the daily aggregate reports of it that domains' owners ask for
// with rua= (RFC 7489 section 7.2 and appendix C), and reads those that others send. Sending them is the program's own.
package report

import (
	"strconv"
	"time"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dmarc"
)

// Feedback is one report: of one receiver, on one policy, for one span of time.
type Feedback struct {
	Version  string   `xml:"version,omitempty"` // "1.0"
	Metadata Metadata `xml:"report_metadata"`
	Policy   Policy   `xml:"policy_published"`
	Records  []Record `xml:"record"`
}

// Metadata says whose report it is.
type Metadata struct {
	Organization string   `xml:"org_name"`
	Email        string   `xml:"email"`
	Contact      string   `xml:"extra_contact_info,omitempty"`
	ID           string   `xml:"report_id"`
	Begin        Seconds  `xml:"date_range>begin"`
	End          Seconds  `xml:"date_range>end"`
	Errors       []string `xml:"error,omitempty"`
}

// Seconds is a time as reports have it: since 1970, in UTC.
type Seconds int64

// Time returns the time.
func (s Seconds) Time() time.Time { return time.Unix(int64(s), 0).UTC() }

func (s Seconds) String() string { return strconv.FormatInt(int64(s), 10) }

// Policy is the record as it was found. What it doesn't say has the value that it has by default.
type Policy struct {
	Domain      string       `xml:"domain"` // where it was found
	DKIM        string       `xml:"adkim,omitempty"`
	SPF         string       `xml:"aspf,omitempty"`
	Policy      dmarc.Policy `xml:"p"`
	Subdomain   dmarc.Policy `xml:"sp"`
	NonExistent dmarc.Policy `xml:"np,omitempty"` // of the revision
	Percent     int          `xml:"pct"`
	FailureOpts string       `xml:"fo"`
}

// Record is a number of messages that are the same in all that is told.
type Record struct {
	Row         Row         `xml:"row"`
	Identifiers Identifiers `xml:"identifiers"`
	Results     Results     `xml:"auth_results"`
}

// Row is where they came from, how many they were, and what became of them.
type Row struct {
	SourceIP string `xml:"source_ip"`
	Count    int64  `xml:"count"`

	Disposition dmarc.Policy `xml:"policy_evaluated>disposition"`
	DKIM        authres.Code `xml:"policy_evaluated>dkim"` // Pass if it passed and was aligned, else Fail
	SPF         authres.Code `xml:"policy_evaluated>spf"`
	Reasons     []Reason     `xml:"policy_evaluated>reason,omitempty"` // why Disposition isn't what the policy asks for
}

// Reason is a reason to do something else than the policy says: "forwarded", "sampled_out", "trusted_forwarder",
// "mailing_list", "local_policy" or "other".
type Reason struct {
	Type    string `xml:"type"`
	Comment string `xml:"comment,omitempty"`
}

// Identifiers are the domains that the messages named.
type Identifiers struct {
	EnvelopeTo   string `xml:"envelope_to,omitempty"`
	EnvelopeFrom string `xml:"envelope_from"`
	HeaderFrom   string `xml:"header_from"`
}

// Results are what SPF and DKIM found, whatever it meant for DMARC.
type Results struct {
	DKIM []DKIM `xml:"dkim,omitempty"`
	SPF  []SPF  `xml:"spf"`
}

// DKIM is one signature.
type DKIM struct {
	Domain   string       `xml:"domain"`
	Selector string       `xml:"selector,omitempty"`
	Result   authres.Code `xml:"result"`
	Human    string       `xml:"human_result,omitempty"`
}

// SPF is one identity.
type SPF struct {
	Domain string       `xml:"domain"`
	Scope  string       `xml:"scope,omitempty"` // "helo" or "mfrom"
	Result authres.Code `xml:"result"`
}
