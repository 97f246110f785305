package mailhtml

import (
	"bytes"
	"io"
	"strings"
)

// Mode is the form of the output.
type Mode int

const (
	// Fragment is for embedding in a page: one <div> whose class is the prefix and "-root". Its style sheet reaches only what
	// is in it, and what could cover the page, such as negative margins, is gone.
	Fragment Mode = iota
	// Document is a complete document for a frame. It carries a Content-Security-Policy that forbids everything but images
	// and inline styles, and names no referrer.
	Document
)

// Sanitizer makes HTML safe. The zero value is ready for use: a fragment, no forms, no remote loads, no cid: images. A
// Sanitizer may be used by several goroutines at once if its functions may be.
type Sanitizer struct {
	Mode Mode

	// Prefix goes before every class, id and name, so that those of the mail never meet those of the page. Names that
	// begin with it already stay as they are. Letters, digits, "-" and "_"; empty or otherwise: "m-".
	Prefix string

	// Image says what is loaded for an image or background: the address it returns, or nothing if that is empty. It may
	// return relative references, and http, https, cid, blob or data image URLs; others count as empty. It is called for each
	// occurrence, but not for data: URLs, which stay if they are PNG, JPEG, GIF or WebP of at most Limits.DataImage octets.
	// Nil means that all images but those are blocked.
	Image func(Image) string

	// Link says where a link leads: it gets the absolute http, https, mailto or tel URL and returns one of these or a relative
	// reference; empty removes the link and leaves its text. Nil means that links stay. All links but those within
	// the mail open a new window and say rel="noopener noreferrer nofollow".
	Link func(string) string

	Forms   bool // keep forms that send to http or https, without passwords and files; Link sees their addresses
	NoStyle bool // drop style sheets and style attributes

	Limits Limits
}

// ImageKind says what kind of address an image has.
type ImageKind int

const (
	ImageRemote   ImageKind = iota // http or https: loading it tells the sender that, when and where the mail is read
	ImageCID                       // a part of the message, by its Content-ID (RFC 2392)
	ImageRelative                  // no scheme: perhaps a part's Content-Location (RFC 2557)
)

// Image is what a mail wants to load.
type Image struct {
	Kind       ImageKind
	URL        string // cleaned of blanks and control characters; "//host" has become "https://host"
	ContentID  string // decoded, without "cid:" and angle brackets; for ImageCID only
	Host       string // lower case, without port; for ImageRemote only
	Background bool   // a background attribute or CSS, not <img>
	Pixel      bool   // at most 2x2 or invisible: likely there to report that the mail was read
}

// Limits bound what a mail can make its reader spend. The zero value of each field is its default. What lies beyond a limit
// is left out, and Result.Truncated says so.
type Limits struct {
	Input      int // octets read; default 8 MiB
	Output     int // octets written, apart from the last closing tags; default 16 MiB
	Depth      int // nesting of elements; default 200, never more than 400
	Nodes      int // elements written; default 200,000
	Attributes int // attributes of one element that are looked at; default 100
	CSS        int // octets of all style sheets; default 512 KiB
	StyleAttr  int // octets of one style attribute; default 16 KiB
	DataImage  int // octets of a data: URL; default 1 MiB
	Hosts      int // hosts and content-ids listed in a Result; default 100
}

func orDefault(v, def int) int {
	if v <= 0 {
		return def
	}
	return v
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Input:      orDefault(l.Input, 8<<20),
		Output:     orDefault(l.Output, 16<<20),
		Depth:      min(orDefault(l.Depth, 200), 400),
		Nodes:      orDefault(l.Nodes, 200_000),
		Attributes: orDefault(l.Attributes, 100),
		CSS:        orDefault(l.CSS, 512<<10),
		StyleAttr:  orDefault(l.StyleAttr, 16<<10),
		DataImage:  orDefault(l.DataImage, 1<<20),
		Hosts:      orDefault(l.Hosts, 100),
	}
}

// Result is a mail made safe, and what was found in it.
type Result struct {
	HTML []byte

	Remote      int      // images and backgrounds that the mail wanted from elsewhere
	Blocked     int      // of these, how many were not allowed: more than none means that "show images" is worth offering
	Pixels      int      // of Remote, how many look like tracking pixels
	Hosts       []string // where Remote would have been loaded from, in the order of their first occurrence
	ContentIDs  []string // parts of the message that are shown by cid: URLs, so need not be listed as attachments
	Links       int      // links that remain
	Removed     int      // scripts, frames, objects, forms, event handlers and forbidden addresses
	ColorScheme bool     // the mail declares which colour schemes it can be shown in
	Truncated   bool     // a limit was reached
}

// WriteTo writes the HTML.
func (r *Result) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(r.HTML)
	return int64(n), err
}

// Read makes the HTML that comes from r safe, which must be UTF-8; invalid octets become U+FFFD. Its errors are r's; with
// them comes the result of what was read.
func (s *Sanitizer) Read(r io.Reader) (*Result, error) {
	max := s.Limits.withDefaults().Input
	b, err := io.ReadAll(io.LimitReader(r, int64(max)+1))
	return s.Sanitize(b), err
}

// Sanitize makes html safe, which must be UTF-8; invalid octets become U+FFFD.
func (s *Sanitizer) Sanitize(html []byte) *Result {
	b := &builder{s: s, lim: s.Limits.withDefaults(), prefix: s.prefix(), res: &Result{}}
	if len(html) > b.lim.Input {
		html = html[:b.lim.Input]
		b.res.Truncated = true
	}
	b.out = make([]byte, 0, min(len(html)+len(html)/4+256, b.lim.Output))
	b.run(bytes.ToValidUTF8(html, []byte("\uFFFD")))
	return b.res
}

func (s *Sanitizer) prefix() string {
	ok := s.Prefix != "" && isAlpha(s.Prefix[0])
	for i := 0; i < len(s.Prefix); i++ {
		ok = ok && (isAlpha(s.Prefix[i]) || isDigit(s.Prefix[i]) || strings.IndexByte("-_", s.Prefix[i]) >= 0)
	}
	if !ok {
		return "m-"
	}
	return strings.ToLower(s.Prefix)
}

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }
