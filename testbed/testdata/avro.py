"""Writes rows into a topic as Confluent's client does: the serialiser registers their schema,
and each message begins with its id.

    avro.py BROKER REGISTRY TOPIC PARTITIONS < rows.jsonl

The first line of the input is {"schema": …, "references": {subject: schema}}, of which the
schema may use those that are named; the others are rows. A user and password in the
registry's URL are those of its authentication.
"""
import json, sys
from urllib.parse import urlsplit
from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

broker, registry, topic, partitions = sys.argv[1:]
url = urlsplit(registry)
client = SchemaRegistryClient({"url": url._replace(netloc=f"{url.hostname}:{url.port}").geturl(),
                               "basic.auth.user.info": f"{url.username or ''}:{url.password or ''}"})
head = json.loads(sys.stdin.readline())
references = []
for subject, schema in head["references"].items():
    client.register_schema(subject, Schema(schema, "AVRO"))
    version = client.get_latest_version(subject).version
    references.append(SchemaReference(json.loads(schema)["name"], subject, version))
serialize = AvroSerializer(client, Schema(head["schema"], "AVRO", references))
at = SerializationContext(topic, MessageField.VALUE)
producer = Producer({"bootstrap.servers": broker})
failed = []
for i, line in enumerate(sys.stdin):
    producer.produce(topic, serialize(json.loads(line), at), partition=i % int(partitions),
                     on_delivery=lambda error, _: error and failed.append(error))
    producer.poll(0)
producer.flush()
sys.exit("; ".join(map(str, failed[:3])) or None)
