package config

import (
	_ "embed"
	"slices"
	"strings"
)

// names are those of Postfix 3.7's parameters that are not in the table, in lines, sorted.
//
//go:embed postfix.names
var names string

// PostfixKnows reports whether Postfix has a parameter of that name that this server has no row for.
func PostfixKnows(name string) bool {
	_, found := slices.BinarySearch(strings.Fields(names), name)
	return found
}
