// Package ratelimit counts what SMTP clients do over time, as Postfix's anvil does, and refuses what is too much: connections at once and
// over time, messages, recipients, TLS sessions and AUTH commands.
//
// [Counters] holds the counts. A [Service] has limits of its own for one service, and is the [smtp.RateLimiter] of its server; services may
// share Counters and are counted apart, by their names. All counts of a client begin anew together, a Window after the first of them.
//
// What is remembered is bounded: of clients that have a connection by the connections, and of others by MaxIdle. Who comes from more addresses
// than that isn't slowed down by counting addresses.
package ratelimit
