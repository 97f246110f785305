package mime

// Report is a multipart/report taken apart (RFC 6522): "The first body part contains a human-readable message. […] The second […]
// contains a machine-parsable body part". Packages mime/dsn and mime/mdn read that second part.
type Report struct {
	Type     string // report-type: "delivery-status", "disposition-notification", "feedback-report", …; from the second part's type if it isn't said
	Text     *Part  // for people
	Machine  *Part  // for programs
	Original *Part  // the message reported about or its header, nil when it isn't there
}

// Report finds the parts of a multipart/report, in the part itself and not in messages inside it. ok is false for other types and when
// the part for programs is missing.
func (p *Part) Report() (r Report, ok bool) {
	if p.Type != "multipart" || p.Subtype != "report" || len(p.Parts) < 2 {
		return r, false
	}
	r.Type = asciiLower(p.Param("report-type"))
	r.Text, r.Machine = p.Parts[0], p.Parts[1]
	if len(p.Parts) > 2 {
		r.Original = p.Parts[2]
	}
	if r.Type == "" && r.Machine.Type == "message" {
		r.Type = r.Machine.Subtype
	}
	return r, true
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = lower(c)
	}
	return string(b)
}
