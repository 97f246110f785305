package webmail

import (
	"strings"

	"github.com/buuta/mail/examples/fullserver/webmail/internal/parts"
	"github.com/buuta/mail/mime"
)

type attachmentView struct {
	Name, Type, URL string
	Size            int64
	Inline          string // address at which it is shown, a picture or a text; "": it can't be
}

func (q *request) addAttachments(v *messageView, b parts.Body, used []string) {
	for _, l := range b.Rest {
		shown := false
		for _, id := range used {
			shown = shown || id != "" && id == l.ContentID()
		}
		if shown && (l.Disposition == nil || l.Disposition.Type != "attachment") {
			continue
		}
		a := attachmentView{Name: q.partName(l), Type: clean(l.MediaType(), 100), Size: decodedSize(l.Part), URL: v.URL + "/part/" + l.Section()}
		if l.Type == "image" && inlineType(l.Subtype) != "" {
			a.Inline = a.URL + "?show=1"
		}
		if l.IsText() && a.Size <= q.limits.Text {
			a.Inline = a.URL + "?show=text"
		}
		v.Attachments = append(v.Attachments, a)
	}
}

// decodedSize is about how many octets a part has without its transfer encoding.
func decodedSize(p *mime.Part) int64 {
	n := p.Body.Size
	if p.Encoding == "base64" {
		return n / 78 * 57
	}
	return n
}

// partName returns a file name for a part.
func (q *request) partName(l parts.Leaf) string {
	name := clean(l.Filename(), 200)
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	if name = strings.Trim(name, " ."); name != "" {
		return name
	}
	if l.Envelope != nil {
		if s := clean(decodeText(l.Envelope.Subject.Value), 100); s != "" {
			return strings.NewReplacer("/", "-", `\`, "-").Replace(s) + ".eml"
		}
	}
	return q.T("part.unnamed", l.Section())
}
