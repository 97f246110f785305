// Package nearest finds the name that a misspelt one may mean.
package nearest

import "iter"

// Name returns the one of names that is fewer than limit single-character edits from name (Levenshtein), the nearest, the first of several in
// the order of the alphabet; "" when none is.
func Name(name string, names iter.Seq[string], limit int) string {
	best := ""
	for n := range names {
		if d := distance(name, n, limit+1); d < limit || best != "" && d == limit && n < best {
			best, limit = n, d
		}
	}
	return best
}

// distance is the number of single-character edits between a and b, or limit when it is no less.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j]+1, diag+1)
		}
	}
	return min(row[len(b)], limit)
}
