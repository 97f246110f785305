//go:build race

package process

const race = true
