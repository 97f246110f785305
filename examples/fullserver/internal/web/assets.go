package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"sync"
)

// Assets are the files of a folder, served at a site's .../static/{hash}/{file}. Their addresses have a hash of all of them, so that browsers may keep them for ever and modules find
// each other by relative names.
type Assets struct {
	prefix string
	hash   string
	files  map[string]asset
}

type asset struct {
	kind       string
	data, gzip []byte
}

// LoadAssets reads the files of some folders, whose names must differ. prefix is what is before /static/ in their addresses.
func LoadAssets(prefix string, folders ...fs.FS) (*Assets, error) {
	a := &Assets{prefix: prefix, files: map[string]asset{}}
	sum := sha256.New()
	for _, dir := range folders {
		if err := a.add(dir, sum); err != nil {
			return nil, err
		}
	}
	a.hash = hex.EncodeToString(sum.Sum(nil)[:8])
	return a, nil
}

func (a *Assets) add(dir fs.FS, sum hash.Hash) error {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		b, err := fs.ReadFile(dir, e.Name())
		if err != nil {
			return err
		}
		sum.Write([]byte(e.Name()))
		sum.Write(b)
		kind := mime.TypeByExtension(path.Ext(e.Name()))
		switch path.Ext(e.Name()) { // what a machine's own table says doesn't count
		case ".js":
			kind = "text/javascript; charset=utf-8"
		case ".css":
			kind = "text/css; charset=utf-8"
		case ".svg":
			kind = "image/svg+xml"
		}
		a.files[e.Name()] = asset{kind, b, compress(b)}
	}
	return nil
}

// URL is a file's address.
func (a *Assets) URL(name string) string { return a.prefix + "/static/" + a.hash + "/" + name }

// ServeHTTP implements http.Handler.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Add("Vary", "Accept-Encoding")
	if r.PathValue("hash") == a.hash {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	data := f.data
	if takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		data = f.gzip
	}
	h.Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data)
}

// writers are used again: each has 800 KiB of tables.
var writers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// compress is what browsers that take gzip are sent.
func compress(b []byte) []byte {
	z := writers.Get().(*gzip.Writer)
	defer writers.Put(z)
	var out bytes.Buffer
	z.Reset(&out)
	_, _ = z.Write(b) // a Buffer takes everything
	_ = z.Close()
	z.Reset(nil)
	return out.Bytes()
}
