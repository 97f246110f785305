package imapserver

import (
	"context"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// Where named filters are kept (RFC 5466 section 3.2).
const (
	filterPrivate = "/private/filters/values/"
	filterShared  = "/shared/filters/values/"
)

// filterPasses is how often a filter may be found in another: "Implementations MUST be able to perform at least 3
// substitution passes".
const filterPasses = 8

// expandFilters puts the programs of named filters in the place of the FILTER keys (RFC 5466 section 3.1). How many keys
// there are in all is bounded as for one program.
func (s *search) expandFilters(ctx context.Context, key *imap.SearchKey) error {
	left := s.c.srv.limits(true).SearchKeys
	return eachKey(key, func(k *imap.SearchKey) error {
		if left--; k.Op != imap.SearchFilter {
			return nil
		}
		return s.expandFilter(ctx, k, filterPasses, &left)
	})
}

func (s *search) expandFilter(ctx context.Context, k *imap.SearchKey, passes int, left *int) error {
	name := k.Field
	undefined := &imap.Status{Type: imap.NO, Code: imap.CodeUndefinedFilter, Arg: name, Text: "No such filter."}
	account, ok := s.c.account.(mail.MetadataAccount)
	if !ok || passes == 0 {
		return undefined // "it MUST behave as if the specified filter doesn't exist"
	}
	program, err := filterProgram(ctx, account, name)
	if err != nil {
		return err
	}
	if program == nil {
		return undefined
	}
	if *k, ok = s.c.parseFilter(*program); !ok {
		return &imap.Status{Type: imap.NO, Code: imap.CodeUndefinedFilter, Arg: name, Text: "Filter is no search program."}
	}
	return eachKey(k, func(k *imap.SearchKey) error {
		if *left--; *left < 0 {
			return &imap.Status{Type: imap.NO, Code: imap.CodeLimit, Text: "Filters make too long a search program."}
		}
		if k.Op != imap.SearchFilter {
			return nil
		}
		return s.expandFilter(ctx, k, passes-1, left)
	})
}

// filterProgram returns what is kept under the name: "If both … exist, then the value of the "/private/filters/values/<filter_name>"
// is used".
func filterProgram(ctx context.Context, account mail.MetadataAccount, name string) (*string, error) {
	name = strings.ToLower(name)
	entries, err := account.Metadata(ctx, "", []string{filterPrivate + name, filterShared + name})
	if err != nil {
		return nil, err
	}
	var found *string
	for _, e := range entries {
		value := string(e.Value)
		switch {
		case e.Value == nil:
		case e.Name == filterPrivate+name:
			return &value, nil
		case e.Name == filterShared+name:
			found = &value
		}
	}
	return found, nil
}

// parseFilter reads a program that is kept, which must be one from its beginning to its end.
func (c *Conn) parseFilter(program string) (key imap.SearchKey, ok bool) {
	if strings.ContainsAny(program, "\r\n\x00") {
		return key, false
	}
	d := imap.NewDecoder(strings.NewReader(program + "\r\n"))
	d.SetLimits(c.dec.Limits)
	d.UTF8 = true
	key = d.SearchProgram()
	if d.CRLF() != nil {
		return key, false
	}
	return key, c.allowSearch(&imap.SearchOptions{}, &key, "") == nil
}
