import os
import sys
from pathlib import Path

from connectrpc.client import ConnectClientSync
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.protocol import ProtocolType
from protobuf.wkt import StringValue
from pyqwest import HTTPVersion, SyncClient, SyncHTTPTransport

url = sys.argv[1]


def method(name, kind):
    """As generated code has it."""
    return MethodInfo(
        name=name,
        service_name="demo.Echo",
        input=StringValue,
        output=StringValue,
        idempotency_level=IdempotencyLevel.UNKNOWN,
        stream_type=kind,
    )


SAY = method("Say", StreamType.UNARY)
COUNT = method("Count", StreamType.SERVER_STREAM)
FAIL = method("Fail", StreamType.UNARY)


def client(protocol, version=None):
    # It has no variable for the authorities to trust.
    authorities = Path(os.environ["SSL_CERT_FILE"]).read_bytes()
    transport = SyncHTTPTransport(tls_ca_cert=authorities, http_version=version)
    return ConnectClientSync(url, protocol=protocol, http_client=SyncClient(transport))


def talk(client):
    answer = client.execute_unary(request=StringValue(value="there and back"), method=SAY)
    print(answer.value)
    counted = client.execute_server_stream(request=StringValue(value="x"), method=COUNT)
    print(*(message.value for message in counted))
    try:
        client.execute_unary(request=StringValue(), method=FAIL)
    except ConnectError as error:
        print(error.code.value, error.message)


talk(client(ProtocolType.CONNECT))
talk(client(ProtocolType.GRPC, HTTPVersion.HTTP2))
