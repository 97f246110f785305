package imap

import (
	"math"

	"github.com/buuta/mail"
)

// The capabilities of RFC 9208. CapQuotaRes and a resource's name make a third kind, "QUOTA=RES-STORAGE".
const (
	CapQuota    Capability = "QUOTA"
	CapQuotaSet Capability = "QUOTASET"
	CapQuotaRes Capability = "QUOTA=RES-"
)

// quotaUnit is how many of package mail's units are one on the wire (RFC 9208 section 5.1 and 5.4).
func quotaUnit(k mail.QuotaKind) int64 {
	if k == mail.QuotaStorage || k == mail.QuotaMetadata {
		return 1024
	}
	return 1
}

// quotaKind reads a resource's name and returns it in upper case.
func (d *Decoder) quotaKind() mail.QuotaKind { return mail.QuotaKind(d.Keyword()) }

// quotaNumber reads a usage or a limit. What would not fit after the conversion of units is the largest number there is.
func (d *Decoder) quotaNumber(k mail.QuotaKind) int64 {
	unit := quotaUnit(k)
	n := int64(d.Number64())
	if n > math.MaxInt64/unit {
		return math.MaxInt64
	}
	return n * unit
}

// QuotaLimits requires a setquota-list (RFC 9208 section 7): "(STORAGE 512 MESSAGE 1000)". Limits are in package mail's
// units, Used is 0.
func (d *Decoder) QuotaLimits() (limits []mail.QuotaResource) {
	d.List(func() {
		k := d.quotaKind()
		d.SP()
		limits = append(limits, mail.QuotaResource{Kind: k, Limit: d.quotaNumber(k)})
	})
	return limits
}

// QuotaLimits writes a setquota-list. Resources that are not limited, those below 0, are left out.
func (e *Encoder) QuotaLimits(limits []mail.QuotaResource) *Encoder {
	return e.quotaList(limits, func(r mail.QuotaResource) { e.Number(uint64(r.Limit / quotaUnit(r.Kind))) })
}

// Quota requires what follows "QUOTA" in a response (RFC 9208 section 4.2.1): a root and its resources. Courier leaves out a list
// that would be empty.
func (d *Decoder) Quota() (root string, resources []mail.QuotaResource) {
	root = d.AString()
	if d.AtEnd() {
		return root, nil
	}
	d.SP()
	d.List(func() {
		r := mail.QuotaResource{Kind: d.quotaKind()}
		d.SP()
		r.Used = d.quotaNumber(r.Kind)
		d.SP()
		r.Limit = d.quotaNumber(r.Kind)
		resources = append(resources, r)
	})
	return root, resources
}

// Quota writes what follows "QUOTA" in a response. Usage is rounded up to the wire's units, a limit down. Resources that
// are not limited, those below 0, are left out.
func (e *Encoder) Quota(root string, resources []mail.QuotaResource) *Encoder {
	e.AString(root).SP()
	return e.quotaList(resources, func(r mail.QuotaResource) {
		unit := quotaUnit(r.Kind)
		used := max(r.Used, 0)
		up := used / unit
		if used%unit != 0 {
			up++
		}
		e.Number(uint64(up)).SP().Number(uint64(r.Limit / unit))
	})
}

func (e *Encoder) quotaList(resources []mail.QuotaResource, numbers func(mail.QuotaResource)) *Encoder {
	e.Raw("(")
	sep := ""
	for _, r := range resources {
		if r.Limit < 0 {
			continue
		}
		e.Raw(sep).Raw(string(r.Kind)).SP()
		numbers(r)
		sep = " "
	}
	return e.Raw(")")
}

// QuotaRoots requires what follows "QUOTAROOT" in a response (RFC 9208 section 4.2.2): a mailbox and its roots.
func (d *Decoder) QuotaRoots() (mailbox string, roots []string) {
	mailbox = d.Mailbox()
	for d.TrySP() {
		if len(roots) >= d.Limits.Items {
			d.Fail(&Status{Type: BAD, Code: CodeLimit, Text: "Too many quota roots"})
			break
		}
		roots = append(roots, d.AString())
	}
	return mailbox, roots
}

// QuotaRoots writes what follows "QUOTAROOT" in a response.
func (e *Encoder) QuotaRoots(mailbox string, roots []string) *Encoder {
	e.Mailbox(mailbox)
	for _, r := range roots {
		e.SP().AString(r)
	}
	return e
}
