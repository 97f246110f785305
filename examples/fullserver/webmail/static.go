package webmail

import (
	"embed"
	"io/fs"
)

//go:embed static texts
var embedded embed.FS

// static are the files that pages load, texts what they say.
var static, texts = subFolder("static"), subFolder("texts")

func subFolder(name string) fs.FS {
	dir, err := fs.Sub(embedded, name)
	if err != nil {
		panic(err) // the name is no path
	}
	return dir
}
