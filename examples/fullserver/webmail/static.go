package webmail

import (
	"embed"
	"io/fs"
	"slices"

	"github.com/buuta/mail/examples/fullserver/internal/web"
)

//go:embed static templates texts
var embedded embed.FS

// static are the files that pages load, texts what they say.
var static, texts = web.Folder(embedded, "static"), web.Folder(embedded, "texts")

// Look is the style sheet and the sign of these pages, for others that are to look the same.
func Look() fs.FS { return look{static} }

type look struct{ fs.FS }

// ReadDir implements fs.ReadDirFS.
func (l look) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(l.FS, name)
	return slices.DeleteFunc(all, func(e fs.DirEntry) bool { return e.Name() != "app.css" && e.Name() != "icon.svg" }), err
}
