package config

import (
	"net/netip"
	"time"
)

// Fetch are the parameters of mail that users have fetched from POP3 accounts elsewhere.
type Fetch struct {
	Enable         bool
	Interval, Time time.Duration
	Accounts       int64 // a user
	Messages       int64 // a run
	Size           int64 // octets of a message
	Concurrency    int64
	Refusals       int64
	Ports          []string
	Networks       []netip.Prefix
	KeyFile        string
}
