package webmail

import (
	"embed"
	"io/fs"
	"slices"
	"strings"

	"github.com/buuta/mail/examples/fullserver/internal/web"
)

//go:embed static templates texts third_party
var embedded embed.FS

// static are the files that pages load, texts what they say.
var static, texts = web.Folder(embedded, "static"), web.Folder(embedded, "texts")

// vendored are the scripts of others, each in a folder of its own beside its licence: third_party/VENDORED.txt.
func vendored() []fs.FS {
	var out []fs.FS
	for _, name := range []string{"squire-rte@2.4.8", "dompurify@3.4.18"} {
		out = append(out, only{web.Folder(embedded, "third_party/"+name), func(name string) bool { return strings.HasSuffix(name, ".js") }})
	}
	return out
}

// Look is the style sheet and the sign of these pages, for others that are to look the same.
func Look() fs.FS {
	return only{static, func(name string) bool { return name == "app.css" || name == "icon.svg" }}
}

// only is a folder of which some files are listed.
type only struct {
	fs.FS
	wanted func(name string) bool
}

// ReadDir implements fs.ReadDirFS.
func (o only) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(o.FS, name)
	return slices.DeleteFunc(all, func(e fs.DirEntry) bool { return !o.wanted(e.Name()) }), err
}
