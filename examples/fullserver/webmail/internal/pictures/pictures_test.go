package pictures_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail/internal/pictures"
)

func png(first []byte) string {
	if bytes.HasPrefix(first, []byte("PNG")) {
		return "image/png"
	}
	return ""
}

// web answers requests without a network.
type web func(w http.ResponseWriter, r *http.Request)

func (h web) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	resp := w.Result()
	if w.Header().Get("Content-Length") == "" {
		resp.ContentLength = -1
	}
	resp.Request = r
	return resp, nil
}

// What is fetched is a picture of some size from a web server; redirects are followed three times, to such servers only; nothing goes along.
func TestGet(t *testing.T) {
	var asked []string
	f := pictures.New(web(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.String())
		for _, h := range []string{"Cookie", "Referer", "Authorization", "X-Forwarded-For", "Accept-Language"} {
			if r.Header.Get(h) != "" {
				t.Errorf("%s goes along", h)
			}
		}
		w.Header().Set("Set-Cookie", "a=b; Path=/")
		w.Header().Set("Content-Type", "image/png")
		path, arg, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		switch path {
		case "hop":
			n := 0
			fmt.Sscan(arg, &n)
			if n > 0 {
				http.Redirect(w, r, fmt.Sprint("/hop/", n-1), http.StatusFound)
				return
			}
			fmt.Fprint(w, "PNG hop")
		case "to":
			w.Header().Set("Location", r.URL.Query().Get("u"))
			w.WriteHeader(http.StatusMovedPermanently)
		case "svg":
			fmt.Fprint(w, "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")
		case "empty":
		case "declared":
			w.Header().Set("Content-Length", fmt.Sprint(pictures.MaxSize+1))
			fmt.Fprint(w, "PNG")
		case "endless":
			fmt.Fprint(w, "PNG", strings.Repeat("x", pictures.MaxSize))
		case "large":
			fmt.Fprint(w, "PNG", strings.Repeat("x", pictures.MaxSize-3))
		case "missing":
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, "PNG")
		default:
			fmt.Fprint(w, "PNG ", r.URL)
		}
	}), png, time.Now)
	for url, want := range map[string]error{
		"http://a.example/x":                            nil,
		"https://a.example:443/x":                       nil,
		"http://a.example/hop/3":                        nil,
		"http://a.example/hop/4":                        pictures.ErrAddress,
		"http://a.example/large":                        nil,
		"http://a.example/declared":                     pictures.ErrSize,
		"http://a.example/endless":                      pictures.ErrSize,
		"http://a.example/svg":                          pictures.ErrKind,
		"http://a.example/empty":                        pictures.ErrKind,
		"http://a.example/missing":                      pictures.ErrAnswer,
		"http://a.example:8080/x":                       pictures.ErrAddress,
		"http://a.example:22/x":                         pictures.ErrAddress,
		"ftp://a.example/x":                             pictures.ErrAddress,
		"file:///etc/passwd":                            pictures.ErrAddress,
		"http://me:secret@a.example/x":                  pictures.ErrAddress,
		"http:///x":                                     pictures.ErrAddress,
		"//a.example/x":                                 pictures.ErrAddress,
		"http://a.example/to?u=http://b:81/x":           pictures.ErrAddress,
		"http://a.example/to?u=file:///x":               pictures.ErrAddress,
		"http://a.example/to?u=http://u@b/x":            pictures.ErrAddress,
		"http://a.example/to?u=http://b/x":              nil,
		"http://a.example/" + strings.Repeat("x", 5000): pictures.ErrAddress,
	} {
		p, err := f.Get(t.Context(), "an", url)
		if want == nil {
			require.NoError(t, err, url)
			require.Equal(t, "image/png", p.Type)
		} else {
			require.ErrorIs(t, err, want, url)
			require.Empty(t, p.Data)
		}
	}
	asked = nil
	for range 3 {
		_, err := f.Get(t.Context(), "an", "http://c.example/x#part")
		require.NoError(t, err)
	}
	require.Equal(t, []string{"http://c.example/x"}, asked, "one is kept")
}

// A server that doesn't answer keeps nobody for longer than ten seconds, and what is kept is forgotten after an hour.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		f := pictures.New(web(func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1); r.URL.Path == "/slow" {
				<-r.Context().Done()
			}
			fmt.Fprint(w, "PNG")
		}), png, time.Now)
		start := time.Now()
		_, err := f.Get(t.Context(), "an", "http://a.example/slow")
		require.Error(t, err)
		require.Equal(t, 10*time.Second, time.Since(start))
		for i := range 20 { // more than are fetched at once
			go f.Get(t.Context(), fmt.Sprint(i), "http://a.example/slow")
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = f.Get(ctx, "an", "http://a.example/x")
		require.True(t, errors.Is(err, context.DeadlineExceeded), err)
		time.Sleep(time.Minute)
		asked.Store(0)
		for range 2 {
			_, err = f.Get(t.Context(), "an", "http://a.example/x")
			require.NoError(t, err)
			_, err = f.Get(t.Context(), "an", "http://a.example/x")
			require.NoError(t, err)
			time.Sleep(time.Hour)
		}
		require.EqualValues(t, 2, asked.Load())
	})
}

// A reader's slow pictures keep nobody else's back, whatever the number, and each reader's wait for the reader's own.
func TestEachReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		f := pictures.New(web(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/x" {
				most.Store(max(most.Load(), now.Add(1)))
				<-r.Context().Done()
				now.Add(-1)
			}
			fmt.Fprint(w, "PNG")
		}), png, time.Now)
		for i := range 100 {
			go f.Get(t.Context(), "an", fmt.Sprint("http://a.example/slow/", i))
		}
		synctest.Wait()
		require.EqualValues(t, 3, now.Load())
		start := time.Now()
		_, err := f.Get(t.Context(), "binh", "http://a.example/x")
		require.NoError(t, err)
		require.Zero(t, time.Since(start))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = f.Get(ctx, "an", "http://a.example/y")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		time.Sleep(10 * time.Minute)
		require.EqualValues(t, 3, most.Load())
		require.Zero(t, f.Readers())
	})
}

// The cache holds what was asked for last, and no more than so much.
func TestCacheIsBounded(t *testing.T) {
	asked := map[string]int{}
	f := pictures.New(web(func(w http.ResponseWriter, r *http.Request) {
		asked[r.URL.Path]++
		fmt.Fprint(w, "PNG", strings.Repeat("x", 400<<10))
	}), png, time.Now)
	for i := range 30 {
		for _, path := range []string{"often", fmt.Sprint(i)} {
			_, err := f.Get(t.Context(), "an", "http://a.example/"+path)
			require.NoError(t, err)
		}
	}
	require.Equal(t, 1, asked["/often"])
	for _, i := range []int{29, 0} {
		_, err := f.Get(t.Context(), "an", fmt.Sprint("http://a.example/", i))
		require.NoError(t, err)
	}
	require.Equal(t, 1, asked["/29"])
	require.Equal(t, 2, asked["/0"])
}
