package rewrite

import "context"

// findAddress looks an address up as Postfix does nearly everywhere: user+ext@domain, user@domain, then, if the domain is this machine's own, user+ext
// and user, and at last @domain. ext is the extension where the key that was found hasn't got it.
func (r *Rules) findAddress(ctx context.Context, t named, address string) (value, ext string, found bool, err error) {
	if t.Table == nil {
		return "", "", false, nil
	}
	local, domain, ok := split(address)
	user, extension := r.extension(local)
	at := ""
	if ok {
		at = "@" + domain
	}
	if value, found, err = t.findForms(ctx, address, false); found || err != nil {
		return value, "", found, err
	}
	if extension != "" {
		if value, found, err = t.findForms(ctx, user+at, true); found || err != nil {
			return value, extension, found, err
		}
	}
	if !ok {
		return "", "", false, nil
	}
	own := domain != "" && fold(domain) == fold(r.Origin)
	if !own {
		if own, err = r.isLocal(ctx, domain); err != nil {
			return "", "", false, err
		}
	}
	if own {
		if value, found, err = t.findForms(ctx, local, true); found || err != nil {
			return value, "", found, err
		}
		if extension != "" {
			if value, found, err = t.findForms(ctx, user, true); found || err != nil {
				return value, extension, found, err
			}
		}
	}
	value, found, err = t.find(ctx, at, true)
	return value, "", found, err
}

// findForms asks for an address with quotes, and then without, if it has any.
func (n named) findForms(ctx context.Context, address string, part bool) (string, bool, error) {
	quoted := Quote(address)
	value, found, err := n.find(ctx, quoted, part)
	if found || err != nil || quoted == address {
		return value, found, err
	}
	return n.find(ctx, address, part)
}

// Find looks an address up in a table of the caller's, called name in errors, in the order in which Postfix does: user+ext@domain, user@domain,
// user+ext and user where the domain is this machine's own, @domain.
func (r *Rules) Find(ctx context.Context, t Table, name, address string) (value string, found bool, err error) {
	value, _, found, err = r.findAddress(ctx, named{t, name}, Unquote(address))
	return value, found, err
}
