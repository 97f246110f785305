package rewrite

import "strings"

// Complete writes an address in full, as Postfix does with every address of an envelope: a source route goes, site!user and user%site become
// user@site, what has no domain gets Origin, a domain without a dot Domain. The null address stays.
func (r *Rules) Complete(address string) string {
	return Quote(r.complete(internal(address), r.Origin))
}

// internal is Unquote without a source route: "@a,@b:user@c" is user@c (RFC 5321 appendix C).
func internal(address string) string {
	if strings.HasPrefix(address, "@") {
		if i := strings.IndexByte(address, ':'); i >= 0 && i+1 < len(address) && strings.IndexByte(address[i:], '@') >= 0 {
			address = address[i+1:]
		}
	}
	return Unquote(address)
}

// complete is Complete for addresses in internal form. In a local part that would need quotes nothing is a routing operator.
func (r *Rules) complete(address, origin string) string {
	local, domain, ok := split(address)
	return r.completeDomain(local, origin, isDotString(local, false), domain, ok)
}

// completeDomain is complete for the halves of an address; plain says that operators in the local part count.
func (r *Rules) completeDomain(local, origin string, plain bool, domain string, has bool) string {
	if local == "" && domain == "" {
		if has {
			return "@"
		}
		return ""
	}
	if !has {
		switch i := strings.IndexByte(local, '!'); {
		case plain && !r.NoBangpath && i >= 0:
			local, domain, has = local[i+1:], local[:i], true
		case plain && !r.NoPercentHack && strings.IndexByte(local, '%') >= 0:
			i = strings.LastIndexByte(local, '%')
			local, domain, has = local[:i], local[i+1:], true
		case !r.NoOrigin && origin != "":
			domain, has = origin, true
		default:
			return local
		}
	}
	if r.AppendDomain && r.Domain != "" && domain != "" && !strings.ContainsAny(domain, ".[") {
		domain += "." + r.Domain
	}
	return local + "@" + trimDot(domain)
}

// trimDot takes a dot off the end of a domain, but not the last of two, nor a lone one.
func trimDot(domain string) string {
	if n := len(domain); n > 1 && domain[n-1] == '.' && domain[n-2] != '.' {
		return domain[:n-1]
	}
	return domain
}
