package smtp

import (
	"context"
	"crypto/tls"
	"io"
	"net"

	"github.com/buuta/mail"
)

// Client is the client's end of one SMTP or LMTP connection. It sends one message after the other; it is not for use by
// several goroutines at once (a [Transport] is). Dial or NewClient makes one, and Quit or Close ends it.
//
// Send hands over a whole message with as few round trips as the server allows. Client is also a [mail.Deliverer], for
// callers that want each command's answer before the next.
//
// An error that the server answered is a *[mail.Reply] among its causes; [RemoteError] tells by whom and to what. After any other
// error the connection is closed.
type Client struct {
	conn net.Conn
	opts ClientOptions
}

// Dial connects to addr, "host:port" or "unix:/path", reads the greeting, and gets the connection ready as opts say: TLS,
// EHLO, AUTH. opts may be nil.
func Dial(ctx context.Context, addr string, opts *ClientOptions) (*Client, error) {
	return nil, nil
}

// NewClient does what Dial does, on a connection that is open already. It closes conn when it fails.
func NewClient(ctx context.Context, conn net.Conn, opts *ClientOptions) (*Client, error) {
	return nil, nil
}

// Send transmits a message in one go and returns a result for each recipient of env, in their order. An error means that
// nobody got the message and is the same answer for all: the sender was refused, an extension is missing, the connection
// broke. message has CRLF line ends; a bare LF is sent as CRLF. When message fails to read, the transaction is
// abandoned and the connection closed.
func (c *Client) Send(ctx context.Context, env *mail.Envelope, message io.Reader) ([]mail.Result, error) {
	return nil, nil
}

// Begin implements [mail.Deliverer]: it sends MAIL. One transaction can be open at a time.
func (c *Client) Begin(ctx context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	return nil, nil
}

// Reset ends whatever transaction is open by RSET.
func (c *Client) Reset(ctx context.Context) error { return nil }

// Noop asks for a sign of life.
func (c *Client) Noop(ctx context.Context) error { return nil }

// Verify asks whether an address exists (VRFY).
func (c *Client) Verify(ctx context.Context, address string) (*mail.Reply, error) { return nil, nil }

// Quit says goodbye and closes the connection.
func (c *Client) Quit(ctx context.Context) error { return nil }

// Close closes the connection without a word.
func (c *Client) Close() error { return nil }

// Greeting returns the server's 220 reply.
func (c *Client) Greeting() *mail.Reply { return nil }

// Capabilities returns what the server announced last.
func (c *Client) Capabilities() Capabilities { return Capabilities{} }

// TLS returns the state of the connection's TLS, nil without TLS.
func (c *Client) TLS() *tls.ConnectionState { return nil }

// Relay returns the server's name as logs show it: "mx.example.net[192.0.2.1]:25".
func (c *Client) Relay() string { return "" }

// Capabilities are the keywords of an EHLO reply with their parameters, in their order, known or not.
type Capabilities struct{}

// RemoteError is a reply that says no, and where it comes from.
type RemoteError struct {
	Relay   string // "mx.example.net[192.0.2.1]:25"
	Command string // what was answered, as in "RCPT TO command" or "end of DATA command"
	Reply   *mail.Reply
}

// Error writes "host mx.example.net[192.0.2.1] said: 550 5.1.1 No such user (in reply to RCPT TO command)".
func (e *RemoteError) Error() string { return "" }

// Unwrap returns the reply.
func (e *RemoteError) Unwrap() error { return e.Reply }
