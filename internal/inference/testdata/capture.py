"""Captures what the payload loggers of inference servers send, from servers that really serve.

    python capture.py kserve AGENT      a ModelServer of the package kserve behind KServe's agent
    python capture.py mlserver AGENT    a server of the package mlserver behind the same agent
    python capture.py seldon EXECUTOR   a microservice of the package seldon-core behind Seldon's executor
    python capture.py seldonv2 EXECUTOR  a server of the package mlserver behind the same executor

writes NAME.jsonl, a line for each request of the logger: its headers and its body, as base64 where it is no text. With
the address of a Driftmeter as a third argument, the logger sends there, and nothing is written. AGENT is what

    go build -mod=mod -o agent github.com/kserve/kserve/cmd/agent

makes in a module that requires github.com/kserve/kserve v0.16.0; EXECUTOR is that of Seldon Core 1.17.1. The packages: kserve==0.16.0, mlserver==1.7.1 and seldon-core==1.17.1 with
setuptools<81, each in an environment of its own.
"""

import base64
import gzip
import http.server
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

SERVER, LOGGER, SINK = 23100, 23101, 23102
HERE = os.path.dirname(os.path.abspath(__file__))

FLOWERS = [[5.1, 3.5, 1.4, 0.2], [6.3, 2.9, 5.6, 1.8], [4.9, 3.0, 1.4, 0.2]]
LOANS = [{"amount": 1200.5, "country": "DE", "employed": True}, {"amount": 90, "country": "Côte d'Ivoire", "employed": None}]


def species(row: list[float]) -> str:
    return "setosa" if row[2] < 2.5 else "virginica"


def proba(amount: float) -> float:
    return round(amount / (amount + 1000), 4)


def serve_kserve() -> None:
    import numpy as np
    from kserve import InferOutput, InferResponse, Model, ModelServer
    from kserve.utils.utils import generate_uuid

    class Loans(Model):
        """Answers rows of names, V1, and a tensor for each column, V2."""

        def __init__(self) -> None:
            super().__init__("loans")
            self.ready = True

        def predict(self, payload, headers=None, response_headers=None):
            if isinstance(payload, dict):
                return {"predictions": [{"proba": proba(r["amount"]), "default": r["amount"] > 1000} for r in payload["instances"]]}
            amounts = payload.get_input_by_name("amount").as_numpy().reshape(-1)
            p = InferOutput("proba", [len(amounts)], "FP64")
            p.set_data_from_numpy(np.array([proba(a) for a in amounts]), binary_data=False)
            default = InferOutput("default", [len(amounts), 1], "BOOL")
            default.set_data_from_numpy(amounts.reshape(-1, 1) > 1000, binary_data=False)
            return InferResponse(payload.id or generate_uuid(), "loans", [p, default], model_version="7")

    class Iris(Model):
        """Answers rows without names, V1, and a matrix, V2."""

        def __init__(self) -> None:
            super().__init__("iris")
            self.ready = True

        def predict(self, payload, headers=None, response_headers=None):
            if isinstance(payload, dict):
                return {"predictions": [species(r) for r in payload["instances"]]}
            rows = payload.inputs[0].as_numpy()
            out = InferOutput("species", [len(rows)], "BYTES")
            out.set_data_from_numpy(np.array([species(r) for r in rows], dtype=object), binary_data=False)
            shares = InferOutput("shares", [len(rows), 2], "FP64")
            shares.set_data_from_numpy(np.array([[1.0, 0.0] if species(r) == "setosa" else [0.25, 0.75] for r in rows]), binary_data=False)
            return InferResponse(payload.id or generate_uuid(), "iris", [out, shares])

    ModelServer(http_port=SERVER, enable_grpc=False, workers=1).start([Loans(), Iris()])


class Flowers:
    """The model of seldon-core."""

    def predict(self, rows, names, meta=None):
        return [[0.9, 0.1] if species([float(x) for x in r]) == "setosa" else [0.25, 0.75] for r in rows]

    def class_names(self) -> list[str]:
        return ["setosa", "virginica"]


MLSERVER = '''
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceResponse
import numpy as np
from capture import species

class Iris(MLModel):
    async def predict(self, payload):
        rows = NumpyCodec.decode_input(payload.inputs[0])
        names = [species(r) for r in rows]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=[
            StringCodec.encode_output("species", names),
            NumpyCodec.encode_output("petals", np.array([r[2] * r[3] for r in rows])),
        ])
'''

def graph(service: str, model: str, to: str) -> dict:
    """Returns a SeldonDeployment."""
    at = {"service_host": "localhost", "httpPort": SERVER, "grpcPort": 23104}
    node = {"name": model, "type": "MODEL", "endpoint": at, "logger": {"mode": "all", "url": to}, "children": []}
    return {"apiVersion": "machinelearning.seldon.io/v1", "kind": "SeldonDeployment", "metadata": {"name": service},
            "spec": {"name": service, "predictors": [{"name": "main", "graph": node}]}}  # fmt: skip


class Sink(http.server.BaseHTTPRequestHandler):
    """Keeps what it gets."""

    protocol_version = "HTTP/1.1"
    got: list[dict] = []

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding"):
            sys.exit("chunked bodies are not expected")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            kept = {"body": body.decode()}
        except UnicodeDecodeError:
            kept = {"base64": base64.b64encode(body).decode()}
        Sink.got.append({"headers": dict(self.headers.items())} | kept)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def send(path: str, body: object, **headers: str) -> bytes:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body, ensure_ascii=False).encode()
    request = urllib.request.Request(f"http://localhost:{LOGGER}{path}", data, {"Content-Type": "application/json"} | headers)
    try:
        with urllib.request.urlopen(request) as answer:
            got = answer.read()
            if answer.headers.get("Content-Encoding") == "gzip":
                got = b"gzip: " + gzip.decompress(got)
    except urllib.error.HTTPError as e:
        got = f"{e.code} {e.reason}: ".encode() + e.read()
    print(path, "->", got[:200])
    return got


def tensor(name: str, datatype: str, data: list, *shape: int) -> dict:
    return {"name": name, "shape": list(shape) or [len(data)], "datatype": datatype, "data": data}


def ask_loans() -> None:
    send("/v1/models/loans:predict", {"instances": LOANS})
    columns = [
        tensor("amount", "FP64", [r["amount"] for r in LOANS]),
        tensor("country", "BYTES", [r["country"] for r in LOANS], 2, 1),
        tensor("seen", "INT64", [3, 4, 5, 6], 2, 2),
    ]
    send("/v2/models/loans/infer", {"id": "request-1", "inputs": columns})
    send("/v1/models/loans:predict", {"instances": "none"})  # which the server refuses
    send("/v2/health/ready", None)


def ask_iris() -> None:
    send("/v1/models/iris:predict", {"instances": FLOWERS}, **{"Ce-Id": "of-the-client"})
    send("/v2/models/iris/infer", {"inputs": [tensor("input-0", "FP32", FLOWERS, 3, 4)]})
    send("/v2/models/iris/infer", {"inputs": [tensor("input-0", "FP32", sum(FLOWERS, []), 3, 4)]})
    # A tensor in the binary form: JSON, and bytes behind it.
    head = json.dumps({"inputs": [{"name": "input-0", "shape": [1, 4], "datatype": "FP32", "parameters": {"binary_data_size": 16}}]}).encode()
    send("/v2/models/iris/infer", head + struct.pack("<4f", *FLOWERS[0]), **{
        "Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))})  # fmt: skip


def ask_mlserver() -> None:
    send("/v2/models/iris/infer", {"inputs": [tensor("input-0", "FP32", FLOWERS, 3, 4)]})
    many = FLOWERS * 20  # answers of 500 bytes and more are packed for who takes it
    send("/v2/models/iris/infer", {"inputs": [tensor("input-0", "FP32", many, len(many), 4)]}, **{"Accept-Encoding": "gzip, deflate"})


def ask_seldon() -> None:
    names = ["sepal length", "sepal width", "petal length", "petal width"]
    send("/api/v1.0/predictions", {"data": {"names": names, "ndarray": FLOWERS}})
    send("/api/v1.0/predictions", {"data": {"names": names, "tensor": {"shape": [3, 4], "values": sum(FLOWERS, [])}}}, **{"Seldon-Puid": "of-the-client"})
    send("/api/v1.0/predictions", {"data": {"ndarray": FLOWERS[:1]}})


def serve(name: str, folder: str) -> list[str]:
    """Returns the command of a server."""
    bin = os.path.dirname(sys.executable)
    if name == "kserve":
        return [sys.executable, os.path.join(HERE, "capture.py"), "serve"]
    if name == "seldon":
        return [os.path.join(bin, "seldon-core-microservice"), "capture.Flowers", "--service-type", "MODEL",
                "--http-port", str(SERVER), "--grpc-port", "23104", "--metrics-port", "23105"]  # fmt: skip
    with open(os.path.join(folder, "model.py"), "w") as f:
        f.write(MLSERVER)
    with open(os.path.join(folder, "model-settings.json"), "w") as f:
        json.dump({"name": "iris", "implementation": "model.Iris", "parameters": {"version": "v2.1"}}, f)
    with open(os.path.join(folder, "settings.json"), "w") as f:
        json.dump({"http_port": SERVER, "grpc_port": 23104, "metrics_port": 23105, "parallel_workers": 0}, f)
    return [os.path.join(bin, "mlserver"), "start", folder]


def log(name: str, program: str, service: str, to: str, folder: str) -> list[str]:
    """Returns the command of a logger."""
    if not name.startswith("seldon"):
        return [program, "--port", str(LOGGER), "--component-port", str(SERVER), "--log-url", to, "--log-mode", "all",
                "--inference-service", service, "--namespace", "models", "--component", "predictor"]  # fmt: skip
    deployment = os.path.join(folder, service + ".yaml")
    with open(deployment, "w") as f:
        json.dump(graph(service, "iris" if name == "seldonv2" else "classifier", to), f)
    return [program, "--protocol", "v2" if name == "seldonv2" else "seldon", "--sdep", service, "--namespace", "models", "--predictor", "main", "--file", deployment,
            "--http_port", str(LOGGER), "--grpc_port", "23106", "--hostname", "localhost"]  # fmt: skip


def wait(port: int, path: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://localhost:{port}{path}").read()
            return
        except OSError:
            time.sleep(0.2)
    sys.exit(f"nobody answers at {port}{path}")


def listening(port: int) -> None:
    """Waits without a request, which would be logged."""
    for _ in range(600):
        try:
            socket.create_connection(("localhost", port)).close()
            return
        except OSError:
            time.sleep(0.2)
    sys.exit(f"nobody listens at {port}")


ASK = {
    "kserve": {"loans": ask_loans, "iris": ask_iris},
    "mlserver": {"iris": ask_mlserver},
    "seldon": {"flowers": ask_seldon},
    "seldonv2": {"flowers": ask_mlserver},
}


def run(command: list[str], folder: str) -> subprocess.Popen:
    """Starts a program in a group of its own, since servers have processes that outlive the first."""
    env = os.environ | {"PYTHONPATH": HERE, "SERVING_READINESS_PROBE": ""}
    return subprocess.Popen(command, cwd=folder, env=env, start_new_session=True)


def end(p: subprocess.Popen) -> None:
    if p.poll() is None:
        os.killpg(p.pid, signal.SIGKILL)
    p.wait()


def main(name: str, program: str, to: str | None = None) -> None:
    sink = http.server.ThreadingHTTPServer(("localhost", SINK), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        running = [run(serve(name, folder), folder)]
        try:
            wait(SERVER, "/health/ping" if name == "seldon" else "/v2/health/ready")
            for service, ask in ASK[name].items():
                running.append(run(log(name, program, service, to or f"http://localhost:{SINK}/", folder), folder))
                listening(LOGGER)
                ask()
                time.sleep(3)
                end(running.pop())
        finally:
            for p in running:
                end(p)
    if to is None:
        with open(os.path.join(HERE, name + ".jsonl"), "w") as f:
            for request in Sink.got:
                f.write(json.dumps(request, ensure_ascii=False) + "\n")
        print(len(Sink.got), "requests")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve_kserve()
    else:
        main(*sys.argv[1:])
