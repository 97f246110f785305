package server_test

import "testing"

// What leads nowhere is told in the log, at the start; the server runs.
func TestCirclesAreTold(t *testing.T) {
	r := start(t, "virtual_alias_maps=inline:{ {a@example.test=b@example.test}, {b@example.test=a@example.test}, {sales@example.test=gone@example.test}, {ok@example.test=alice@example.test} }",
		"canonical_maps=inline:{ {c@far.test=d@far.test}, {d@far.test=c@far.test} }")
	r.logged(`postfix/cleanup\[\d+\]: warning: .*virtual_alias_maps: a@example.test -> b@example.test -> a@example.test has no end`)
	r.logged(`virtual_alias_maps: sales@example.test -> gone@example.test, which nobody has`)
	r.logged(`canonical_maps: c@far.test -> d@far.test -> c@far.test goes in a circle`)
}
