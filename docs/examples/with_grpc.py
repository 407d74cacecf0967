import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from authproxy.auth import ServiceAuth

BILLING = "https://billing-123456.europe-west4.run.app"

with ServiceAuth(BILLING, credentials="file:key.json") as auth:
    credentials = grpc.composite_channel_credentials(grpc.ssl_channel_credentials(), auth.grpc())
    target = BILLING.removeprefix("https://")
    with grpc.secure_channel(target, credentials) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        print(answer.status)
