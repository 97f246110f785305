package restrict

// known says of each restriction what stands behind it: "-" for nothing.
var known = func() map[string]string {
	m := map[string]string{"sleep": "time", "check_policy_service": "server", "warn_if_reject": "-"}
	for _, n := range []string{
		"permit", "reject", "defer", "defer_if_permit", "defer_if_reject",
		"permit_mynetworks", "permit_inet_interfaces", "permit_sasl_authenticated", "permit_tls_clientcerts", "permit_tls_all_clientcerts",
		"reject_plaintext_session", "reject_unauth_pipelining", "reject_multi_recipient_bounce",
		"reject_unknown_client_hostname", "reject_unknown_reverse_client_hostname", "reject_unknown_client", "reject_unknown_reverse_client",
		"reject_invalid_helo_hostname", "reject_invalid_hostname", "reject_non_fqdn_helo_hostname", "reject_non_fqdn_hostname",
		"reject_unknown_helo_hostname", "reject_unknown_hostname", "permit_naked_ip_address",
		"reject_non_fqdn_sender", "reject_unknown_sender_domain", "reject_unknown_address", "reject_unlisted_sender", "reject_unverified_sender",
		"reject_sender_login_mismatch", "reject_authenticated_sender_login_mismatch", "reject_unauthenticated_sender_login_mismatch", "reject_known_sender_login_mismatch",
		"reject_unauth_destination", "defer_unauth_destination", "permit_auth_destination", "permit_mx_backup",
		"reject_non_fqdn_recipient", "reject_unknown_recipient_domain", "reject_unlisted_recipient", "reject_unverified_recipient", "check_relay_domains",
	} {
		m[n] = "-"
	}
	for _, what := range []string{"client", "reverse_client_hostname", "helo", "sender", "recipient"} {
		for _, by := range []string{"", "_a", "_mx", "_ns"} {
			m["check_"+what+by+"_access"] = "table"
		}
	}
	for _, n := range []string{"sasl", "ccert", "etrn"} {
		m["check_"+n+"_access"] = "table"
	}
	for _, n := range []string{"reject_rbl_client", "permit_dnswl_client", "reject_rhsbl_client", "reject_rhsbl_reverse_client", "permit_rhswl_client",
		"reject_rhsbl_helo", "reject_rhsbl_sender", "reject_rhsbl_recipient"} {
		m[n] = "zone"
	}
	return m
}()
