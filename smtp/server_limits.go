package smtp

import (
	"math"
	"time"
)

// Limits bound what clients can make a server hold or do. 0 means the default, a negative number no limit.
type Limits struct {
	MessageSize        int64 // octets of a message; 0: 10,240,000
	Recipients         int   // of a message; 0: 1,000 (RFC 5321 section 4.5.3.1.8 wants 100 at least)
	Messages           int   // of a connection; 0: none. Announced as MAILMAX (RFC 9422)
	CommandLine        int   // octets of a command with its CRLF; 0: 2,048 (RFC 5321 section 4.5.3.1.4 wants 512 at least)
	AuthLine           int   // octets of AUTH and what follows it; 0: 12,288 (RFC 4954 section 4)
	Connections        int   // at a time; 0: none
	ConnectionsPerAddr int   // from one address, or one /64 of IPv6; 0: 50. Loopback and unix sockets don't count
	Commands           int   // of a connection; 0: none
	SoftErrors         int   // refused commands since the last message before all replies are delayed; 0: 10
	HardErrors         int   // refused commands before the connection is cut; 0: 20
	JunkCommands       int   // NOOP, RSET, VRFY, EHLO and their like between messages that are no errors yet; 0: 100
	AuthFailures       int   // failed AUTH commands before the connection is cut; 0: 5

	// DeliverByMin is the shortest BY time that DELIVERBY announces and mode R accepts (RFC 2852 section 2).
	DeliverByMin time.Duration
	// HoldMax is how long FUTURERELEASE lets a message wait (RFC 4865 section 4); 0: 30 days.
	HoldMax time.Duration
}

// Timeouts bound how long a server waits. 0 means the default, negative for ever.
type Timeouts struct {
	Command   time.Duration // for a whole command line; 0: 5 min (RFC 5321 section 4.5.3.2.7)
	Data      time.Duration // for each block of a message; 0: 5 min
	Message   time.Duration // for a whole message; 0: 1 h
	Auth      time.Duration // for each line of an AUTH exchange; 0: 2 min
	Write     time.Duration // for replies to be taken; 0: 1 min
	Handshake time.Duration // for a TLS handshake; 0: 30 s
	Proxy     time.Duration // for a PROXY header; 0: 30 s
	Error     time.Duration // the delay of replies after Limits.SoftErrors; 0: 1 s
	Watch     time.Duration // how long a session may take before its peer is watched for going away; 0: 500 ms
}

// limit returns n, or def when it is 0, or a number that is never reached when it is negative.
func limit(n, def int) int {
	switch {
	case n == 0:
		return def
	case n < 0:
		return math.MaxInt
	}
	return n
}

func (s *Server) maxSize() int64 {
	switch n := s.Limits.MessageSize; {
	case n == 0:
		return 10_240_000
	case n < 0:
		return math.MaxInt64
	default:
		return n
	}
}

// wait returns the timeout t, or def; 0 stands for none.
func wait(t, def time.Duration) time.Duration {
	switch {
	case t == 0:
		return def
	case t < 0:
		return 0
	}
	return t
}
