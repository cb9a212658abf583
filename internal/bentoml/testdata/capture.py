"""Captures what BentoML's monitors send by OTLP, from a service that BentoML really serves.

    pip install bentoml==1.4.38 opentelemetry-exporter-otlp-proto-http
    python capture.py NAME

writes NAME.pb, the bodies of its requests joined (which is how protobuf merges them). map.pb was made with
opentelemetry-sdk 1.33.1, repr.pb with 1.18.0 (and all that belongs to it, 0.39b0), whose bodies are Python's repr
of the row. The schema is sent with the first row only (meta_sample_rate).
"""

import http.server
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request

import bentoml

PORT, SINK = 23000, 23001


@bentoml.service(
    name="iris",
    monitoring={"enabled": True, "type": "otlp", "options": {"endpoint": f"http://localhost:{SINK}/v1/logs", "meta_sample_rate": 0}},
    traffic={"timeout": 30},
)
class Iris:
    @bentoml.api
    def classify(self, rows: list[dict]) -> list[str]:
        answers = []
        with bentoml.monitor("iris_monitor") as m:
            for r in rows:
                m.log(r["sepal len"], name="sepal len", role="feature", data_type="numerical")
                m.log(r["petal len"], name="petal len", role="feature", data_type="numerical")
                m.log(r["site"], name="site", role="feature", data_type="categorical")
                m.log([r["sepal len"], r["petal len"]], name="shape", role="feature", data_type="numerical_sequence")
                m.log(r["note"], name="note", role="comment", data_type="text")
                m.log(r["timestamp"], name="timestamp", role="feature", data_type="numerical")
                answer = "setosa" if r["petal len"] < 2.5 else "virginica"
                m.log(answer, name="species", role="prediction", data_type="categorical")
                m.log(0.9 if answer == "setosa" else 0.7, name="proba", role="prediction", data_type="numerical")
                m.log(r["true"], name="truth", role="target", data_type="categorical")
                answers.append(answer)
        return answers


def row(i: int) -> dict:
    long = i % 3 == 0
    true = "virginica" if long != (i % 10 == 7) else "setosa"  # every tenth is mistaken
    return {
        "sepal len": 5 + i / 10, "petal len": 5.5 if long else 1.4 + i / 100, "site": i % 2, "note": f'it\'s "row" {i}\né',
        "timestamp": i, "true": None if i == 4 else true,
    }  # fmt: skip


class Sink(http.server.BaseHTTPRequestHandler):
    bodies: list[bytes] = []

    def do_POST(self) -> None:
        Sink.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def main(name: str) -> None:
    sink = http.server.ThreadingHTTPServer(("localhost", SINK), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    serve = subprocess.Popen(
        [sys.executable, "-m", "bentoml", "serve", "capture:Iris", "--port", str(PORT)],
        cwd=os.path.dirname(os.path.abspath(__file__)), env=os.environ | {"OTEL_BLRP_SCHEDULE_DELAY": "200", "BENTOML_DO_NOT_TRACK": "True"},
    )  # fmt: skip
    try:
        for start, n in ((0, 1), (1, 1), (2, 3), (5, 1), (6, 44)):
            body = json.dumps({"rows": [row(i) for i in range(start, start + n)]}).encode()
            for _ in range(200):
                try:
                    request = urllib.request.Request(f"http://localhost:{PORT}/classify", body, {"Content-Type": "application/json"})
                    print(urllib.request.urlopen(request).read())
                    break
                except OSError:
                    time.sleep(0.3)
        time.sleep(3)
    finally:
        serve.terminate()
        serve.wait()
    with open(name + ".pb", "wb") as f:
        f.writelines(Sink.bodies)
    print(len(Sink.bodies), "requests")


if __name__ == "__main__":
    main(sys.argv[1])
