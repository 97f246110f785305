package mime

// ascii returns the Builder with its domains in ASCII (A-labels, RFC 5890) if that makes the header ASCII. Where a local-part isn't ASCII the
// message needs SMTPUTF8 anyway, and the domains stay as they were given.
func (b *Builder) ascii() *Builder {
	if b.ToASCII == nil || !b.hasUTF8() {
		return b
	}
	c := *b
	c.From, c.ReplyTo = b.hostsToASCII(b.From), b.hostsToASCII(b.ReplyTo)
	c.To, c.Cc = b.hostsToASCII(b.To), b.hostsToASCII(b.Cc)
	if b.Sender != nil {
		s := b.hostsToASCII([]Address{*b.Sender})
		c.Sender = &s[0]
	}
	if c.hasUTF8() {
		return b
	}
	return &c
}

func (b *Builder) hostsToASCII(list []Address) []Address {
	out := append([]Address(nil), list...)
	for i := range out {
		if isASCII(out[i].Host) {
			continue
		}
		if host, err := b.ToASCII(out[i].Host); err == nil && host != "" && isASCII(host) {
			out[i].Host = host
		}
	}
	return out
}
