package webmail

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// disguise is a link that shows one address and leads to another's.
type disguise struct{ Shown, Host string }

// maxDisguises is how many of a message are shown: newsletters lead all their links through one place that counts them.
const maxDisguises = 3

// disguises finds links whose text is an address of a web page at one domain, and which lead to another: what the browser shows of a link under the pointer is
// easily overlooked, and telephones show nothing. Texts that only could be addresses, as "README.md", are none. doc is what the sanitizer has written.
func disguises(doc []byte) (out []disguise) {
	z := html.NewTokenizer(bytes.NewReader(doc))
	href, text := "", ""
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			return out
		case html.TextToken:
			if href != "" && len(text) < 1000 {
				text += string(z.Text())
			}
		case html.StartTagToken, html.EndTagToken:
			name, more := z.TagName()
			if string(name) != "a" {
				continue
			}
			if d, ok := judgeLink(text, href); ok && len(out) < maxDisguises && !slices.ContainsFunc(out, func(o disguise) bool { return o.Host == d.Host }) {
				out = append(out, d)
			}
			href, text = "", ""
			for more && kind == html.StartTagToken {
				var key, value []byte
				if key, value, more = z.TagAttr(); string(key) == "href" {
					href = string(value)
				}
			}
		}
	}
}

// judgeLink compares the text of a link with where it leads.
func judgeLink(text, href string) (d disguise, ok bool) {
	text = clean(text, 500)
	lower := strings.ToLower(text)
	if strings.HasPrefix(lower, "www.") {
		text = "https://" + text
	} else if !strings.HasPrefix(lower, "http://") && !strings.HasPrefix(lower, "https://") {
		return d, false
	}
	shown, err := url.Parse(text)
	if err != nil || strings.ContainsFunc(text, unicode.IsSpace) {
		return d, false
	}
	to, err := url.Parse(href)
	if err != nil || to.Scheme != "http" && to.Scheme != "https" {
		return d, false
	}
	a, b := asciiHost(shown.Hostname()), asciiHost(to.Hostname())
	if a == "" || b == "" || site(a) == site(b) {
		return d, false
	}
	return disguise{clean(shown.Hostname(), 100), clean(b, 100)}, true
}

// asciiHost is a name as it is asked for, so that letters that look like others don't pass for them.
func asciiHost(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if ascii, err := idna.ToASCII(host); err == nil {
		return ascii
	}
	return host
}

// site is the part of a name that belongs to one owner; where that is not known, the name.
func site(host string) string {
	if s, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return s
	}
	return host
}
