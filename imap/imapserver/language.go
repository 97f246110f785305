package imapserver

import (
	"context"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// The languages of texts that people may read. "A server that advertises this extension MUST use the language "i-default" …
// as its default language until another supported language is negotiated" (RFC 5255 section 3.1); ours is English.
const (
	languageDefault    = "i-default"
	languageEnglish    = "en"
	languageVietnamese = "vi"
)

var languages = []string{languageEnglish, languageVietnamese, languageDefault}

// handleLanguage is LANGUAGE (RFC 5255 section 3.2).
func (c *Conn) handleLanguage(ctx context.Context, cmd *command) error {
	ranges := c.dec.Languages()
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	if len(ranges) == 0 {
		c.enc.Raw("* LANGUAGE ").LanguageList(languages).CRLF()
		return nil
	}
	for _, r := range ranges {
		tag := c.matchLanguage(r)
		if tag == "" {
			continue
		}
		c.setLanguage(tag)
		c.enc.Raw("* LANGUAGE ").LanguageList([]string{tag}).CRLF()
		if c.account != nil && c.language == languageVietnamese {
			return c.tellNamespaces(ctx) // with their names translated
		}
		return nil
	}
	return imap.No("", "Language is not supported.")
}

// matchLanguage returns the language that a range means, by the lookup of RFC 4647 section 3.4: a range loses its last
// subtag until there is a language of that name. "default" is the one that "the server administrator" prefers, and so is "*".
func (c *Conn) matchLanguage(r string) string {
	r = strings.ToLower(r)
	if r == "default" || r == "*" {
		if r = strings.ToLower(c.srv.Language); r == "" {
			return languageEnglish
		}
	}
	for r != "" {
		for _, tag := range languages {
			if r == tag {
				return tag
			}
		}
		r = r[:max(strings.LastIndexByte(r, '-'), 0)]
		if i := len(r) - 2; i > 0 && r[i] == '-' {
			r = r[:i] // a subtag of one letter begins an extension, and goes with it
		}
	}
	return ""
}

// setLanguage sets the language of the texts from now on; "" is the default.
func (c *Conn) setLanguage(tag string) {
	c.language, c.enc.Localize = tag, nil
	if tag == languageVietnamese {
		c.enc.Localize = vietnamese
	}
}

// translateNamespaces adds what a user should see in place of the prefixes (RFC 5255 section 3.4), where there is one prefix of
// a kind, so that they stay different.
func (c *Conn) translateNamespaces(list []imap.Namespace) {
	if c.language != languageVietnamese {
		return
	}
	names := map[mail.NamespaceKind]string{mail.OtherUsersNamespace: "Người dùng khác", mail.SharedNamespace: "Thư mục chung"}
	count := map[mail.NamespaceKind]int{}
	for i := range list {
		count[list[i].Kind]++
	}
	for i := range list {
		n := &list[i]
		if name := names[n.Kind]; name != "" && count[n.Kind] == 1 && n.Prefix != "" {
			if n.Translation = name; strings.HasSuffix(n.Prefix, n.Separator) {
				n.Translation += n.Separator
			}
		}
	}
}
