// Package restrict has Postfix's access restrictions: what stands in smtpd_client_restrictions and its like. Lists are read once, by New,
// which refuses what it doesn't know and says where; a Visit then asks them as a client goes from command to command. The replies are
// Postfix's, word for word: testdata/dialogues.txt has some hundred conversations with Debian's.
//
// # Restrictions
//
//	everywhere    permit reject defer defer_if_permit defer_if_reject warn_if_reject sleep check_policy_service
//	              permit_mynetworks permit_inet_interfaces permit_sasl_authenticated permit_tls_clientcerts
//	              permit_tls_all_clientcerts reject_plaintext_session, names of restriction classes
//	client        reject_unknown_client_hostname reject_unknown_reverse_client_hostname check_client_access
//	              check_reverse_client_hostname_access check_sasl_access check_ccert_access and the _a, _mx, _ns forms
//	              reject_rbl_client permit_dnswl_client reject_rhsbl_client reject_rhsbl_reverse_client permit_rhswl_client
//	helo          reject_invalid_helo_hostname reject_non_fqdn_helo_hostname reject_unknown_helo_hostname
//	              permit_naked_ip_address reject_rhsbl_helo check_helo_access and its _a, _mx, _ns forms
//	sender        reject_non_fqdn_sender reject_unknown_sender_domain reject_unlisted_sender reject_rhsbl_sender
//	              reject_sender_login_mismatch and its authenticated, unauthenticated and known forms,
//	              check_sender_access and its _a, _mx, _ns forms
//	recipient     reject_unauth_destination defer_unauth_destination permit_auth_destination permit_mx_backup
//	              reject_non_fqdn_recipient reject_unknown_recipient_domain reject_unlisted_recipient
//	              reject_rhsbl_recipient check_recipient_access and its _a, _mx, _ns forms
//	data          reject_multi_recipient_bounce reject_unauth_pipelining
//	etrn          check_etrn_access
//
// reject_unverified_sender and reject_unverified_recipient ask other servers, by package verify.
package restrict
