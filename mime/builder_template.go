package mime

import (
	"fmt"
	"io"
	"strings"
)

// Template is what *text/template.Template and *html/template.Template have in common.
type Template interface {
	Execute(w io.Writer, data any) error
}

// Execute sets Text and HTML to what the templates make of data. Use html/template for the HTML, which escapes what data
// holds. Either may be nil and is left as it is then; after an error both are as before.
func (b *Builder) Execute(text, html Template, data any) error {
	var out [2]strings.Builder
	for i, t := range []Template{text, html} {
		if t == nil {
			continue
		}
		if err := t.Execute(&out[i], data); err != nil {
			return fmt.Errorf("mime: template: %w", err)
		}
	}
	if text != nil {
		b.Text = out[0].String()
	}
	if html != nil {
		b.HTML = out[1].String()
	}
	return nil
}
