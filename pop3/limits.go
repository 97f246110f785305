package pop3

import (
	"math"
	"time"
)

// Limits bound what clients can make a server hold or do. 0 means the default, a negative number no limit.
type Limits struct {
	CommandLine        int // octets of a command with its CRLF; 0: 512 (RFC 2449 section 4 wants 255)
	AuthLine           int // octets of AUTH and of each line of its exchange; 0: 12,288
	Connections        int // at a time; 0: none
	ConnectionsPerAddr int // from one address, or one /64 of IPv6; 0: 50. Loopback and unix sockets don't count
	Commands           int // of a connection; 0: none
	SoftErrors         int // refused commands without a delay; 0: 10
	HardErrors         int // refused commands before the connection is cut; 0: 20
	AuthFailures       int // failed logins before the connection is cut; 0: 5
}

// Timeouts bound how long a server waits. 0 means the default, negative for ever.
type Timeouts struct {
	Command   time.Duration // the autologout timer; 0: 10 min, the least that RFC 1939 section 3 allows
	Auth      time.Duration // for each line of an AUTH exchange; 0: 2 min
	Write     time.Duration // for each block of an answer to be taken; 0: 1 min
	Handshake time.Duration // for a TLS handshake; 0: 30 s
	Error     time.Duration // the delay of answers to failed logins, and beyond Limits.SoftErrors; 0: 1 s
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
