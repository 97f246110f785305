// Package peerbench has no code, only benchmarks that put the same work to this project and to others' libraries in one run:
//
//	cd examples/peerbench && go test -bench . -benchmem
//
// It is a module of its own, so that nobody else downloads what it compares with.
package peerbench
