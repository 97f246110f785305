package doveadm

// ParseQuery is given to the fuzzer.
var ParseQuery = parseQuery
