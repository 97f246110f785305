// Package thread orders messages as SORT and THREAD do (RFC 5256): base subjects, the collation i;unicode-casemap (RFC
// 5051), message identifiers, and the threading algorithms.
//
// A [Builder] is given one message after the other and keeps some 80 octets of each, whatever its header holds. Time is
// nearly linear in the number of references, whatever they refer to: who may be whose parent is asked of a link-cut tree,
// and the number of messages that are only referred to is bounded.
package thread
