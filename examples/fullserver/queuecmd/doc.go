// Package queuecmd is the commands by which operators look after a queue, with Postfix's names, flags and words: mailq, postqueue,
// postsuper, postcat and qshape. Each works on a [Queue]: that of the running server, over its control socket, or the spool of
// one that is stopped.
package queuecmd
