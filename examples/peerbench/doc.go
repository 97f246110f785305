// Package peerbench has no code, only benchmarks and tests that put this project beside others' libraries. Benchmarks give
// the same work to both in one run; tests run our client against emersion/go-smtp's server, and its client against ours:
//
//	cd examples/peerbench && go test -bench . -benchmem
//
// It is a module of its own, so that nobody else downloads what it compares with, and so that ./... at the top doesn't
// reach it.
package peerbench
