package smtptest

import (
	"net"

	"github.com/buuta/mail/internal/testnet"
)

// Pipe returns the two ends of a connection in memory. Unlike net.Pipe's it is buffered, as the network is: a write
// doesn't wait for the other side's read until 64 KiB lie between them. Deadlines work, also in a testing/synctest bubble.
func Pipe() (client, server net.Conn) { return testnet.Pipe() }
