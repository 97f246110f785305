// Package deflate compresses and decompresses connections that stay open (RFC 1951, as RFC 4978 and RFC 8054 use it). What
// it has over compress/flate: its Reader hands on everything that has arrived before it waits for more, whichever way the
// peer flushes, and keeps no more of the past than the peer has sent; its Writer costs nothing while it rests.
package deflate
