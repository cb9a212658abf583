"""A service whose predictions are monitored: nothing of it is about Driftmeter.

    pip install "bentoml[monitor-otlp]" && bentoml serve service:Iris
"""

import bentoml


@bentoml.service(
    monitoring={
        "enabled": True,
        "type": "otlp",
        # The whole path, since BentoML adds none to an endpoint that it is given.
        "options": {"endpoint": "http://localhost:4319/v1/logs"},
    }
)
class Iris:
    @bentoml.api
    def classify(self, sepal_len: float, petal_len: float, site: int) -> dict:
        species = "setosa" if petal_len < 2.5 else "virginica"
        with bentoml.monitor("iris_monitor") as m:
            m.log(sepal_len, name="sepal len", role="feature", data_type="numerical")
            m.log(petal_len, name="petal len", role="feature", data_type="numerical")
            m.log(site, name="site", role="feature", data_type="categorical")
            m.log(species, name="species", role="prediction", data_type="categorical")
        return {"species": species}
