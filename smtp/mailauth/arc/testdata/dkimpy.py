# Answers questions, one a line, with dkimpy and the name server at the port given: what a message's chain is worth, or, for a
# question with a key, the fields of a new set.
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
    message = base64.b64decode(q["Message"])
    answer = {"Result": "fail", "Text": "", "Fields": ""}
    try:
        if q.get("Key"):
            answer["Fields"] = b"".join(dkim.arc_sign(message, q["Selector"].encode(), q["Domain"].encode(), q["Key"].encode(),
                                                      q["Domain"].encode(), linesep=b"\r\n")).decode()
        else:
            cv, _, text = dkim.arc_verify(message)
            answer["Result"], answer["Text"] = cv.decode(), str(text)
    except Exception as e:
        answer["Text"] = repr(e)
    print(json.dumps(answer), flush=True)
