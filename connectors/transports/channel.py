"""How a channel to a neighbour behaves: sizes, keep-alive, dialling again, and which calls gRPC repeats by itself."""

import json

#: Largest message either side may send.
MAX_MESSAGE_BYTES = 4 * 1024 * 1024

#: Calls that may come twice, repeated when a process of the neighbour goes away; a stream only before its first answer.
#: Uploads take themselves up again, an invitation is redeemed once, and documents and scores are sent by people.
#: Source: gRFC A6, client retries; at most five tries are kept to.
_REPEATED = {
    "methodConfig": [
        {
            "name": [
                {"service": "sanji.exchange.v1.ExchangeService"},
                {"service": "sanji.federation.v1.FederationService", "method": "Heartbeat"},
                {"service": "sanji.federation.v1.ReconcileService"},
                {"service": "sanji.statistics.v1.StatisticsService"},
                {"service": "sanji.standards.v1.StandardsService"},
                {"service": "sanji.component.v1.ComponentService"},
            ],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                # The second is what a server that ends makes of a call it can no longer serve.
                "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
            },
        }
    ]
}

CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.service_config", json.dumps(_REPEATED)),
)
