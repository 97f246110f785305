package mdn

import (
	"strings"

	"github.com/buuta/mail/mime"
)

// Request is what a message asks for.
type Request struct {
	To []mime.Address // who wants to be told

	// NeedsConsent: the reader must agree to this very notification, whatever was set up. "MDNs MUST NOT be sent
	// automatically if the address in the Disposition-Notification-To header field differs from the address in the
	// Return-Path header field", nor without a Return-Path or with more than one address (RFC 8098 section 2.1).
	NeedsConsent bool
}

// Requested returns what the header of a message asks for. ok is false when it asks for nothing, or is a notification
// itself: "An MDN MUST NOT be generated in response to an MDN."
func Requested(h *mime.Header) (req Request, ok bool) {
	ct := h.ContentType()
	if ct.MediaType() == "multipart/report" && strings.EqualFold(ct.Param("report-type"), "disposition-notification") {
		return Request{}, false
	}
	for a := range mime.Mailboxes(h.Addresses("Disposition-Notification-To")) {
		if a.Mailbox != "" && a.Host != "" && !contains(req.To, a) {
			req.To = append(req.To, a)
		}
	}
	if len(req.To) == 0 {
		return Request{}, false
	}
	var path []mime.Address
	for a := range mime.Mailboxes(h.Addresses("Return-Path")) {
		path = append(path, a)
	}
	req.NeedsConsent = len(req.To) != 1 || len(path) != 1 || !same(req.To[0], path[0])
	return req, true
}

func contains(list []mime.Address, a mime.Address) bool {
	for _, b := range list {
		if same(a, b) {
			return true
		}
	}
	return false
}

// same compares as RFC 8098 section 2.1 wants it: "case sensitive for the local-part and case insensitive for the domain part".
func same(a, b mime.Address) bool { return a.Mailbox == b.Mailbox && strings.EqualFold(a.Host, b.Host) }
