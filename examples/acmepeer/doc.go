// Package acmepeer tries fullserver's certificates by ACME with Pebble, the test authority of those who run Let's Encrypt. It is a module of its own so that
// nobody else has to download that.
package acmepeer
