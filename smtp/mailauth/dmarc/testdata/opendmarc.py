# Answers questions, one a line, with libopendmarc: what it would do with a message.
import ctypes, json, os, sys, tempfile

lib = ctypes.CDLL("libopendmarc.so.2")
lib.opendmarc_policy_connect_init.restype = ctypes.c_void_p
lib.opendmarc_policy_status_to_str.restype = ctypes.c_char_p
tlds = tempfile.NamedTemporaryFile("w", suffix=".tld")
tlds.write("com\norg\nexample\n")
tlds.flush()
if lib.opendmarc_tld_read_file(tlds.name.encode(), b"//", b"*.", b"!") != 0:
    sys.exit("no list of public suffixes")
OUTCOME = {"none": 0, "pass": 1, "fail": 2, "softfail": 2, "neutral": 2, "policy": 2, "temperror": 3}
print("ready", flush=True)
for line in sys.stdin:
    q = json.loads(line)
    for name, text in q["Records"] or []:
        lib.opendmarc_dns_fake_record(name.encode(), text.encode())
    ctx = ctypes.c_void_p(lib.opendmarc_policy_connect_init(b"192.0.2.1", 0))
    lib.opendmarc_policy_store_from_domain(ctx, q["From"].encode())
    if q["SPFDomain"]:
        lib.opendmarc_policy_store_spf(ctx, q["SPFDomain"].encode(), OUTCOME[q["SPF"]], 0, None)
    for result, domain in q["DKIM"] or []:
        lib.opendmarc_policy_store_dkim(ctx, domain.encode(), b"s", OUTCOME[result], None)
    status = lib.opendmarc_policy_query_dmarc(ctx, q["From"].encode())
    enforce = lib.opendmarc_get_policy_to_enforce(ctx)
    print(json.dumps({"Query": lib.opendmarc_policy_status_to_str(status).decode(),
                      "Enforce": lib.opendmarc_policy_status_to_str(enforce).decode(), "Code": enforce}), flush=True)
    lib.opendmarc_policy_connect_shutdown(ctx)
