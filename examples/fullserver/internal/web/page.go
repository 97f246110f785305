package web

import (
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
)

// Folder is a folder of files that a program has in itself.
func Folder(files fs.FS, name string) fs.FS {
	dir, err := fs.Sub(files, name)
	if err != nil {
		panic(err) // the name is no path
	}
	return dir
}

// ParsePages reads the templates of a site's pages; each is layout.html, with parts.html, and a "main" of its own. They are known by the names of their files.
func ParsePages(dir fs.FS) (map[string]*template.Template, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, err
	}
	out := map[string]*template.Template{}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".html")
		if !ok || name == "layout" || name == "parts" {
			continue
		}
		if out[name], err = template.ParseFS(dir, "layout.html", "parts.html", e.Name()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// worthCompressing is how many octets go out in one packet as they are.
const worthCompressing = 1400

// Write answers with a page that is in memory, compressed when it is worth it.
func Write(w http.ResponseWriter, r *http.Request, status int, b []byte) {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	if len(b) > worthCompressing && takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		b = compress(b)
	}
	w.WriteHeader(status)
	_, _ = w.Write(b) // an error is of a browser that has gone
}

func takesGzip(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
}

// inMemory is how much of the files of a form is held in memory; the rest lies in temporary files.
const inMemory = 1 << 20

// ParseForm reads the form of a request, whose body is bounded already; upload says that it may have files. The error is an *http.MaxBytesError where
// it is too large. Files are the caller's to remove.
func ParseForm(r *http.Request, upload bool) error {
	err := r.ParseForm()
	if err == nil && upload {
		if err = r.ParseMultipartForm(inMemory); errors.Is(err, http.ErrNotMultipart) {
			err = nil
		}
	}
	return err
}

// AddQuery puts a field behind an address, which may have others.
func AddQuery(to, name, value string) string {
	sep := "?"
	if strings.Contains(to, "?") {
		sep = "&"
	}
	return to + sep + name + "=" + value
}
