// Package sendmail is the command by which programs on a machine send mail, /usr/sbin/sendmail, with the flags that Postfix's has: a message
// on standard input goes to the server on this machine by SMTP. It needs no rights beyond those of whoever calls it.
package sendmail
