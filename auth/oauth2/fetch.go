package oauth2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// maxAnswer bounds what a server may answer.
const maxAnswer = 1 << 20

// defaultClient is used where no client is given: a minute is long for somebody who waits to log in.
var defaultClient = &http.Client{Timeout: 10 * time.Second, CheckRedirect: CheckRedirect}

// CheckRedirect is for http.Client: it follows a redirection only where it leads to the same host and not out of TLS, so that neither tokens nor the
// trust in keys end up elsewhere.
func CheckRedirect(req *http.Request, via []*http.Request) error {
	if first := via[0].URL; len(via) > 3 || req.URL.Host != first.Host || req.URL.Scheme != first.Scheme {
		return errors.New("redirected to another server")
	}
	return nil
}

// exchange sends a request. Errors name the server without what the request has in its query.
func exchange(c *http.Client, r *http.Request) (status int, body []byte, err error) {
	if c == nil {
		c = defaultClient
	}
	r.Header.Set("Accept", "application/json")
	resp, err := c.Do(r)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err
		}
		return 0, nil, fmt.Errorf("%s: %w", r.URL.Host, err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("%s: %w", r.URL.Host, err)
	case len(body) > maxAnswer:
		return 0, nil, fmt.Errorf("%s: the answer is longer than %d octets", r.URL.Host, maxAnswer)
	}
	return resp.StatusCode, body, nil
}

// get fetches a document.
func get(ctx context.Context, c *http.Client, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	status, body, err := exchange(c, r)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: answered %d %s", r.URL.Host, status, http.StatusText(status))
	}
	return body, err
}
