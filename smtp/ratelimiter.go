package smtp

// ClientEvent is something that clients do and that a [RateLimiter] may count.
type ClientEvent int

// The events.
const (
	EventMessage   ClientEvent = iota // MAIL in order, whatever comes of it
	EventRecipient                    // RCPT, the same
	EventAuth                         // AUTH, whatever comes of it
	EventStartTLS                     // STARTTLS, before its handshake
	EventTLS                          // a handshake that didn't resume an earlier session
)

// RateLimiter counts what clients do over time, connections and whatever [ClientEvent] there is, and says when it is too much. One serves
// many connections at once. It is not asked about clients that may use XCLIENT: they are proxies. Package smtp/ratelimit has one.
type RateLimiter interface {
	// Connect is called when a connection's address is known. A reply refuses it: it is sent as "421", with the server's name.
	Connect(c *Conn) *Reply
	// Allow is called before the server does what a client asks, and after a handshake. A reply refuses that; after a handshake it is sent
	// as "421", and ends the connection.
	Allow(c *Conn, e ClientEvent) *Reply
	// Disconnect is called when a connection has ended for which Connect was called, refused or not.
	Disconnect(c *Conn)
}

// tooMuch asks the rate limiter.
func (c *Conn) tooMuch(e ClientEvent) *Reply {
	if !c.rated {
		return nil
	}
	r := c.srv.RateLimiter.Allow(c, e)
	c.limited = r != nil
	return r
}

// admit has the rate limiter count the connection.
func (c *Conn) admit() *Reply {
	s := c.srv
	if s.RateLimiter == nil || s.XClient != nil && s.XClient(c.real) {
		return nil
	}
	c.rated = true
	return s.RateLimiter.Connect(c)
}
