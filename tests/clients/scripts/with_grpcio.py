import sys
from urllib.parse import urlsplit

import grpc

url = urlsplit(sys.argv[1])
if url.scheme == "http":
    channel = grpc.insecure_channel(url.netloc)
else:
    channel = grpc.secure_channel(url.netloc, grpc.ssl_channel_credentials())

print(channel.unary_unary("/demo.Echo/Say")(b"there and back", timeout=10).decode())
print(*channel.unary_stream("/demo.Echo/Count")(b"x", timeout=10))
try:
    channel.unary_unary("/demo.Echo/Fail")(b"", timeout=10)
except grpc.RpcError as error:
    print(error.code().name, error.details())
