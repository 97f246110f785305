// Package testnet is what the servers for users' tests share: connections in memory, and certificates.
package testnet
