package mailhtml

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// cleanURL reads an address as a browser does: control characters and blanks around it and line ends and tabs within it are
// not there (WHATWG URL section 4.4). It returns the scheme in lower case, empty if there is none, and the address. Only
// characters that are harmless in HTML, in CSS and in a log remain; others are percent-encoded.
func cleanURL(raw string) (scheme, u string, ok bool) {
	raw = strings.TrimFunc(raw, func(r rune) bool { return r <= ' ' })
	var out strings.Builder
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '\t' || c == '\n' || c == '\r':
		case c < ' ' || c == 0x7f:
			return "", "", false
		case strings.IndexByte(" \"<>'`\\{|}^", c) >= 0:
			if c == '\\' {
				out.WriteByte('/') // as browsers do
				break
			}
			const hex = "0123456789ABCDEF"
			out.Write([]byte{'%', hex[c>>4], hex[c&15]})
		default:
			out.WriteByte(c)
		}
	}
	u = out.String()
	for i := 0; i < len(u); i++ {
		c := u[i]
		if c == ':' && i > 0 {
			scheme, u = strings.ToLower(u[:i]), u[i+1:]
			break
		}
		if !isAlpha(c) && (i == 0 || !isDigit(c) && c != '+' && c != '-' && c != '.') {
			break
		}
	}
	switch {
	case u == "" && scheme == "":
		return "", "", false
	case scheme == "" && strings.HasPrefix(u, "//"):
		scheme = "https"
	case scheme == "":
		return "", u, true
	}
	if scheme == "http" || scheme == "https" {
		u = "//" + strings.TrimLeft(u, "/") // however many there were, a browser finds the host
		if p, err := url.Parse(scheme + ":" + u); err != nil || p.Hostname() == "" {
			return "", "", false
		}
	}
	return scheme, scheme + ":" + u, true
}

// link judges where a link leads.
func (b *builder) link(raw string) (string, bool) {
	scheme, u, ok := cleanURL(raw)
	switch {
	case !ok:
		return "", false
	case scheme == "" && u[0] == '#':
		id, ok := b.prefixedID(u[1:])
		return "#" + id, ok
	case !linkScheme(scheme):
		if scheme != "" {
			b.res.Removed++
		}
		return "", false
	case b.s.Link == nil:
		return u, true
	}
	scheme, u, ok = cleanURL(b.s.Link(u))
	return u, ok && (scheme == "" || linkScheme(scheme))
}

func linkScheme(s string) bool { return s == "http" || s == "https" || s == "mailto" || s == "tel" }

// image judges what an image or background loads, and notes it.
func (b *builder) image(raw string, background, pixel bool) (string, bool) {
	scheme, u, ok := cleanURL(raw)
	if !ok {
		return "", false
	}
	im := Image{URL: u, Background: background, Pixel: pixel}
	switch scheme {
	case "data":
		return b.dataImage(u)
	case "http", "https":
		p, _ := url.Parse(u)
		im.Host = strings.ToLower(p.Hostname())
		b.res.Remote++
		if pixel {
			b.res.Pixels++
		}
		b.listed(&b.hostsSeen, &b.res.Hosts, im.Host)
	case "cid":
		im.Kind = ImageCID
		im.ContentID = strings.Trim(u[len("cid:"):], "/")
		if id, err := url.PathUnescape(im.ContentID); err == nil {
			im.ContentID = id
		}
		im.ContentID = strings.Trim(im.ContentID, "<> ")
		b.listed(&b.cidsSeen, &b.res.ContentIDs, im.ContentID)
	case "":
		im.Kind = ImageRelative
	default:
		b.res.Removed++
		return "", false
	}
	if b.s.Image != nil {
		if scheme, u, ok := cleanURL(b.s.Image(im)); ok {
			switch scheme {
			case "", "http", "https", "cid", "blob":
				return u, true
			case "data":
				return b.dataImage(u)
			}
		}
	}
	if im.Kind == ImageRemote {
		b.res.Blocked++
	}
	return "", false
}

// listed adds a name to a list if it isn't there yet.
func (b *builder) listed(seen *map[string]bool, list *[]string, name string) {
	if (*seen)[name] || len(*list) >= b.lim.Hosts {
		return
	}
	if *seen == nil {
		*seen = map[string]bool{}
	}
	(*seen)[name] = true
	*list = append(*list, name)
}

// dataImage lets pictures pass whose first octets are what their type says.
func (b *builder) dataImage(u string) (string, bool) {
	meta, data, _ := strings.Cut(u, ",")
	t, enc, _ := strings.Cut(strings.ToLower(meta[len("data:"):]), ";")
	t = strings.ReplaceAll(t, "image/jpg", "image/jpeg")
	var magic string
	switch t {
	case "image/png":
		magic = "\x89PNG\r\n\x1a\n"
	case "image/jpeg":
		magic = "\xff\xd8\xff"
	case "image/gif":
		magic = "GIF8"
	case "image/webp":
		magic = "RIFF"
	}
	data = strings.ReplaceAll(data, "%20", "")
	if magic == "" || len(u) > b.lim.DataImage || !strings.HasSuffix(";"+enc, ";base64") {
		b.res.Removed++
		return "", false
	}
	for i := 0; i < len(data); i++ {
		if c := data[i]; !isAlpha(c) && !isDigit(c) && c != '+' && c != '/' && c != '=' {
			b.res.Removed++
			return "", false
		}
	}
	head, _ := base64.StdEncoding.DecodeString(data[:min(len(data), 16)])
	if !strings.HasPrefix(string(head), magic) {
		b.res.Removed++
		return "", false
	}
	return "data:" + t + ";base64," + data, true
}
