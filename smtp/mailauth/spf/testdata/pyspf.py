# Answers questions, one a line, with pyspf and the name server at the port given.
import json, sys, warnings
warnings.simplefilter("ignore")
import dns.resolver
import spf

resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers, resolver.port = ["127.0.0.1"], int(sys.argv[1])
dns.resolver.default_resolver = resolver


class Clock:  # of the macro t
    time = staticmethod(lambda: 1600000000)


spf.time = Clock
print("ready", flush=True)
for line in sys.stdin:
    q = json.loads(line)
    query = spf.query(i=q["IP"], s=q["From"], h=q["Helo"], receiver="mx.example.net", strict=True, timeout=20)
    try:
        result, _, text = query.check()
    except Exception as e:
        result, text = "exception", repr(e)
    print(json.dumps({"Result": result, "Text": text}), flush=True)
