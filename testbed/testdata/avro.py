"""Writes messages into topics as Confluent's client does: the serialiser registers their
schema, and each message begins with its id.

    avro.py BROKER REGISTRY PARTITIONS < messages.jsonl

A line {"topic": …, "schema": …, "references": {subject: schema}, "messages": 3}, of which the
schema may use those that are named, stands before so many messages, and so on. A user and
password in the registry's URL are those of its authentication.
"""
import json, sys
from urllib.parse import urlsplit
from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

broker, registry, partitions = sys.argv[1:]
url = urlsplit(registry)
client = SchemaRegistryClient({"url": url._replace(netloc=f"{url.hostname}:{url.port}").geturl(),
                               "basic.auth.user.info": f"{url.username or ''}:{url.password or ''}"})
producer = Producer({"bootstrap.servers": broker, "queue.buffering.max.messages": 1000000})
failed = []
for line in sys.stdin:
    head = json.loads(line)
    references = []
    for subject, schema in head["references"].items():
        client.register_schema(subject, Schema(schema, "AVRO"))
        version = client.get_latest_version(subject).version
        references.append(SchemaReference(json.loads(schema)["name"], subject, version))
    serialize = AvroSerializer(client, Schema(head["schema"], "AVRO", references))
    at = SerializationContext(head["topic"], MessageField.VALUE)
    for i in range(head["messages"]):
        producer.produce(head["topic"], serialize(json.loads(sys.stdin.readline()), at), partition=i % int(partitions),
                         on_delivery=lambda error, _: error and failed.append(error))
        producer.poll(0)
producer.flush()
sys.exit("; ".join(map(str, failed[:3])) or None)
