package smtp

import (
	"context"
	"io"
)

// Send connects to addr ("host:port"), logs in if opts say so, sends one message to all of to, and disconnects. nil means
// that every recipient was accepted; otherwise a *[SendError] says who was and who wasn't.
func Send(ctx context.Context, addr string, opts *ClientOptions, from string, to []string, message io.Reader) error {
	return nil
}
