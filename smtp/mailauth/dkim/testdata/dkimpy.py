# Answers questions, one a line, with dkimpy and the name server at the port given: whether a message's only signature verifies.
import base64, json, sys, warnings
warnings.simplefilter("ignore")
import dns.resolver
import nacl.signing
import dkim

resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers, resolver.port = ["127.0.0.1"], int(sys.argv[1])
dns.resolver.default_resolver = resolver
print("ready", flush=True)
for line in sys.stdin:
    q = json.loads(line)
    try:
        ok = dkim.DKIM(base64.b64decode(q["Message"])).verify()
        answer = {"Result": "pass" if ok else "fail", "Text": ""}
    except Exception as e:
        answer = {"Result": "fail", "Text": repr(e)}
    print(json.dumps(answer), flush=True)
