package checks

// unrestricted are the actions that are for messages which come in: what is on its way out can only be changed (smtp_header_checks(5)).
var unrestricted = map[string]bool{"REJECT": true, "DISCARD": true, "HOLD": true, "FILTER": true, "REDIRECT": true, "BCC": true}
