package queue

import (
	"time"

	"github.com/buuta/mail"
)

// Route is where a recipient's copy goes.
type Route struct {
	Transport string // a name in [Queue.Transports]
	Nexthop   string // what the transport is asked to reach: a domain, "[host]:587", an account. Destinations are told apart by it.
}

// Transport is a way out. Set Deliverer; zero limits are Postfix's defaults.
type Transport struct {
	// Deliverer returns what takes messages for a next hop. It is called for each delivery and may return the same
	// value each time, so that it can keep connections. Deliveries of one destination run at the same time.
	//
	// A transaction's Result or error decides each recipient: 2yz is sent, 4yz deferred, 5yz bounced; an error that is
	// no *mail.Reply is deferred. If Begin's error says that the destination itself can't be reached or used (a network
	// error, "421", an enhanced code X.4.Z or X.3.Z), or every Result does so (X.3.Z without a Relay), it counts
	// against the destination's concurrency. An error or a transaction may have a method Relay() string, which then names
	// the peer in the log. The message that Body gets is an io.Seeker as far as going back to its beginning.
	Deliverer func(nexthop string) mail.Deliverer

	// Final says that this transport puts messages into mailboxes, not to a next system: a success notification says
	// "delivered", and is made here, rather than "relayed" (RFC 3461 section 5.2).
	Final bool

	// Name is what the log calls the program that delivers. "": the transport's name.
	Name string

	ProcessLimit       int           // deliveries at a time, all destinations; 0: 100 (default_process_limit)
	InitialConcurrency int           // deliveries to a new destination at a time; 0: 5 (initial_destination_concurrency)
	ConcurrencyLimit   int           // deliveries to one destination at a time at most; 0: 20 (default_destination_concurrency_limit)
	RecipientLimit     int           // recipients in one transaction; 0: 50 (default_destination_recipient_limit)
	FailedCohortLimit  int           // how many whole windows must fail before a destination is dead; 0: 1
	RateDelay          time.Duration // pause between two deliveries to one destination; they then go one at a time (destination_rate_delay)
	TransportRateDelay time.Duration // pause between two deliveries, whatever their destinations (transport_rate_delay)
	Timeout            time.Duration // for one delivery as a whole; 0: none but the deliverer's own
}
