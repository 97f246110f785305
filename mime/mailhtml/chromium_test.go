package mailhtml_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime/mailhtml"
)

// TestChromium shows every vector and newsletter to Chromium, made safe, in one page with scripts allowed: the browser's tree is
// what was written, nothing ran, and nothing was asked of the network. It needs chromium in the path.
func TestChromium(t *testing.T) {
	path, err := exec.LookPath("chromium")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("chromium is missing, and CI has to have it")
	}
	if err != nil || testing.Short() {
		t.Skip("chromium is not installed (make deps installs it), or -short")
	}
	var hits atomic.Int32
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var page bytes.Buffer
	srv := &httptest.Server{Listener: ln, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Write(page.Bytes())
			return
		}
		if r.URL.Path != "/favicon.ico" {
			hits.Add(1)
			t.Log(r.URL)
		}
	})}}
	var s mailhtml.Sanitizer
	var wants []string
	inputs := []string{}
	for _, v := range vectors {
		inputs = append(inputs, v.in)
	}
	for _, name := range newsletters(t) {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		inputs = append(inputs, string(b))
	}
	page.WriteString("<!DOCTYPE html><html><head></head><body>")
	for i, in := range inputs {
		in = strings.ReplaceAll(in, "evil.example", ln.Addr().String())
		in = strings.ReplaceAll(in, "alert(1)", "fetch('/ran')")
		out := string(s.Sanitize([]byte(in)).HTML)
		wants = append(wants, out)
		fmt.Fprintf(&page, "<section id=case%d>%s</section>", i, out)
	}
	page.WriteString("</body></html>")
	srv.Start()
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	dom, err := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
		"--no-first-run", "--user-data-dir="+t.TempDir(), "--dump-dom", srv.URL+"/page").Output()
	require.NoError(t, err)
	for i, want := range wants {
		_, got, ok := strings.Cut(string(dom), fmt.Sprintf(`<section id="case%d">`, i))
		require.True(t, ok, inputs[i])
		got, _, _ = strings.Cut(got, "</section>")
		require.Equal(t, tokens(want), tokens(got), inputs[i])
	}
	require.Zero(t, hits.Load())
}
