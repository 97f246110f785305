package dbtable

import (
	"errors"
	"strings"
)

// Results gathers what a table answers, with commas between.
type Results struct {
	text strings.Builder
	n    int
}

// ErrExpansion says that there are more results than expansion_limit.
var ErrExpansion = errors.New("more results than expansion_limit")

// Add adds one; most 0 is no limit.
func (r *Results) Add(text string, most int) error {
	if r.n++; most > 0 && r.n > most {
		return ErrExpansion
	}
	if r.text.Len() > 0 {
		r.text.WriteByte(',')
	}
	r.text.WriteString(text)
	return nil
}

// Len is how many there are.
func (r *Results) Len() int { return r.n }

// Value is all of them; found is false where there is nothing.
func (r *Results) Value() (value string, found bool) { return r.text.String(), r.text.Len() > 0 }
