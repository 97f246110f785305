package webmail

import (
	_ "embed"
	"encoding/base64"
	"html/template"

	"github.com/buuta/mail/mime/mailhtml"
)

// safeText makes the HTML of a text that a stranger has written: everything is escaped first, then lines, quotes and links are made. It is
// the one place where HTML goes into a page as it is.
func safeText(text string) template.HTML {
	return template.HTML(mailhtml.FromText(text, "m-"))
}

//go:embed static/icon.svg
var iconFile []byte

// icon is the address of icon.svg as a page has it in itself.
var icon = template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(iconFile))
